"""What meters published, beside what it becomes: a folder each in the source's ``cases``.

source.toml:    the source's table
messages.txt:   topic and payload of each message, in order; a space in a topic is written ␣
expected.jsonl: a line a snapshot, followed by its resources; a line a sample; what was refused
"""

import tomllib
from pathlib import Path

import pytest
from tests.sources.mqtt.conftest import Broker
from tests.sources.readings import configured, lines

import meterhouse.sources.mqtt
from meterhouse.metering.clock import FixedClock

CASES = Path(meterhouse.sources.mqtt.__file__).parent / "cases"


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
async def test_a_case_is_read_as_expected(case: Path, broker: Broker, clock: FixedClock) -> None:
    table = tomllib.loads((case / "source.toml").read_text())
    made = configured("lab", kind="mqtt", host="127.0.0.1", port=broker.port, **table)
    messages = (case / "messages.txt").read_text().splitlines()
    async with made.open(clock) as source, broker.device() as device:
        for topic, payload in (line.split(" ", 1) for line in messages):
            await device.publish(topic.replace("␣", " "), payload)
        reading = await source.read()
    assert list(lines(reading)) == (case / "expected.jsonl").read_text().splitlines()


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_a_case_says_where_it_comes_from(case: Path) -> None:
    assert (case / "origin.txt").read_text().strip()
