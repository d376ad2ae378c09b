"""Meters behind a gateway: read, and what one that fails costs."""

import asyncio
import socket
from datetime import timedelta
from typing import Any

import pytest
from pymodbus.constants import ExcCodes
from tests.sources.modbus import peer
from tests.sources.readings import configured, figures, run

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import Unreachable
from meterhouse.sources import Configured
from meterhouse.sources.runner import Outcome

NAN = float("nan")


def meters(port: int, **more: Any) -> Configured:
    table = {"host": "127.0.0.1", "port": port, "deadline_s": 0.2, "probes": ["node-1"]}
    model = {} if "power" in more else {"model": "sdm120"}
    return configured("rack-7", kind="modbus", **table | model | more)


async def test_a_meter_says_watts_joules_volts_and_amperes(clock: FixedClock) -> None:
    unit = peer.Unit(peer.sdm120(watts=115.0, kwh=2.5))
    async with peer.gateway({1: unit}) as port, meters(port).open(clock) as source:
        reading = await source.read()
    assert figures(reading, "power") == {"rack-7/node-1": 115.0}
    assert figures(reading, "energy") == {"rack-7/node-1": 9_000_000.0}
    assert figures(reading, "voltage") == {"rack-7/node-1": 230.0}
    assert figures(reading, "current") == {"rack-7/node-1": 0.5}
    assert not reading.refused
    assert unit.asked == [(0, 14), (0x48, 2)]


async def test_the_watts_move_from_reading_to_reading(clock: FixedClock) -> None:
    unit = peer.Unit(peer.sdm120(watts=100.0, kwh=1.0))
    async with peer.gateway({1: unit}) as port, meters(port).open(clock) as source:
        await source.read()
        unit.inputs = peer.sdm120(watts=200.0, kwh=1.0)
        assert figures(await source.read(), "power") == {"rack-7/node-1": 200.0}


async def test_one_connection_reads_all_meters_of_a_gateway(clock: FixedClock) -> None:
    units = {n: peer.Unit(peer.sdm120(watts=100.0 * n, kwh=n)) for n in (1, 2, 7)}
    wanted = {"units": [1, 2, 7], "probes": ["a", "", ["b", "c"]]}
    async with peer.gateway(units) as port, meters(port, **wanted).open(clock) as source:
        reading = await source.read()
    assert figures(reading, "power") == {"rack-7/a": 100.0, "rack-7/b+c": 700.0}


async def test_a_meter_of_many_circuits_is_one_request_for_them_all(clock: FixedClock) -> None:
    circuits = [word for watts in (-1, 200, 65000) for word in peer.words("i", watts * 100)]
    unit = peer.Unit(
        holding={0x5B14: circuits, 0x6000: [w for n in (1, 2, 3) for w in peer.words("Q", n)]}
    )
    wanted = {
        "channels": 3,
        "probes": ["a", "b", "b"],
        "power": {"address": 0x5B14, "type": "int32", "scale": 0.01},
        "energy": {"address": 0x6000, "type": "uint64", "scale": 0.01, "unit": "kWh"},
    }
    async with peer.gateway({1: unit}) as port, meters(port, **wanted).open(clock) as source:
        reading = await source.read()
    assert figures(reading, "power") == {"rack-7/a": -1.0, "rack-7/b": 65200.0}
    assert figures(reading, "energy") == {"rack-7/a": 36_000.0, "rack-7/b": 180_000.0}
    assert unit.asked == [(0x5B14, 6), (0x6000, 12)]


async def test_a_counter_that_wraps_goes_on(clock: FixedClock) -> None:
    wh = [2**32 - 10, 5]
    unit = peer.Unit(holding={0: peer.words("I", wh[0])})
    energy = {"address": 0, "type": "uint32", "unit": "Wh"}
    wanted = {"energy": energy, "power": {"address": 1, "type": "uint16"}}
    async with peer.gateway({1: unit}) as port, meters(port, **wanted).open(clock) as source:
        first = figures(await source.read(), "energy")["rack-7/node-1"]
        unit.holding = {0: peer.words("I", wh[1])}
        clock.move(timedelta(minutes=1))
        second = figures(await source.read(), "energy")["rack-7/node-1"]
    assert second - first == 15 * 3600


@pytest.mark.parametrize(
    ("exception", "said"),
    [
        (ExcCodes.GATEWAY_NO_RESPONSE, "the meter does not answer the gateway"),
        (ExcCodes.DEVICE_BUSY, "the meter is busy"),
    ],
)
async def test_a_meter_that_fails_costs_its_own_values(
    clock: FixedClock, exception: ExcCodes, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "meterhouse")
    units = {n: peer.Unit(peer.sdm120(watts=100.0 * n, kwh=n)) for n in (1, 2)}
    units[1].exception = exception
    wanted = {"units": [1, 2], "probes": ["a", "b"]}
    async with peer.gateway(units) as port, meters(port, **wanted).open(clock) as source:
        for _ in range(3):
            reading = await source.read()
            assert figures(reading, "power") == {"rack-7/b": 200.0}
            assert reading.refused == {said: 1}
        units[1].exception = None
        assert len(figures(await source.read(), "power")) == 2
    assert [record.message for record in caplog.records] == [f"unit 1: {said}", "unit 1 is back"]


async def test_a_register_that_is_not_there_costs_its_own_value(clock: FixedClock) -> None:
    unit = peer.Unit(holding={10: peer.float32(50.0)})
    wanted = {"power": {"address": 10}, "voltage": {"address": 12}}
    async with peer.gateway({1: unit}) as port, meters(port, **wanted).open(clock) as source:
        for _ in range(2):
            reading = await source.read()
            assert figures(reading, "power") == {"rack-7/node-1": 50.0}
            assert reading.refused == {"the meter has no such register": 1}
    assert unit.asked[-1] == (10, 2)


async def test_a_silent_meter_holds_the_others_up_once_and_is_then_left_alone(
    clock: FixedClock,
) -> None:
    units = {n: peer.Unit(peer.sdm120(watts=100.0 * n, kwh=2), mute=n == 1) for n in (1, 2)}
    wanted = {"units": [1, 2], "probes": ["a", "b"]}
    async with peer.gateway(units) as port, meters(port, **wanted).open(clock) as at:
        first, second = await at.read(), await at.read()
        clock.move(timedelta(seconds=31))
        third = await at.read()
    assert [figures(r, "power") for r in (first, second, third)] == [{"rack-7/b": 200.0}] * 3
    silent = {"no answer within 0.2 s": 1}
    assert [r.refused for r in (first, second, third)] == [silent, {}, silent]


async def test_nan_is_counted_and_not_passed_on(clock: FixedClock) -> None:
    units = {1: peer.Unit(peer.sdm120(watts=NAN, kwh=2))}
    async with peer.gateway(units) as port, meters(port).open(clock) as source:
        reading = await source.read()
    assert not figures(reading, "power")
    assert figures(reading, "energy") == {"rack-7/node-1": 7_200_000.0}
    assert reading.refused == {"not a number": 2}  # watts, and the amperes made of them


async def test_if_no_meter_answers_it_is_the_gateway(clock: FixedClock) -> None:
    silent = peer.sdm120(watts=1, kwh=1)
    units = {n: peer.Unit(silent, exception=ExcCodes.DEVICE_FAILURE) for n in (1, 2)}
    async with peer.gateway(units) as port:
        with pytest.raises(Unreachable, match="unit 1: the meter says that it has failed; unit 2"):
            async with meters(port, units=[1, 2], probes=["a", "b"]).open(clock) as source:
                await source.read()


async def test_nobody_there_is_said_with_the_reason(clock: FixedClock) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ended = await run(meters(port), clock)
    assert ended.outcome is Outcome.UNREACHABLE
    assert f"127.0.0.1:{port}: Connection refused" in ended.error


@pytest.mark.parametrize(
    "answers",
    [
        [b"\x00\x01\x00\x00\x00"],  # half a packet
        [b"HTTP/1.0 400 Bad Request\r\n\r\n"],
        [b"\x00\x01\x00\x00\x00\x03\x09\x04\x00"],  # another unit
        [b"\x00\x01\x00\x00\x00\x05\x01\x04\x02\x00\x00"],  # one register instead of fourteen
        [b"\xff" * 260],
        [b""],
    ],
)
async def test_nonsense_costs_its_time_and_nothing_else(
    clock: FixedClock, answers: list[bytes]
) -> None:
    async with peer.liar(answers * 2) as port, asyncio.timeout(3):
        ended = await run(meters(port), clock)
    assert ended.outcome is Outcome.UNREACHABLE
    assert ended.samples == 0


@pytest.mark.parametrize("missing", [("watts",), ("kwh",), ("watts", "kwh")])
async def test_a_number_that_a_meter_does_not_say_is_told(
    clock: FixedClock, missing: tuple[str, ...]
) -> None:
    said = {"watts": 115.0, "kwh": 2.5} | dict.fromkeys(missing, NAN)
    units = {1: peer.Unit(peer.sdm120(**said)), 2: peer.Unit(peer.sdm120(watts=1.0, kwh=1.0))}
    async with peer.gateway(units) as port:
        done = await run(meters(port, units=[1, 2], probes=["a", "b"]), clock)
    assert done.outcome is Outcome.PARTIAL
    names = {"watts": "no power: a", "kwh": "no energy: a"}
    assert all(names[each] in done.error for each in missing)
