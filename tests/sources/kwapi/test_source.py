"""Kwapi's drivers as a source: read, believed, and refused by reason."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from tempfile import mkdtemp

import numpy as np
import pytest
from tests.sources.programs import free_port

from meterhouse.bus.kwapi import KwapiPublisher
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.samples import Columns, Series
from meterhouse.metering.snapshots import Resource
from meterhouse.sources import Reading, Source, configure
from meterhouse.sources.kwapi import source as room
from meterhouse.sources.runner import Runner, Status

SECRET = "Change This Or Be Hacked"
DEADLINE_S = 20.0


@pytest.fixture
def drivers() -> Iterator[KwapiPublisher]:
    address = f"ipc://{mkdtemp(prefix='mh-kwapi-')}/drivers"
    with KwapiPublisher(address, secret=SECRET.encode()) as made:
        yield made


def watts(**probes: float) -> Columns:
    return named(dict(probes))


def named(probes: dict[str, float]) -> Columns:
    return Columns(
        tuple(Series(name, "power", 10_000) for name in probes),
        np.arange(len(probes), dtype=np.uint32),
        np.full(len(probes), 1, np.int64),
        np.array([*probes.values()], np.float64),
    )


@asynccontextmanager
async def opened(
    drivers: KwapiPublisher, clock: FixedClock, **settings: object
) -> AsyncIterator[Source]:
    table = {"kind": "kwapi", "addresses": [drivers.endpoint], "secret": SECRET, **settings}
    async with configure("old", table, where="test").open(clock) as source:
        yield source


async def heard(source: Source, drivers: KwapiPublisher, samples: Columns) -> Reading:
    """Say it again and again until it is read: a subscription takes a moment to arrive."""
    reading = asyncio.create_task(source.read())
    async with asyncio.timeout(DEADLINE_S):
        while not reading.done():
            drivers.publish(samples)
            await asyncio.wait([reading], timeout=0.05)
    return reading.result()


def values(reading: Reading) -> dict[str, float]:
    columns = reading.samples
    pairs = zip(columns.key.tolist(), columns.value.tolist(), strict=True)
    return {columns.series[key].resource: value for key, value in pairs}


async def test_what_drivers_send_is_read_with_its_probes(
    drivers: KwapiPublisher, clock: FixedClock
) -> None:
    async with opened(drivers, clock, project="machines") as source:
        reading = await heard(source, drivers, watts(A=212.4, B=80.0))
        again = await heard(source, drivers, watts(A=212.4, B=80.0))
    assert values(reading) == values(again) == {"old/A": 212.4, "old/B": 80.0}
    assert set(reading.samples.at.tolist()) == {clock.now_ms()}
    assert {series.hold_ms for series in reading.samples.series} == {10_000}
    (listed,) = reading.snapshots
    outlets = [each for each in listed.objects if isinstance(each, Resource)]
    assert [(each.id, each.details["feeds"]) for each in outlets] == [
        ("old/A", "A"),
        ("old/B", "B"),
    ]
    assert {each.project for each in outlets} == {"machines"}
    assert again.snapshots == ()


async def test_only_the_probes_that_are_wanted_are_heard(
    drivers: KwapiPublisher, clock: FixedClock
) -> None:
    async with opened(drivers, clock, probes=["A"]) as source:
        assert values(await heard(source, drivers, watts(AB=1, A=2, B=3))) == {"old/A": 2.0}


async def test_a_wrong_signature_is_counted_even_if_nothing_else_comes(
    drivers: KwapiPublisher, clock: FixedClock
) -> None:
    async with opened(drivers, clock, secret="another") as source:
        reading = await heard(source, drivers, watts(A=1))
    assert not len(reading.samples)
    assert reading.refused["signature"] > 0
    assert set(reading.refused) == {"signature"}


async def test_without_a_secret_everybody_is_believed(
    drivers: KwapiPublisher, clock: FixedClock
) -> None:
    async with opened(drivers, clock, secret="") as source:
        assert values(await heard(source, drivers, watts(A=1))) == {"old/A": 1.0}


async def test_an_id_that_is_no_name_is_counted_beside_those_that_are(
    drivers: KwapiPublisher, clock: FixedClock
) -> None:
    async with opened(drivers, clock) as source:
        reading = await heard(source, drivers, named({"a b": 1, "c/d": 2, "ok": 3}))
    assert values(reading) == {"old/ok": 3.0}
    assert reading.refused[room.NO_NAME] > 1


async def test_names_that_are_made_up_cannot_fill_the_memory(
    drivers: KwapiPublisher, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_PROBES", 2)
    async with opened(drivers, clock) as source:
        reading = await heard(source, drivers, watts(A=1, B=2, C=3, D=4))
    assert values(reading) == {"old/A": 1.0, "old/B": 2.0}
    assert reading.refused[room.TOO_MANY] > 1


async def test_the_limits_of_every_source_hold_here_too(
    drivers: KwapiPublisher, clock: FixedClock
) -> None:
    table = {
        "kind": "kwapi",
        "addresses": [drivers.endpoint],
        "secret": SECRET,
        "limits": {"B": 100},
    }
    published: list[Columns] = []
    runner = Runner(lambda samples, snapshots: published.append(samples), clock)
    task = asyncio.create_task(runner.run([configure("old", table, where="test")]))
    await asyncio.sleep(0)
    async with asyncio.timeout(DEADLINE_S):
        while not runner.states()[0].refused:
            drivers.publish(watts(A=-1, B=101, C=50))
            await asyncio.sleep(0.05)
    (state,) = runner.states()
    task.cancel()
    await asyncio.wait([task])
    assert state.status is Status.PARTIAL
    assert state.error == "power negative: A; power above its limit: B"
    assert set(state.refused) == {"above its limit", "negative"}
    assert {value for samples in published for value in samples.value.tolist()} == {50.0}


async def test_silence_is_unreachable(drivers: KwapiPublisher, clock: FixedClock) -> None:
    table = {"kind": "kwapi", "addresses": [drivers.endpoint], "timeout": "100ms"}
    run = await Runner(lambda samples, snapshots: None, clock).once(
        configure("old", table, where="test")
    )
    assert run.error == "reading took longer than 0.1 s (`timeout`)"


async def test_nobody_there_is_said(clock: FixedClock) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    table = {"kind": "kwapi", "addresses": [address]}
    run = await Runner(lambda samples, snapshots: None, clock).once(
        configure("old", table, where="test")
    )
    assert run.error == f"no connection to {address}: does a driver publish there?"


@pytest.mark.parametrize(
    ("addresses", "said"), [([], "at least one is needed"), (["here"], "is no address")]
)
def test_what_is_no_address_is_a_mistake(addresses: list[str], said: str) -> None:
    with pytest.raises(Mistake, match=said):
        configure("old", {"kind": "kwapi", "addresses": addresses}, where="test")
