"""The signatures are those of shared facts about Kwapi: computed from its kwapi/security.py."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bus.cast import NOON_MS, SECRET
from tests.bus.house import sockets, until

from meterhouse.bus.kwapi import KwapiListener, KwapiPublisher, Power, decode, encode
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import BadMessage, Mistake
from meterhouse.metering.samples import Columns, Series

ANYWHERE = "tcp://127.0.0.1:*"


@pytest.mark.parametrize(
    ("reading", "signature"),
    [
        (
            ("A", 87),
            "83b49f91241faf6e516e578b18232e26e7a84f3000709d8d03d94b6e0d12e902",
        ),
        (
            ("A", 87.5),
            "385ce4056494cc839fc42b441939fb12402f7316d9436f85523ff45bd0677b28",
        ),
        (
            ("A", 92, 230.0, 0.4),
            "5a9473837139760589c282427d9dc5414cffe1022092e75352219b09824de3d6",
        ),
    ],
)
def test_messages_are_signed_as_kwapi_signs_them(reading: tuple[Any, ...], signature: str) -> None:
    topic, content = encode(*reading, secret=SECRET)
    assert topic == b"A."
    assert json.loads(content)["message_signature"] == signature


def signed(text: str, **fields: Any) -> list[bytes]:
    """A message whose signature is over a text, as a peer would write it."""
    signature = hmac.new(SECRET, text.encode(), "sha256").hexdigest()
    return [b"A.", json.dumps({**fields, "message_signature": signature}).encode()]


@pytest.mark.parametrize(
    ("text", "watts"),
    [
        ("probe_idAw87.0", 87.0),  # Python 2 and 3
        ("probe_idAw0.333333333333", 1 / 3),  # Python 2: twelve digits
        ("probe_idAw0.3333333333333333", 1 / 3),  # Python 3: as many as it takes
        ("probe_idAw1e+15", 1e15),
        ("probe_idAw1e-05", 1e-05),
        ("probe_idAw87", "87"),  # a text that is a number will do, as in Kwapi
    ],
)
def test_floats_are_signed_as_peers_write_them(text: str, watts: object) -> None:
    assert decode(signed(text, probe_id="A", w=watts), secret=SECRET) == ("A", float(str(watts)))


def test_nested_fields_are_signed_with_colons() -> None:
    # As the fork for Grid'5000 sends them, with the field w beside.
    text = "data_type:namepowerdata_type:unitWprobe_idAw87"
    frames = signed(text, probe_id="A", w=87, data_type={"unit": "W", "name": "power"})
    assert decode(frames, secret=SECRET) == Power("A", 87.0)


@given(
    st.text(min_size=1).filter(str.isprintable),
    st.floats(-1e11, 1e11) | st.integers(-(10**6), 10**6),
)
def test_what_is_encoded_is_decoded(probe: str, watts: float) -> None:
    read = decode(encode(probe, watts, secret=SECRET), secret=SECRET)
    assert read.probe == probe
    assert read.watts == pytest.approx(watts, rel=1e-11)


G5K = {"name": "power", "type": "Gauge", "unit": "W"}


@pytest.mark.parametrize(
    ("more", "watts"),
    [
        ({"data_type": G5K}, 212.5),
        ({"data_type": {**G5K, "unit": "kW"}}, 212_500),
        ({"data_type": "power"}, 212.5),
        ({}, 212.5),
        ({"w": 7}, 7),
    ],
)
def test_the_wire_of_grid_5000_is_understood(more: dict[str, object], watts: float) -> None:
    """As kwapi-g5k's create_measurements makes it, signed as all fields are."""
    fields = {
        "probe_id": "lyon.taurus-1",
        "timestamp": 1777636800.25,
        "measure": 212.5,
        "probes_names": "['lyon.taurus-1']",
        **more,
    }
    frames = [b"lyon.taurus-1.", json.dumps(fields).encode()]
    assert decode(frames, secret=None) == Power("lyon.taurus-1", watts)


@pytest.mark.parametrize(
    ("data_type", "reason"),
    [
        ({"name": "network_in", "unit": "B"}, "other"),
        ({**G5K, "unit": "VA"}, "power"),
        ({**G5K, "unit": ["W"]}, "power"),
    ],
)
def test_what_is_no_power_on_grid_5000s_wire_is_refused(
    data_type: dict[str, object], reason: str
) -> None:
    fields = {"probe_id": "A", "measure": 1, "data_type": data_type}
    with pytest.raises(BadMessage) as bad:
        decode([b"A.", json.dumps(fields).encode()], secret=None)
    assert bad.value.reason == reason


def test_without_a_secret_signatures_are_neither_made_nor_looked_at() -> None:
    frames = encode("A", 87, secret=None)
    assert b"signature" not in frames[1]
    assert decode(frames, secret=None) == Power("A", 87.0)
    assert decode(encode("A", 87, secret=b"guessed"), secret=None) == Power("A", 87.0)


GOOD = {"probe_id": "A", "w": 87}


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([b"A."], "format"),
        ([b"A.", b"{}", b"{}"], "format"),
        ([b"A.", b"{"], "format"),
        ([b"A.", b"\xff"], "format"),
        ([b"A.", b"[" * 100_000], "format"),
        ([b"A.", b"[]"], "format"),
        ([b"A.", b'{"probe_id": "A"}'], "missing"),
        ([b"A.", b'{"w": 87}'], "missing"),
        ([b"A.", b'{"probe_id": 7, "w": 87}'], "format"),
        ([b"A.", b'{"probe_id": "", "w": 87}'], "format"),
        ([b"A.", b'{"probe_id": "\\u0000", "w": 87}'], "format"),
        ([b"A.", b'{"probe_id": "A", "w": null}'], "power"),
        ([b"A.", b'{"probe_id": "A", "w": "much"}'], "power"),
        ([b"A.", b'{"probe_id": "A", "w": NaN}'], "power"),
        ([b"A.", b'{"probe_id": "A", "w": 1' + b"0" * 400 + b"}"], "power"),
    ],
)
def test_what_is_no_reading_is_refused(frames: list[bytes], reason: str) -> None:
    with pytest.raises(BadMessage) as caught:
        decode(frames, secret=None)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "fields",
    [
        GOOD,
        {**GOOD, "message_signature": 7},
        {**GOOD, "message_signature": "ä\ud800"},
        {
            **GOOD,
            "w": 88,
            "message_signature": hmac.new(SECRET, b"probe_idAw87", "sha256").hexdigest(),
        },
    ],
)
def test_a_wrong_signature_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(BadMessage, match="signature"):
        decode([b"A.", json.dumps(fields).encode()], secret=SECRET)


def test_a_probe_that_is_not_unicode_is_refused() -> None:
    frames = [b"A.", b'{"probe_id": "\\ud800", "w": 87}']
    with pytest.raises(BadMessage, match="format"):
        decode(frames, secret=None)


# On the wire


def columns(*rows: tuple[str, str, float]) -> Columns:
    """One reading each of resource and meter, all at noon."""
    return Columns(
        tuple(Series(resource, meter, 3000) for resource, meter, _ in rows),
        np.arange(len(rows), dtype=np.uint32),
        np.full(len(rows), NOON_MS, np.int64),
        np.array([value for *_, value in rows], np.float64),
    )


@asynccontextmanager
async def listening(
    publisher: KwapiPublisher, clock: FixedClock, **options: Any
) -> AsyncIterator[KwapiListener]:
    """A listener that is known to hear the publisher; one reading of probe "ready" was heard."""
    options = {"secret": SECRET, "every": timedelta(milliseconds=50), **options}
    async with KwapiListener(
        [publisher.endpoint], hold=timedelta(seconds=3), clock=clock, **options
    ) as listener:
        while not listener.counts["heard"]:
            publisher.publish(columns(("ready", "power", 0.0)))
            await asyncio.sleep(0.01)
        listener._subscription.rest()
        yield listener


async def others(listener: KwapiListener) -> Columns:
    """The next readings that are not of the probe "ready"."""
    async with asyncio.timeout(10):
        while True:
            heard = await anext(listener)
            if "ready" not in {series.resource for series in heard.series}:
                return heard


async def test_power_goes_out_and_comes_in_as_columns(clock: FixedClock) -> None:
    with KwapiPublisher(ANYWHERE, secret=SECRET) as publisher:
        async with listening(publisher, clock) as listener:
            await others_settled(listener)
            publisher.publish(
                columns(
                    ("b", "power", 212.4),
                    ("a", "power", 80.0),
                    ("a", "voltage", 230.0),
                    ("a", "current", 0.35),
                    ("a", "temperature", 41.0),
                    ("c", "temperature", 39.0),
                    ("d", "power", float("nan")),
                )
            )
            heard = await others(listener)
    assert heard.series == (Series("a", "power", 3000), Series("b", "power", 3000))
    assert dict(zip(heard.key.tolist(), heard.value.tolist(), strict=True)) == {1: 212.4, 0: 80.0}
    assert heard.at.tolist() == [clock.now_ms()] * 2


async def others_settled(listener: KwapiListener) -> None:
    """Wait until nothing more of the probe "ready" is on its way."""
    await asyncio.sleep(0.05)
    listener._subscription.rest()


async def test_a_probe_is_not_its_longer_namesake(clock: FixedClock) -> None:
    with KwapiPublisher(ANYWHERE, secret=SECRET) as publisher:
        async with listening(publisher, clock, probes=["ready", "Paris", "A"]) as listener:
            await others_settled(listener)
            publisher.publish(
                columns(("AB", "power", 1.0), ("A", "power", 2.0), ("Paris.7", "power", 3.0))
            )
            heard = await others(listener)
    assert [series.resource for series in heard.series] == ["A", "Paris.7"]


async def test_what_is_not_believed_is_counted(clock: FixedClock) -> None:
    with (
        KwapiPublisher(ANYWHERE, secret=SECRET) as publisher,
        KwapiPublisher(ANYWHERE, secret=b"guessed") as stranger,
    ):
        async with listening(publisher, clock) as listener:
            listener._subscription._line.socket.connect(stranger.endpoint)
            while not listener.counts["signature"]:
                stranger.publish(columns(("A", "power", 1.0)))
                await asyncio.sleep(0.005)


async def test_a_listener_ends_when_it_is_closed(clock: FixedClock) -> None:
    with KwapiPublisher(ANYWHERE, secret=SECRET) as publisher:
        async with listening(publisher, clock) as listener:
            await others_settled(listener)
    assert [heard async for heard in listener] == []


async def test_a_listener_knows_whether_anybody_is_there(clock: FixedClock) -> None:
    here, nowhere = (f"ipc://{sockets()}/kwapi" for _ in range(2))
    hold = timedelta(seconds=3)
    async with KwapiListener([here, nowhere], secret=None, hold=hold, clock=clock) as listener:
        assert listener.nobody() == f"{here}, {nowhere}"
        with KwapiPublisher(here, secret=None):
            await until(lambda: not listener.nobody())


def test_an_address_in_use_is_a_mistake() -> None:
    with (
        KwapiPublisher(ANYWHERE, secret=None) as publisher,
        pytest.raises(Mistake, match="Address already in use"),
    ):
        KwapiPublisher(publisher.endpoint, secret=None)
