"""UPSes and PDUs of a real upsd; and one that lies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.sources.nut.conftest import Nut
from tests.sources.programs import free_port
from tests.sources.readings import configured, figures, run

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import BadReading, Mistake
from meterhouse.metering.snapshots import Resource
from meterhouse.sources import Configured, Reading, Source
from meterhouse.sources.runner import Outcome


def upses(port: int, *outlets: str, **more: Any) -> Configured:
    probes = [f"node-{number + 1}" for number in range(len(outlets))]
    table = {"host": "127.0.0.1", "port": port, "outlets": list(outlets), "probes": probes}
    return configured("room", kind="nut", **table | more)


async def settled(source: Source, reason: str) -> Reading:
    """The first reading in which something was refused for this reason."""
    async with asyncio.timeout(10):
        while True:
            reading = await source.read()
            if reason in reading.refused:
                return reading
            await asyncio.sleep(0.05)


async def changed(source: Source, before: Reading) -> Reading:
    """The first reading with other watts than before."""
    while True:
        reading = await source.read()
        if figures(reading, "power") != figures(before, "power"):
            return reading
        await asyncio.sleep(0.05)


async def test_a_ups_says_its_watts_and_they_move(nut: Nut, clock: FixedClock) -> None:
    async with upses(nut.port, "modern", "moving").open(clock) as source:
        first = await source.read()
        await asyncio.to_thread(nut.set, "moving", ups__realpower=610)
        async with asyncio.timeout(5):
            second = await changed(source, first)
    assert figures(first, "power") == {"room/node-1": 504, "room/node-2": 100}
    assert figures(first, "voltage") == {"room/node-1": 229.8}
    assert figures(second, "power") == {"room/node-1": 504, "room/node-2": 610}
    assert not second.refused


async def test_a_ups_without_watts_is_estimated_from_its_load_and_marked(
    nut: Nut, clock: FixedClock
) -> None:
    async with upses(nut.port, "simple", "modern").open(clock) as source:
        reading = await source.read()
    assert figures(reading, "power") == {"room/node-1": 216, "room/node-2": 504}
    estimated, measured = reading.snapshots[0].objects
    assert isinstance(estimated, Resource)
    assert isinstance(measured, Resource)
    assert estimated.details["estimated"] == "ups.load x ups.realpower.nominal"
    assert "estimated" not in measured.details


@pytest.mark.parametrize(
    ("outlet", "watts"),
    [
        ("output", 301),
        ("output:input", 333),
        ("input", 222),
        ("three", 350.5),
        ("three:input", 380),
        ("chain", 70),
        ("chain:0", 70),
        ("chain:outlet.group.1", 30),
        ("chain:device.2.outlet.1", 11),
        ("chain:device.2", 12),
        ("chain:device.2.input", 12),
    ],
)
async def test_watts_are_found_wherever_the_naming_standard_has_them(
    nut: Nut, clock: FixedClock, outlet: str, watts: float
) -> None:
    async with upses(nut.port, outlet).open(clock) as source:
        for _ in range(2):
            reading = await source.read()
            assert figures(reading, "power") == {"room/node-1": watts}
            assert not reading.lacking


async def test_an_outlet_without_watts_is_named_beside_those_that_have_them(
    nut: Nut, clock: FixedClock
) -> None:
    done = await run(upses(nut.port, "pdu:1", "pdu:7", "mute"), clock)
    assert (done.outcome, done.error) == (Outcome.PARTIAL, "no power: node-2, node-3")
    assert (await run(upses(nut.port, "mute"), clock)).outcome is Outcome.BAD


async def test_outlets_of_a_pdu_are_read_one_by_one(nut: Nut, clock: FixedClock) -> None:
    async with upses(nut.port, "pdu:2", "pdu:1", user="admin", password="adminpw").open(
        clock
    ) as source:
        reading = await source.read()
    assert figures(reading, "power") == {"room/node-1": 80, "room/node-2": 120.5}
    assert figures(reading, "current") == {"room/node-2": 0.6}


@pytest.mark.parametrize(
    ("outlet", "reason"),
    [
        ("none", "upsd knows no UPS of this name"),
        ("ghost", "its driver is not running"),
        ("mute", "it has no such figure"),
        ("pdu:9", "it has no such figure"),
        ("odd", "not a number"),
    ],
)
async def test_what_a_ups_does_not_give_costs_its_own_value(
    nut: Nut, clock: FixedClock, outlet: str, reason: str
) -> None:
    async with upses(nut.port, outlet, "modern").open(clock) as source:
        reading = await source.read()
    assert figures(reading, "power") == {"room/node-2": 504}
    assert reading.refused == {reason: 1}
    assert (await run(upses(nut.port, outlet), clock)).outcome is Outcome.BAD


async def test_stale_data_is_never_published(
    nut: Nut, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    nut.stop("fading")
    async with upses(nut.port, "fading", "simple").open(clock) as source:
        reading = await settled(source, "its driver has lost the device")
    assert figures(reading, "power") == {"room/node-2": 216}
    assert "UPS fading: its driver has lost the device" in caplog.text


async def test_nobody_there_is_said_with_the_reason(clock: FixedClock) -> None:
    port = free_port()
    ended = await run(upses(port, "modern"), clock)
    assert ended.error == f"127.0.0.1:{port}: Connection refused"


async def test_upsd_is_believed_by_its_certificate(nut: Nut, clock: FixedClock) -> None:
    login = {"user": "admin", "password": "adminpw"}
    for way in nut.identity.ways:
        async with upses(nut.port, "modern", tls=True, **login, **way).open(clock) as source:
            assert figures(await source.read(), "power") == {"room/node-1": 504}


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({}, "self-signed certificate; if it is the right one, name it"),
        ({"verify": "pin", "fingerprint": "AB" * 32}, "it shows another certificate, "),
        ({"host": "localhost", "certificate": "{file}"}, "Hostname mismatch"),
    ],
)
async def test_an_upsd_that_is_another_is_told_nothing(
    nut: Nut, clock: FixedClock, table: dict[str, str], why: str
) -> None:
    files = {key: text.format(file=nut.identity.file) for key, text in table.items()}
    ended = await run(upses(nut.port, "modern", tls=True, **files), clock)
    assert f"its certificate is not believed: {why}" in ended.error


async def test_without_tls_no_password_is_told(clock: FixedClock) -> None:
    login = {"user": "alice", "password": "s3cret-pw"}
    async with liar(b"ERR FEATURE-NOT-CONFIGURED\n") as (port, heard):
        ended = await run(upses(port, "modern", tls=True, **login), clock)
    assert heard == [b"STARTTLS\n"]
    assert ended.error == (
        f"127.0.0.1:{port}: no TLS: it has no certificate: give it one in upsd.conf"
    )


async def test_what_is_no_upsd_is_said(clock: FixedClock) -> None:
    async with liar(b"SSH-2.0-OpenSSH_9.2\n") as (port, _):
        ended = await run(upses(port, "modern", tls=True), clock)
    said = "'SSH-2.0-OpenSSH_9.2' is no answer to STARTTLS; is that upsd?"
    assert ended.error == f"127.0.0.1:{port}: {said}"


async def test_what_somebody_puts_before_the_handshake_is_not_read(
    nut: Nut, clock: FixedClock
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b'OK STARTTLS\nVAR modern ups.realpower "1"\n')
        await writer.start_tls(nut.identity.context())
        while line := await reader.readline():
            writer.write(line.strip().removeprefix(b"GET ") + b' "5"\n')
        writer.close()
        ended.set()

    ended = asyncio.Event()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with upses(port, "modern", tls=True, verify="none").open(clock) as source:
            assert figures(await source.read(), "power") == {"room/node-1": 5}
        await asyncio.wait_for(ended.wait(), 5)


@asynccontextmanager
async def liar(answer: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Its port, and what it hears."""
    heard: list[bytes] = []
    talks: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.current_task())
        while answer and (line := await reader.readline()):
            heard.append(line)
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard
    await asyncio.wait_for(asyncio.gather(*filter(None, talks)), 5)


@pytest.mark.parametrize(
    ("answer", "outcome", "error"),
    [
        (b"hello\n", Outcome.BAD, "'hello' is no answer to GET VAR modern ups.realpower"),
        (b'VAR other ups.realpower "5"\n', Outcome.BAD, "is no answer"),
        (b"ERR CMD-NOT-SUPPORTED\n", Outcome.BAD, "upsd says CMD-NOT-SUPPORTED"),
        (b"x" * 10_000, Outcome.UNREACHABLE, "an answer without an end"),
        (b"", Outcome.UNREACHABLE, "has closed the connection"),
        (b"VAR", Outcome.UNREACHABLE, "reading took longer than 0.3 s"),
    ],
)
async def test_a_liar_is_one_clear_error(
    clock: FixedClock, answer: bytes, outcome: Outcome, error: str
) -> None:
    async with liar(answer) as (port, _):
        ended = await run(upses(port, "modern", timeout=0.3), clock)
    assert ended.outcome is outcome
    assert error in ended.error


async def test_an_infinite_load_is_no_watts(clock: FixedClock) -> None:
    async with liar(b'VAR modern ups.realpower "inf"\n') as (port, _):
        with pytest.raises(BadReading):
            async with upses(port, "modern").open(clock) as source:
                await source.read()


@pytest.mark.parametrize(
    ("table", "error"),
    [
        ({"outlets": []}, "at least one"),
        ({"outlets": ["a", "a"], "probes": ["x", "y"]}, "each once"),
        ({"outlets": ["a b"]}, 'write "ups"'),
        ({"outlets": ["pdu:x"]}, 'write "ups"'),
        ({"outlets": ["a\nSET"]}, 'write "ups"'),
        ({"probes": ["x", "y"]}, "2 for 1 outlets"),
        ({"user": "alice"}, "go together"),
        ({"user": "alice", "password": "a\nb"}, "on one line"),
        ({"port": 0}, "port"),
        ({"certificate": "/a.pem"}, "go with tls = true"),
        ({"tls": True, "verify": "pin"}, "needs the certificate, or else its fingerprint"),
    ],
)
def test_what_cannot_be_meant_is_refused(table: dict[str, Any], error: str) -> None:
    with pytest.raises(Mistake) as mistake:
        configured(
            "room", kind="nut", **{"host": "h", "outlets": ["ups"], "probes": ["a"]} | table
        )
    assert error in str(mistake.value)
