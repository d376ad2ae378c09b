"""What meters answered, beside what it becomes: a folder each in the source's ``cases``.

source.toml:    the source's table; {web} is the server
*.json:         what the server has
expected.jsonl: a line a snapshot, followed by its resources; a line a sample; what was refused
error.txt:      or what the error says
"""

import tomllib
from pathlib import Path

import pytest
from tests.sources.http.conftest import Web
from tests.sources.readings import configured, lines

import meterhouse.sources.http
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import BadReading

CASES = Path(meterhouse.sources.http.__file__).parent / "cases"


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
async def test_a_case_is_read_as_expected(case: Path, web: Web, clock: FixedClock) -> None:
    web.put_all(case)
    table = tomllib.loads((case / "source.toml").read_text().replace("{web}", web.url))
    error = case / "error.txt"
    async with configured("lab", kind="http", **table).open(clock) as source:
        if error.exists():
            with pytest.raises(BadReading) as bad:
                await source.read()
            assert error.read_text().strip() in str(bad.value)
        else:
            expected = (case / "expected.jsonl").read_text().splitlines()
            assert list(lines(await source.read())) == expected


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_a_case_says_where_it_comes_from(case: Path) -> None:
    assert (case / "origin.txt").read_text().strip()
    assert (case / "expected.jsonl").exists() != (case / "error.txt").exists()
