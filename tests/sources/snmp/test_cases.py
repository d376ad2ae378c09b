"""What agents say, beside what it becomes: a folder each in the source's ``cases``.

config.toml:    what a source is told besides where its agent is
input.json:     what the agent says: numbers, texts, or snmpd's types with their values
expected.jsonl: a line a snapshot, followed by its resources; a line a sample; what was refused
error.txt:      or what a bad reading says
origin.txt:     where it comes from
"""

import json
import tomllib
from pathlib import Path

import pytest
from tests import snmp_agent
from tests.sources.readings import lines
from tests.sources.snmp.conftest import Opener

import meterhouse.sources.snmp
from meterhouse.metering.errors import BadReading

CASES = Path(meterhouse.sources.snmp.__file__).parent / "cases"


def said(case: Path) -> dict[str, snmp_agent.Said]:
    listed = json.loads((case / "input.json").read_text())
    return {oid: tuple(say) if isinstance(say, list) else say for oid, say in listed.items()}


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
async def test_a_case_is_read_as_expected(
    case: Path, snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    snmpd.say(said(case))
    table = tomllib.loads((case / "config.toml").read_text())
    error = case / "error.txt"
    async with opened(**table) as source:
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
