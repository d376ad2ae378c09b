"""The event stream: first how things stand, then what changes, to each what they may see."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Executor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User as Login
from tests.inventory.cast import everybody
from tests.live.boards import T0, Reading, batch
from tests.web import cast
from tests.web.lean import ask, opened

from meterhouse.inventory.keep import keep
from meterhouse.live.answers import Answers
from meterhouse.live.board import Board
from meterhouse.live.events import Events
from meterhouse.live.probes import Probes, named
from meterhouse.metering.clock import FixedClock
from meterhouse.web import stream as streams
from meterhouse.web import tokens
from meterhouse.web.readers import Readers
from meterhouse.web.stream import PATH, Stream

NAMES = tuple(f"cloud/{name}" for name in cast.OURS)


class Live:
    """A board with the cast's three probes, and a stream of what changes on it."""

    def __init__(self, clock: FixedClock, threads: Executor) -> None:
        self.clock = clock
        self.board = Board(clock)
        answers = Answers(self.board, clock, silent_ms=300_000)
        self.events = Events(answers)
        self.stream = Stream(self.events, Readers(clock, threads=threads), most=2)
        self.board.hear(batch(1, *((name, 0, 100.0) for name in NAMES)))
        answers.name(Probes(named(NAMES, {})))
        self.events.announce()

    def say(self, sequence: int, *readings: Reading) -> None:
        self.board.hear(batch(sequence, *readings))
        self.events.announce()


@pytest.fixture
def live(people: dict[str, Login], clock: FixedClock, aside: Executor) -> Live:
    keep(everybody(T0))
    return Live(clock, aside)


@pytest.fixture
def key(people: dict[str, Login], clock: FixedClock) -> dict[str, str]:
    return {
        name: tokens.issue(login, "test", expires=None, now=clock.now())
        for name, login in people.items()
    }


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 20))


def test_first_comes_how_things_stand_and_then_what_changes(
    live: Live, key: dict[str, str]
) -> None:
    async def test() -> None:
        async with opened(live.stream, PATH, X_Auth_Token=key["root"]) as reader:
            state = await reader.event("state")
            assert state["probes"]["mirror"] == {"timestamp": T0 / 1000, "w": 100.0, "kwh": 0.0}
            assert list(state["probes"]) == ["builder", "mirror", "rocket"]
            live.say(2, ("cloud/mirror", 1, 36.0))
            kwh = 100 / 3.6e6
            assert await reader.event("power") == {
                "at": T0 + 1000,
                "w": {"mirror": 36.0},
                "kwh": {"mirror": kwh},
            }
        assert reader.headers["content-type"] == "text/event-stream"
        assert live.stream.readers == 0

    run(test())


def test_one_may_ask_for_some_probes_by_name_or_whole_key(live: Live, key: dict[str, str]) -> None:
    async def test() -> None:
        address = f"{PATH}?probe=mirror&probe=cloud%2Frocket&probe=nobody"
        async with opened(live.stream, address, X_Auth_Token=key["root"]) as reader:
            assert list((await reader.event("state"))["probes"]) == ["mirror", "rocket"]
            live.say(2, ("cloud/builder", 1, 1.0))
            live.say(3, ("cloud/rocket", 1, 2.0), ("cloud/builder", 2, 2.0))
            assert (await reader.event("power"))["w"] == {"rocket": 2.0}

    run(test())


def test_each_hears_of_what_is_theirs_and_asking_by_name_opens_nothing(
    live: Live, key: dict[str, str]
) -> None:
    async def test() -> None:
        address = f"{PATH}?probe=mirror"
        async with (
            opened(live.stream, PATH, X_Auth_Token=key["carol"]) as carol,
            opened(live.stream, address, X_Auth_Token=key["carol"]) as curious,
        ):
            assert list((await carol.event("state"))["probes"]) == ["rocket"]
            assert (await curious.event("state"))["probes"] == {}
            live.say(2, *((name, 1, 5.0) for name in NAMES))
            assert (await carol.event("power"))["w"] == {"rocket": 5.0}
            live.say(3, *((name, 2, 6.0) for name in NAMES))
            assert (await carol.event("power"))["w"] == {"rocket": 6.0}
            assert len(curious.parts) == 1

    run(test())


def test_a_slow_reader_holds_nobody_up_and_is_told_how_things_stand_then(
    live: Live, key: dict[str, str]
) -> None:
    async def test() -> None:
        async with (
            opened(live.stream, PATH, X_Auth_Token=key["root"]) as slow,
            opened(live.stream, PATH, X_Auth_Token=key["root"]) as quick,
        ):
            await slow.event("state")
            slow.may_take.clear()
            for sequence in range(2, 50):
                live.clock.move(timedelta(seconds=1))
                live.say(sequence, ("cloud/mirror", sequence, float(sequence)))
                assert (await quick.event("power"))["w"] == {"mirror": float(sequence)}
            live.say(50, ("cloud/rocket", 50, 1.0))
            slow.may_take.set()
            assert (await slow.event("power"))["w"] == {"mirror": 2.0}
            assert (await slow.event("power"))["w"] == {"mirror": 49.0, "rocket": 1.0}

    run(test())


def test_a_reader_who_takes_nothing_is_cut_off(
    live: Live, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SLOW_S", 0.05)

    async def test() -> None:
        async with opened(live.stream, PATH, X_Auth_Token=key["root"]) as reader:
            await reader.event("state")
            reader.may_take.clear()
            live.say(2, ("cloud/mirror", 1, 1.0))
            await reader.ended.wait()
        assert live.stream.readers == 0

    run(test())


def test_what_one_may_see_is_looked_at_again(
    live: Live, key: dict[str, str], monkeypatch: pytest.MonkeyPatch, aside: Executor
) -> None:
    monkeypatch.setattr(streams, "RIGHTS_S", 0.0)

    def move() -> None:
        keep(cast.moved(everybody(T0 + 1000), "cloud/mirror", "p-moon"))

    async def test() -> None:
        async with (
            opened(live.stream, PATH, X_Auth_Token=key["alice"]) as alice,
            opened(live.stream, PATH, X_Auth_Token=key["carol"]) as carol,
        ):
            assert list((await alice.event("state"))["probes"]) == ["builder", "mirror"]
            await carol.event("state")
            await asyncio.get_running_loop().run_in_executor(aside, move)
            live.clock.move(timedelta(seconds=11))
            live.say(2, *((name, 1, 5.0) for name in NAMES))
            assert list((await alice.event("power"))["w"]) == ["builder"]
            assert list((await carol.event("power"))["w"]) == ["mirror", "rocket"]

    run(test())


def test_a_stream_ends_with_the_token(
    live: Live,
    key: dict[str, str],
    people: dict[str, Login],
    monkeypatch: pytest.MonkeyPatch,
    aside: Executor,
) -> None:
    monkeypatch.setattr(streams, "RIGHTS_S", 0.0)
    number = people["alice"].tokens.get().pk

    async def test() -> None:
        async with opened(live.stream, PATH, X_Auth_Token=key["alice"]) as alice:
            await alice.event("state")
            await asyncio.get_running_loop().run_in_executor(
                aside, lambda: tokens.revoke(people["alice"], number, now=live.clock.now())
            )
            live.clock.move(timedelta(seconds=11))
            live.say(2, ("cloud/mirror", 1, 5.0))
            await alice.ended.wait()
            assert len(alice.parts) == 1

    run(test())


def test_a_quiet_stream_has_a_heartbeat(
    live: Live, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.01)

    async def test() -> None:
        async with opened(live.stream, PATH, X_Auth_Token=key["root"]) as reader:
            await reader.part(b":\n\n")

    run(test())


def test_there_is_a_limit_to_streams(live: Live, key: dict[str, str]) -> None:
    async def test() -> None:
        who = {"X_Auth_Token": key["root"]}
        async with (
            opened(live.stream, PATH, **who) as one,
            opened(live.stream, PATH, **who) as two,
        ):
            await one.event("state")
            await two.event("state")
            third = await ask(live.stream, PATH, **who)
            assert (third.status, third.headers["retry-after"]) == (503, "30")

    run(test())


def test_one_key_cannot_take_all_streams_nor_name_probes_without_end(
    live: Live, key: dict[str, str]
) -> None:
    stream = streams.Stream(live.events, live.stream._readers, most=10, most_of_one=1)

    async def test() -> None:
        async with opened(stream, PATH, X_Auth_Token=key["root"]) as one:
            await one.event("state")
            again = await ask(stream, PATH, X_Auth_Token=key["root"])
            assert (again.status, again.headers["retry-after"]) == (503, "30")
            async with opened(stream, PATH, X_Auth_Token=key["alice"]) as other:
                await other.event("state")
        assert stream.readers == 0
        many = await ask(stream, f"{PATH}?{'probe=a&' * 2000}", X_Auth_Token=key["root"])
        assert many.status == 400

    run(test())


def test_nobody_else_is_let_in_and_nothing_else_is_there(live: Live, key: dict[str, str]) -> None:
    async def test() -> None:
        assert (await ask(live.stream, PATH)).status == 401
        assert (await ask(live.stream, PATH, method="POST")).status == 405
        assert (await ask(live.stream, "/live/nothing/")).status == 404
        led = await ask(live.stream, "/live/power?probe=a")
        assert (led.status, led.headers["location"]) == (301, "/live/power/?probe=a")

    run(test())
