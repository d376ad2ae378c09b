"""Records, whole and otherwise: a folder each in the source's ``cases``.

input.bin:      what came over the line
expected.jsonl: the figures, in base units
error.txt:      or what the error says
"""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import meterhouse.sources.wattsup
from meterhouse.metering.errors import BadReading
from meterhouse.sources.wattsup.record import LONGEST, Received, parse

CASES = Path(meterhouse.sources.wattsup.__file__).parent / "cases"


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_a_case_is_read_as_expected(case: Path) -> None:
    received, error = Received(), case / "error.txt"
    received.add((case / "input.bin").read_bytes())
    if error.exists():
        with pytest.raises(BadReading) as bad:
            received.latest()
        assert error.read_text().strip() in str(bad.value)
    else:
        found = received.latest() or {}
        lines = [json.dumps([meter.name, round(value, 9)]) for meter, value in found.items()]
        assert lines == (case / "expected.jsonl").read_text().splitlines()


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_a_case_says_where_it_comes_from(case: Path) -> None:
    assert (case / "origin.txt").read_text().strip()


@given(st.binary())
def test_no_record_does_any_harm(record: bytes) -> None:
    try:
        parse(record)
    except BadReading as error:
        shown = str(error)
        assert shown.isprintable()


@given(st.lists(st.binary(max_size=300), max_size=30))
def test_what_does_not_end_is_thrown_away(parts: list[bytes]) -> None:
    received = Received()
    for part in parts:
        try:
            received.add(part)
            received.latest()
        except BadReading:
            continue
        assert len(received) <= LONGEST + 300
