"""Listening to a real broker: what is fresh, who is refused, and a broker that dies."""

import asyncio
import dataclasses
import gc
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)
from tests.clients.ganeti.fake import identity
from tests.sources.mqtt.conftest import Broker
from tests.sources.programs import free_port
from tests.sources.readings import configured, figures, moments, run

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import Mistake, Unreachable
from meterhouse.sources import Configured, Reading, Source
from meterhouse.sources.mqtt.source import Mqtt
from meterhouse.sources.runner import Outcome

SECOND = timedelta(seconds=1)


def meters(at: int, **more: Any) -> Configured:
    table: dict[str, Any] = {"topic": "lab/+/w", "devices": ["a"], "probes": ["node-1"]}
    if "model" not in more:
        table["power"] = {"path": "w"}
    address = {"host": "127.0.0.1", "port": at, "timeout": 15}
    return configured("lab", kind="mqtt", **address | table | more)


async def said(source: Source, broker: Broker, topic: str, payload: str | bytes) -> Reading:
    async with broker.device() as device:
        await device.publish(topic, payload)
    async with asyncio.timeout(5):
        return await source.read()


async def test_what_arrives_within_a_moment_is_one_reading(
    broker: Broker, clock: FixedClock
) -> None:
    many = [f"d{number}" for number in range(200)]
    made = meters(broker.port, devices=many, probes=many)
    async with made.open(clock) as source, broker.device() as device:
        for number, name in enumerate(many):
            await device.publish(f"lab/{name}/w", f'{{"w": {number}}}')
        read: dict[str, float] = {}
        readings = 0
        async with asyncio.timeout(10):
            while len(read) < 200:
                read |= figures(await source.read(), "power")
                readings += 1
    assert read == {f"lab/{name}": number for number, name in enumerate(many)}
    assert readings < 20


async def test_a_retained_message_is_no_fresh_reading(broker: Broker, clock: FixedClock) -> None:
    async with broker.device() as device:
        await device.publish("lab/kept/w", '{"w": 1}', retain=True)
    async with meters(broker.port, devices=["kept"]).open(clock) as source:
        reading = await said(source, broker, "lab/kept/w", '{"w": 2}')
        assert figures(reading, "power") == {"lab/node-1": 2}
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(source.read(), 0.3)


async def test_a_supply_that_has_not_spoken_counts_with_what_it_said_while_that_holds(
    broker: Broker, clock: FixedClock
) -> None:
    made = meters(broker.port, devices=["a", "b"], probes=["node-1", "node-1"], every=10)
    async with made.open(clock) as source:
        alone = await said(source, broker, "lab/a/w", '{"w": 100}')
        clock.move(5 * SECOND)
        both = await said(source, broker, "lab/b/w", '{"w": 50}')
        clock.move(30 * SECOND)
        late = await said(source, broker, "lab/b/w", '{"w": 51}')
    assert not figures(alone, "power")
    assert figures(both, "power") == {"lab/node-1": 150}
    assert not figures(late, "power")


async def test_what_came_while_nobody_read_keeps_its_moment(
    broker: Broker, clock: FixedClock
) -> None:
    async with meters(broker.port).open(clock) as source, broker.device() as device:
        start_ms = clock.now_ms()
        for watts in (1, 2, 3):
            await device.publish("lab/a/w", f'{{"w": {watts}}}')
            await asyncio.sleep(0.1)
            clock.move(SECOND)
        samples = (await source.read()).samples
    assert samples.value.tolist() == [1, 2, 3]
    assert [at - start_ms for at in samples.at.tolist()] == [0, 1000, 2000]


async def test_a_change_confirms_what_has_not_changed_and_nothing_is_made_up(
    broker: Broker, clock: FixedClock
) -> None:
    plug = {"model": "shelly-gen2", "devices": ["p"]}
    async with meters(broker.port, **plug).open(clock) as source:
        full = '{"apower": 10, "voltage": 230}'
        await said(source, broker, "p/status/switch:0", full)
        clock.move(SECOND)
        change = '{"method": "NotifyStatus", "params": {"switch:0": {"apower": 11}}}'
        changed = await said(source, broker, "p/events/rpc", change)
    assert figures(changed, "power") == {"lab/node-1": 11}
    assert figures(changed, "voltage") == {"lab/node-1": 230}
    assert not figures(changed, "energy")
    assert set(moments(changed).values()) == {clock.now_ms()}


@pytest.mark.parametrize(
    "payload", [b"", b"on", b'{"w": 1', b"\xff\xfe", b"[" * 60_000, b'{"w": 1}' + b" " * 70_000]
)
async def test_a_bad_payload_is_counted_and_costs_nothing_else(
    broker: Broker, clock: FixedClock, payload: bytes
) -> None:
    async with meters(broker.port).open(clock) as source:
        bad = await said(source, broker, "lab/a/w", payload)
        good = await said(source, broker, "lab/a/w", '{"w": 5}')
    assert (len(bad.samples), bad.refused) == (0, {"no usable message": 1})
    assert figures(good, "power") == {"lab/node-1": 5}


async def test_a_login_that_is_wrong_is_said(broker: Broker, clock: FixedClock) -> None:
    wrong = meters(broker.secure, user="alice", password="s3cret-pw")
    ended = await run(wrong, clock)
    assert ended.outcome is Outcome.UNREACHABLE
    assert "the broker refuses: Not authorized; look at user and password" in ended.error
    assert "s3cret-pw" not in ended.error


async def test_a_login_that_is_right_hears_what_it_may(broker: Broker, clock: FixedClock) -> None:
    async with meters(broker.secure, user="alice", password="alice-pw").open(clock):
        pass


@pytest.mark.filterwarnings(  # paho leaves the socket of a failed handshake to the collector
    "ignore:unclosed <.*Socket:ResourceWarning", "ignore:Exception ignored in.*Socket"
)
async def test_a_broker_is_believed_by_its_certificate(broker: Broker, clock: FixedClock) -> None:
    unknown = await run(meters(broker.tls, tls=True), clock)
    other = await run(meters(broker.tls, tls=True, verify="pin", fingerprint="AB" * 32), clock)
    gc.collect()
    assert "its certificate is not believed: self-signed certificate; if it is" in unknown.error
    assert "its certificate is not believed: it shows another certificate" in other.error
    for way in broker.identity.ways:
        async with meters(broker.tls, tls=True, **way).open(clock) as source:
            assert figures(await said(source, broker, "lab/a/w", '{"w": 6}'), "power")


async def test_a_broker_that_wants_a_certificate_is_shown_ours(
    broker: Broker, clock: FixedClock, tmp_path: Path
) -> None:
    ours = str(broker.identity.file)  # which it takes for an authority
    shown = meters(broker.mutual, tls=True, certificate=ours, client_certificate=ours)
    async with shown.open(clock) as source:
        assert figures(await said(source, broker, "lab/a/w", '{"w": 7}'), "power")
    stranger = str(identity(tmp_path / "stranger.pem").file)
    wrong = meters(broker.mutual, tls=True, certificate=ours, client_certificate=stranger)
    ended = await run(wrong, clock)
    assert "it wants a client certificate that it knows" in ended.error


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"certificate": "/no/such.pem"}, "certificate '/no/such.pem' cannot be read: No such"),
        ({"client_certificate": "/no/such.pem"}, "'/no/such.pem': No such file"),
        ({"client_key": "{other}", "client_certificate": "{ours}"}, "they are no pair"),
        ({"client_certificate": "{locked}"}, "the key is encrypted"),
    ],
)
async def test_files_that_cannot_be_used_are_a_mistake(
    clock: FixedClock, tmp_path: Path, files: dict[str, str], said: str
) -> None:
    made = {name: tmp_path / f"{name}.pem" for name in ("ours", "other", "locked")}
    ours, _ = identity(made["ours"]), identity(made["other"])
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a passphrase")
    )
    made["locked"].write_bytes(key + ours.certificate.public_bytes(Encoding.PEM))
    table = {key: path.format(**made) for key, path in files.items()}
    with pytest.raises(Mistake, match=said):
        async with meters(1, tls=True, **table).open(clock):
            pass


async def test_what_is_no_broker_is_said(clock: FixedClock) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        ended = await run(meters(port), clock)
    assert ended.error == (
        f"127.0.0.1:{port}: it takes the connection and is no broker: is the port right, "
        "does it want TLS?"
    )


async def test_nobody_there_is_said_with_the_reason(clock: FixedClock) -> None:
    port = free_port()
    ended = await run(meters(port), clock)
    assert (ended.outcome, ended.error) == (
        Outcome.UNREACHABLE,
        f"127.0.0.1:{port}: Connection refused",
    )


async def test_devices_that_are_silent_are_said(broker: Broker, clock: FixedClock) -> None:
    async with meters(broker.port, every=0.01).open(clock) as source:
        assert isinstance(source, Mqtt)
        assert source._named.hold == 10 * SECOND
        source._named = dataclasses.replace(source._named, hold=SECOND / 10)
        with pytest.raises(Unreachable, match=r"no message within 0\.1 s on 'lab/a/w'"):
            await source.read()


async def test_a_broker_that_dies_ends_the_read(
    mortal: AbstractContextManager[Broker], clock: FixedClock
) -> None:
    with mortal as broker:
        async with meters(broker.port).open(clock) as source:
            assert figures(await said(source, broker, "lab/a/w", '{"w": 1}'), "power")
            waiting = asyncio.create_task(source.read())
            await asyncio.sleep(0.05)
            broker.process.kill()
            with pytest.raises(Unreachable, match="the connection to the broker has ended"):
                await asyncio.wait_for(waiting, 5)
            with pytest.raises(Unreachable):
                await source.read()


@pytest.mark.parametrize(
    ("table", "error"),
    [
        ({"model": "shelly-gen3"}, "did you mean 'shelly-gen"),
        ({"topic": "lab/#"}, "# cannot stand"),
        ({"topic": "lab/x+/w"}, "a whole level only"),
        ({"topic": "lab/w"}, "devices need one +"),
        ({"topic": "+/+/w"}, "devices need one +"),
        ({"topic": ""}, "is none"),
        ({"devices": []}, "devices need one +"),
        ({"devices": ["a", "a"], "probes": ["x", "y"]}, "each once"),
        ({"devices": ["+"]}, "no name holds"),
        ({"probes": ["x", "y"]}, "2 for 1 outlets"),
        ({"power": None}, "say the model"),
        ({"energy": {"path": "e"}}, "energy: unit"),
        ({"every": 0}, "every"),
        ({"password": "x"}, "together with user"),
        ({"certificate": "/ca.pem"}, "go with tls = true"),
        ({"client_certificate": "/a.pem"}, "client_certificate: goes with tls = true"),
        ({"client_key": "/a.pem", "tls": True}, "client_key: goes with client_certificate"),
        ({"client_certificate": "a.pem", "tls": True}, "must be a whole path"),
        ({"channels": []}, "channels"),
        ({"port": 70000}, "port"),
    ],
)
def test_what_cannot_be_meant_is_refused(table: dict[str, Any], error: str) -> None:
    with pytest.raises(Mistake) as mistake:
        meters(1883, **table)
    assert error in str(mistake.value)
