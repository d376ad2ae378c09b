"""Many peers asked at once: who is slow, silent or refuses costs nobody else a reading."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import Unreachable
from meterhouse.metering.meters import POWER
from meterhouse.sources import Crowd, Named, Outlets, Partial, Reading, Tell, Told, Trouble
from meterhouse.sources.crowd import Rests

NAMES = ["a", "b", "c"]
WELL = {POWER: 100.0}
SHORT = Rests(first_s=0.2, lasting_s=0.5, most_s=1.0)


@dataclass
class Peers:
    """What each peer says, and after how many seconds; whom nothing is known of is silent."""

    says: dict[int, Told] = field(default_factory=lambda: dict.fromkeys(range(3), WELL))
    after_s: dict[int, float] = field(default_factory=dict)
    asked: list[list[int]] = field(default_factory=list)

    async def ask(self, due: Sequence[int], tell: Tell) -> None:
        self.asked.append(list(due))
        async with asyncio.TaskGroup() as group:
            for number in due:
                group.create_task(self._one(number, tell))

    async def _one(self, number: int, tell: Tell) -> None:
        await asyncio.sleep(self.after_s.get(number, 0))
        if number in self.says:
            tell(number, self.says[number])


@asynccontextmanager
async def crowd(
    peers: Peers, clock: FixedClock, *, interval_s: float = 0.2
) -> AsyncIterator[Crowd]:
    named = Named("rack-1", timedelta(seconds=interval_s), timedelta(seconds=10), clock)
    made = Crowd(Outlets(named, NAMES), NAMES, [POWER], peers.ask, rests=SHORT)
    try:
        yield made
    finally:
        await made.close()


def heard(reading: Reading) -> dict[str, float]:
    samples = reading.samples
    return {
        samples.series[key].resource.removeprefix("rack-1/"): value
        for key, value in zip(samples.key.tolist(), samples.value.tolist(), strict=True)
    }


async def test_all_are_asked_at_once_and_heard(clock: FixedClock) -> None:
    peers = Peers()
    async with crowd(peers, clock) as made:
        assert heard(await made.read()) == {"a": 100, "b": 100, "c": 100}
        assert peers.asked == [[0, 1, 2]]


async def test_who_is_slow_is_waited_for_at_first_and_then_heard_later(clock: FixedClock) -> None:
    peers = Peers(after_s={2: 0.4})
    async with crowd(peers, clock) as made:
        assert heard(await made.read()) == {"a": 100, "b": 100, "c": 100}
        peers.after_s[2] = 2.0
        before = asyncio.get_running_loop().time()
        assert heard(await made.read()) == {"a": 100, "b": 100}
        assert asyncio.get_running_loop().time() - before < 1.5
        assert heard(await made.read()) == {"a": 100, "b": 100}
        assert peers.asked[1:] == [[0, 1, 2], [0, 1]]  # one that is being asked is not asked again
        async with asyncio.timeout(5):
            while "c" not in heard(await made.read()):  # noqa: ASYNC110 - it is what is asked
                await asyncio.sleep(0.05)


async def test_a_reading_is_of_the_moment_when_it_was_heard(clock: FixedClock) -> None:
    peers = Peers()
    async with crowd(peers, clock) as made:
        await made.read()
        peers.after_s[2] = 0.3
        await made.read()
        await asyncio.sleep(0.3)
        heard_ms = clock.now_ms()
        clock.move(timedelta(seconds=1))
        reading = await made.read()
    at = {
        reading.samples.series[key].resource: int(at)
        for key, at in zip(reading.samples.key, reading.samples.at, strict=True)
    }
    assert at == {"rack-1/a": heard_ms + 1000, "rack-1/b": heard_ms + 1000, "rack-1/c": heard_ms}


async def test_who_is_in_trouble_is_counted_named_and_left_alone(
    clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    peers = Peers()
    peers.says[1] = Trouble("no reading", "its sensor says nothing")
    async with crowd(peers, clock) as made:
        first, second = await made.read(), await made.read()
        assert (heard(first), first.refused) == ({"a": 100, "c": 100}, {"no reading": 1})
        assert (heard(second), second.refused) == ({"a": 100, "c": 100}, {})
        peers.says[1] = WELL
        await asyncio.sleep(0.25)
        assert heard(await made.read()) == {"a": 100, "b": 100, "c": 100}
    assert [record.getMessage() for record in caplog.records] == [
        "1 of 3 give nothing: b: its sensor says nothing",
        "all 3 give values again",
    ]


async def test_of_whom_nothing_was_told_nothing_is_known(clock: FixedClock) -> None:
    peers = Peers()
    del peers.says[0]
    async with crowd(peers, clock) as made:
        assert (await made.read()).refused == {"no answer": 1}


async def test_when_nobody_gives_anything_the_section_is_unreachable(clock: FixedClock) -> None:
    peers = Peers(dict.fromkeys(range(3), Trouble("no answer", "connection timeout")))
    peers.says[2] = Trouble("login refused", "password invalid", lasting=True)
    async with crowd(peers, clock) as made:
        with pytest.raises(Unreachable) as error:
            await made.read()
    said = "3 of 3 give nothing: a, b: connection timeout; c: password invalid"
    assert str(error.value) == said


async def test_trouble_of_many_is_one_line(clock: FixedClock) -> None:
    names = [f"n{place}" for place in range(6)]
    named = Named("rack-1", timedelta(seconds=1), timedelta(seconds=10), clock)

    async def ask(due: Sequence[int], tell: Tell) -> None:
        for number in due:
            tell(number, Trouble("no answer"))

    made = Crowd(Outlets(named, names), names, [POWER], ask)
    with pytest.raises(Unreachable, match="6 of 6 give nothing: n0, n1, n2 and 3 more: no answer"):
        await made.read()
    await made.close()


async def test_a_mistake_in_the_asking_is_not_hidden(clock: FixedClock) -> None:
    peers = Peers(after_s={0: -1})
    peers.after_s[0] = "soon"  # type: ignore[assignment]
    async with crowd(peers, clock) as made:
        with pytest.raises(TypeError):
            await made.read()


async def test_closing_cancels_what_is_under_way(
    clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    peers = Peers(after_s={0: 60})
    async with crowd(peers, clock) as made:
        reading = asyncio.create_task(made.read())
        await asyncio.sleep(0.05)
        reading.cancel()
    async with asyncio.timeout(1):
        await asyncio.gather(reading, return_exceptions=True)


def test_rests_double_and_end_somewhere() -> None:
    rests = Rests(first_s=10, lasting_s=60, most_s=600)
    silent, refused = Trouble("no answer"), Trouble("login refused", lasting=True)
    assert [rests.after(times, silent) for times in (1, 2, 3, 8, 10_000)] == [10, 20, 40, 600, 600]
    assert [rests.after(times, refused) for times in (1, 2, 5)] == [60, 120, 600]


async def test_a_peer_that_gives_a_part_is_read_and_says_what_it_owes(clock: FixedClock) -> None:
    peers = Peers({0: WELL, 1: Partial({POWER: 60.0}, "supply 2 is offline"), 2: {}})
    async with crowd(peers, clock) as source:
        first = await source.read()
        peers.says[1] = {POWER: 61.0}
        peers.says[2] = Trouble("no answer", "did not answer")
        second = await source.read()
    assert heard(first) == {"a": 100, "b": 60}
    assert first.lacking == ("supply 2 is offline: b", "no power: c")
    assert heard(second) == {"a": 100, "b": 61}
    assert second.lacking == ("did not answer: c",)
