"""What a cluster answered, beside what it becomes: a folder each in the source's ``cases``.

input.json:     what RAPI answers to /2/info and to the bulk lists of instances, nodes and groups
expected.jsonl: a line a snapshot, followed by its resources; then a line a sample
error.txt:      or what a bad reading says
"""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.clients.ganeti import fake
from tests.sources.ganeti.conftest import Opener

import meterhouse.sources.ganeti
from meterhouse.metering.errors import BadReading
from meterhouse.sources import Reading

CASES = Path(meterhouse.sources.ganeti.__file__).parent / "cases"


def lines(reading: Reading) -> Iterator[str]:
    for snapshot in reading.snapshots:
        plain = msgspec.to_builtins(snapshot)
        objects = plain.pop("objects")
        yield json.dumps(plain)
        yield from map(json.dumps, objects)
    samples = reading.samples
    for key, at, value in zip(samples.key, samples.at, samples.value, strict=True):
        series = samples.series[key]
        yield json.dumps([series.resource, series.meter, float(value), int(at), series.hold_ms])


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
async def test_a_case_is_read_as_expected(case: Path, opened: Opener, peer: fake.Rapi) -> None:
    peer.cluster(**json.loads((case / "input.json").read_text()))
    error = case / "error.txt"
    async with opened() as source:
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
