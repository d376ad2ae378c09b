"""Whatever a TOML file holds, it is read or refused in a line; it is never another exception."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.inventory.declaration import TABLES, parse_text
from meterhouse.inventory.declared import Mistakes
from meterhouse.metering.errors import Mistake
from meterhouse.web.declaring import declare

NUMBERS = (
    *(
        "1e99999999999999999999",
        "-1e99999999999999999999",
        "1e-99999999999999999999",
        "inf",
        "nan",
    ),
    *("9" * 4301, "0x" + "f" * 5000, str(2**63), str(-(2**63) - 1), "1e400", "0." + "1" * 400),
)
MOMENTS = ("9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00", "9999-12-31", "0001-01-01")
TEXTS = (
    '"a\\u0000b"',
    '"a\\nb"',
    '"\\u2028"',
    '"' + "x" * 501 + '"',
    '"unassigned"',
    '""',
    "{}",
    "[]",
)


@pytest.mark.parametrize("text", [*NUMBERS, *MOMENTS, *TEXTS], ids=lambda text: text[:24])
@pytest.mark.parametrize(
    "place",
    [
        '[[prices]]\nper_kwh = {}\ncurrency = "EUR"',
        '[[prices]]\nper_kwh = 1\ncurrency = "EUR"\nuntil = {}',
        '[[institutions]]\nkey = "x"\n[[projects]]\nkey = "p"\nshares = {{ x = {} }}',
        "[[institutions]]\nkey = {}",
        '[[users]]\nkey = "u"\nname = {}',
        '[[sources]]\nname = "s"\nkind = "dummy"\ninterval = {}',
        '[[sources]]\nname = {}\nkind = "dummy"',
    ],
)
@pytest.mark.django_db
def test_an_awkward_value_anywhere_is_taken_or_refused_in_lines(
    tmp_path: Path, place: str, text: str
) -> None:
    file = tmp_path / "house.toml"
    file.write_text(place.format(text))
    lines: Sequence[str] = ()
    try:
        declare(file, tmp_path, now=datetime(2026, 5, 1, tzinfo=UTC))
    except Mistake as mistake:
        lines = str(mistake).split("\n")
    assert all(line.startswith("house.toml: ") and len(line) < 1500 for line in lines)


def moments() -> st.SearchStrategy[datetime]:
    offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    return st.datetimes(timezones=offsets)


scalars = st.one_of(
    st.text(max_size=20),
    st.integers(-(2**80), 2**80),
    st.floats(),
    st.booleans(),
    moments(),
    st.dates(date(1, 1, 1)),
)
KEYS = ("key", "name", "parent", "shares", "from", "until", "user", "project", "weight", "per_kwh")
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
)
tables = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), values, max_size=5)


@given(st.dictionaries(st.sampled_from([*TABLES, "options"]), st.lists(tables, max_size=3)))
def test_law_any_document_is_a_declaration_or_a_mistake(document: dict[str, object]) -> None:
    lines: Sequence[str] = ()
    try:
        parse_text(tomlkit.dumps(document), "house.toml").refuse()
    except Mistakes as mistake:
        lines = mistake.lines
    assert all(line.startswith("house.toml: ") and "\n" not in line for line in lines)
