"""Whatever a file says, it gives a plan or one clear line a mistake: never anything else."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.inventory.cast import NOW

from meterhouse.inventory.declaration import TABLES, parse, parse_text
from meterhouse.inventory.declared import Mistakes
from meterhouse.inventory.plan import plan
from meterhouse.metering.errors import Mistake

pytestmark = pytest.mark.django_db

LONG = "9" * 5000
NUMBERS = (
    *("0", "-1", "1", "1e999999999999999999", "-1e-999999999999999999", "inf", "nan", "1e400"),
    *(LONG, "0x" + "f" * 5000, "0.0000000001", f"0.{LONG}", "1_000.5"),
)
MOMENTS = (
    *("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-01-01", "07:32:00"),
    *(
        "2026-05-27T07:32:00",
        "2026-05-27T07:32:00Z",
        '"2026-01-01"',
        '"9999-12-31T23:59:59-01:00"',
    ),
)
TEXTS = st.one_of(
    st.sampled_from(["", "a", "a/b", "..", ".", "unassigned", "a\nb", "\0", "a\u2028b", LONG]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
TEXT = TEXTS.map(lambda text: json.dumps(text, ensure_ascii=True).replace("\\u007f", "\x7f"))
SIMPLE = st.one_of(st.sampled_from([*NUMBERS, *MOMENTS, "true"]), TEXT)
VALUE = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda each: f"[{', '.join(each)}]"),
        st.tuples(TEXT, inner).map(lambda pair: f"{{ {pair[0]} = {pair[1]} }}"),
    ),
    max_leaves=3,
)
KEYS = (
    *("key", "name", "parent", "source", "external_id", "shares", "email", "user", "project"),
    *("role", "from", "until", "institution", "weight", "per_kwh", "currency", "g_per_kwh"),
    *("outlet", "node", "watts", "tag", "kind", "prune", "odd"),
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    text = ""
    for name in draw(st.lists(st.sampled_from([*TABLES, "odd"]), max_size=4)):
        keys = draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=6))
        text += f"[[{name}]]\n" + "".join(f"{key} = {draw(VALUE)}\n" for key in keys)
    return text


@given(documents())
def test_any_document_gives_a_plan_or_mistakes_of_one_line_each(text: str) -> None:
    for line in told(text):
        assert line.startswith("estate.toml: ")
        assert len(line.splitlines()) == 1
        assert "\0" not in line
        assert len(line) < 1000


def told(text: str) -> tuple[str, ...]:
    """The mistakes of a document; none if there is a plan."""
    try:
        plan(parse_text(text, "estate.toml"), now=NOW)
    except Mistakes as mistakes:
        return mistakes.lines
    return ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            '[[prices]]\nper_kwh = 1e99999999999999999999\ncurrency = "EUR"',
            "x: a number is too long or too large (line 2); write it with fewer digits",
        ),
        (
            f'[[projects]]\nkey = "p"\nshares = {{ x = {LONG} }}',
            "x: a number is too long or too large (line 3); write it with fewer digits",
        ),
        (
            '[[prices]]\nper_kwh = 1\ncurrency = "EUR"\nuntil = 9999-12-31T23:59:59-01:00',
            (
                'x: [[prices]] "1" (line 1): until must be before the year 9000; '
                "for ever is without it"
            ),
        ),
        (
            '[[institutions]]\nkey = "unassigned"',
            (
                'x: [[institutions]] "unassigned" (line 1): "unassigned" is what reports call '
                "those that have nobody; take another key"
            ),
        ),
        (
            '[[users]]\nkey = "a"\nname = "A\\u0000"',
            (
                'x: [[users]] "a" (line 1): name must be one line of at most 255 characters, '
                'none of them a control character, not "A\\x00"'
            ),
        ),
    ],
)
def test_what_once_broke_is_one_clear_line(text: str, line: str) -> None:
    with pytest.raises(Mistakes) as caught:
        plan(parse_text(text, "x"), now=NOW)
    assert caught.value.lines == (line,)
    assert isinstance(caught.value, Mistake)


def test_a_mistake_in_a_file_of_control_characters_shows_them_escaped(tmp_path: Path) -> None:
    path = tmp_path / "estate.toml"
    path.write_bytes(b'[[users]]\nkey = "a\x1b[31m"\n')
    with pytest.raises(Mistakes) as caught:
        parse(path)
    assert str(caught.value).isprintable()
