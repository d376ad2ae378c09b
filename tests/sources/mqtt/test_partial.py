"""Devices that say a part of what their messages should have, or nothing any more."""

import asyncio
import json
from datetime import timedelta
from itertools import combinations
from typing import Any

from tests.sources.mqtt.conftest import Broker
from tests.sources.mqtt.test_source import meters, said
from tests.sources.readings import figures

from meterhouse.metering.clock import FixedClock
from meterhouse.sources.runner.belief import nothing_believed

ZIGBEE = {"power": 12.5, "energy": 1.5, "voltage": 230, "current": 0.1}
TOPIC = "zigbee2mqtt/plug"


async def test_no_subset_of_a_messages_numbers_is_missing_in_silence(
    broker: Broker, clock: FixedClock
) -> None:
    made = meters(broker.port, model="zigbee2mqtt", topic="", devices=["plug"], every=60)
    for size in range(1, len(ZIGBEE) + 1):
        for missing in combinations(ZIGBEE, size):
            left: dict[str, Any] = {k: n for k, n in ZIGBEE.items() if k not in missing}
            async with made.open(clock) as source:
                reading = await said(source, broker, TOPIC, json.dumps(left))
            told = {line.split(":")[0].removeprefix("no ") for line in reading.lacking}
            assert told == set(missing)
            assert (nothing_believed(reading) is None) == bool(left)


async def test_what_was_heard_is_missed_when_it_holds_no_more(
    broker: Broker, clock: FixedClock
) -> None:
    made = meters(broker.port, devices=["a", "b"], probes=["x", "y"], every=60)
    async with made.open(clock) as source:
        both = await said(source, broker, "lab/a/w", '{"w": 1}')
        assert both.lacking == ()
        clock.move(timedelta(minutes=10))
        one = await said(source, broker, "lab/a/w", '{"w": 2}')
        assert figures(one, "power") == {"lab/x": 2}
        assert one.lacking == ("no power: y",)
        later = await said(source, broker, "lab/b/w", '{"w": 3}')
        assert later.lacking == ()


async def test_a_change_owes_nothing_of_what_it_confirms(
    broker: Broker, clock: FixedClock
) -> None:
    plug = {"model": "shelly-pm1", "topic": "", "devices": ["p"]}
    async with meters(broker.port, **plug).open(clock) as source:
        full = '{"apower": 10, "voltage": 230, "current": 0.1, "aenergy": {"total": 5}}'
        first = await said(source, broker, "p/status/pm1:0", full)
        clock.move(timedelta(seconds=30))
        change = '{"method": "NotifyStatus", "params": {"pm1:0": {"apower": 11}}}'
        async with asyncio.timeout(5):
            second = await said(source, broker, "p/events/rpc", change)
    assert figures(first, "energy") == {"lab/node-1": 5 * 3600}
    assert figures(second, "power") == {"lab/node-1": 11}
    assert (first.lacking, second.lacking) == ((), ())
