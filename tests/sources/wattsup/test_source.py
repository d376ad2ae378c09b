"""A meter at the end of a real terminal line, and one behind a bridge."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.sources.programs import free_port
from tests.sources.readings import configured, figures, run
from tests.sources.wattsup.meter import Meter, bridged, cable, plain, plugged

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import BadReading, Mistake, Unreachable
from meterhouse.sources import Configured, Source
from meterhouse.sources.runner import Outcome


def wattmeter(at: object, **more: Any) -> Configured:
    table = {"device": str(at), "probes": ["node-1"]}
    return configured("bench", kind="wattsup", **table | more)


async def test_a_meter_on_a_line_is_told_to_send_and_read(
    tmp_path: Path, clock: FixedClock
) -> None:
    meter = Meter(plain)
    with cable(tmp_path) as line:
        async with plugged(line, meter), wattmeter(line.near).open(clock) as source:
            first, second = await source.read(), await source.read()
    assert meter.heard == b"#L,W,3,E,1,1;"
    assert figures(first, "power") == {"bench/node-1": pytest.approx(96.5)}
    assert figures(first, "voltage") == {"bench/node-1": pytest.approx(230.1)}
    assert figures(first, "current") == {"bench/node-1": pytest.approx(0.442)}
    before, after = (figures(r, "energy")["bench/node-1"] for r in (first, second))
    assert after - before >= 360


async def test_a_meter_behind_a_bridge_is_read(clock: FixedClock) -> None:
    async with bridged(Meter(plain)) as device, wattmeter(device).open(clock) as source:
        assert figures(await source.read(), "power") == {"bench/node-1": pytest.approx(96.5)}


async def test_reading_does_not_hold_up_the_loop(tmp_path: Path, clock: FixedClock) -> None:
    loop = asyncio.get_running_loop()
    with cable(tmp_path) as line:
        async with wattmeter(line.near).open(clock) as source:
            reading = asyncio.create_task(source.read())
            longest, last = 0.0, loop.time()
            while not reading.done():
                await asyncio.sleep(0.01)
                longest, last = max(longest, loop.time() - last), loop.time()
            with pytest.raises(Unreachable, match="the meter says nothing"):
                await reading
    assert longest < 0.5


async def _for_ever(source: Source) -> None:
    async with asyncio.timeout(10):
        while True:
            await source.read()


async def test_a_pulled_plug_is_said_and_the_meter_comes_back(
    tmp_path: Path, clock: FixedClock
) -> None:
    with cable(tmp_path) as line:
        async with plugged(line, Meter(plain)), wattmeter(line.near).open(clock) as source:
            await source.read()
            line.process.kill()
            with pytest.raises(Unreachable, match="the line is gone; unplugged"):
                await _for_ever(source)
    away = await run(wattmeter(line.near), clock)
    assert away.error.endswith("ttyUSB0: No such file or directory")
    for end in (line.near, line.far):
        end.unlink(missing_ok=True)
    with cable(tmp_path) as again:
        async with plugged(again, Meter(plain)):
            back = await run(wattmeter(again.near), clock)
    assert (back.outcome, back.samples) == (Outcome.GOOD, 4)


@pytest.mark.parametrize(
    ("says", "error"),
    [
        (lambda turn: b"\x00\xff noise", "no record within 3 s, only|does not end"),
        (lambda turn: b"#d,-,18,965,1204;", "half a record: '#d,-,18,965,1204'"),
        (lambda turn: b"#d,-,18" + b",1" * 600, "a record that does not end after 1024 bytes"),
    ],
)
async def test_nonsense_is_one_clear_error(clock: FixedClock, says: Any, error: str) -> None:
    async with bridged(Meter(says)) as device, wattmeter(device).open(clock) as source:
        with pytest.raises(BadReading, match=error):
            await source.read()


async def test_a_bridge_that_is_not_there_is_said(clock: FixedClock) -> None:
    device = f"socket://127.0.0.1:{free_port()}"
    assert (await run(wattmeter(device), clock)).error == f"{device}: Connection refused"


async def test_a_bridge_that_closes_is_said(clock: FixedClock) -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        ended = await run(
            wattmeter(f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}"), clock
        )
    assert ended.outcome is Outcome.UNREACHABLE
    assert "the line is gone" in ended.error


@pytest.mark.parametrize(
    ("table", "error"),
    [
        ({"device": "ttyUSB0"}, "a whole path"),
        ({"device": "socket://bridge"}, "socket://host:port"),
        ({"device": "loop://"}, "socket://host:port"),
        ({"device": "socket://bridge:x"}, "socket://host:port"),
        ({"probes": ["a", "b"]}, "one socket"),
        ({"probes": [""]}, "needs a name"),
    ],
)
def test_what_cannot_be_meant_is_refused(table: dict[str, Any], error: str) -> None:
    with pytest.raises(Mistake) as mistake:
        wattmeter("/dev/ttyUSB0", **table)
    assert error in str(mistake.value)
