import asyncio
import shutil
import subprocess
import sys
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.bus.cast import SECRET, batch, power
from tests.bus.house import (
    QUICK,
    Peer,
    follower_of,
    publish,
    publisher_in,
    running,
    sockets,
    taken,
    until,
    values,
)

from meterhouse.bus import follow as following
from meterhouse.bus.endpoints import Endpoint
from meterhouse.bus.follow import Delivery, Follower, Loss, follow
from meterhouse.bus.messages import Acknowledgement, Done, Gone, Hello, Replay, Status, Told
from meterhouse.bus.signing import Kind, opening, sign
from meterhouse.bus.track import MOST_WAITING
from meterhouse.metering.batches import Position
from meterhouse.metering.clock import FixedClock, SystemClock
from meterhouse.metering.errors import Mistake


def counting(first: int, last: int) -> list[float]:
    return [float(number) for number in range(first, last + 1)]


def lost(epoch: int, first: int, last: int) -> Loss:
    return Loss("osl-dc1", epoch, first, last, lambda epoch, sequence: None)


async def test_what_is_published_arrives_and_is_acknowledged(tmp_path: Path) -> None:
    async with (
        running(publisher_in(tmp_path)) as publisher,
        follower_of(publisher.endpoint) as follower,
    ):
        publish(publisher, 1, 3)
        assert values(await taken(follower, 3)) == counting(1, 3)
        publish(publisher, 4, 5)
        async for item in follower:
            await item.acknowledge()
            if follower.counts["batches"] == 5:
                break
        await until(lambda: publisher.journal.state.acknowledged == 5)
        (state,) = follower.states()
        assert (state.publisher, state.delivered, state.acknowledged, state.last) == (
            ("osl-dc1", 5, 5, 5)
        )
        assert state.silent_s < 10
        assert follower.counts["batches"] == 5


async def test_what_was_published_before_anybody_followed_arrives(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    publish(publisher, 1, 700)
    async with running(publisher), follower_of(publisher.endpoint) as follower:
        assert values(await taken(follower, 700)) == counting(1, 700)


async def test_following_goes_on_after_what_is_recorded(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    publish(publisher, 1, 9)
    positions = {"osl-dc1": Position(publisher.journal.epoch, 7)}
    async with (
        running(publisher),
        aclosing(follow([publisher.endpoint], SECRET, positions)) as items,
        asyncio.timeout(10),
    ):
        assert values([await anext(items), await anext(items)]) == [8.0, 9.0]
        # What was recorded and not acknowledged when the recorder stopped is acknowledged now.
        await until(lambda: publisher.journal.state.acknowledged == 7)


async def test_a_slow_reader_loses_nothing_and_holds_little(tmp_path: Path) -> None:
    async with (
        running(publisher_in(tmp_path)) as publisher,
        follower_of(publisher.endpoint) as follower,
    ):
        publish(publisher, 1, 1)
        await taken(follower, 1)
        for first in range(2, 1000, 100):
            publish(publisher, first, first + 99)
            await asyncio.sleep(0)
        await until(lambda: follower.counts["early"] > 0)
        assert len(follower._tracks["osl-dc1"].waiting) <= 2 * MOST_WAITING
        assert values(await taken(follower, 1000)) == counting(2, 1001)


async def test_a_publisher_may_come_later_and_go_and_come_again(tmp_path: Path) -> None:
    at = Endpoint.ipc(sockets(), "bus")
    async with follower_of(at) as follower:
        first = publisher_in(tmp_path, at=at)
        publish(first, 1, 2)
        async with running(first):
            assert values(await taken(follower, 2)) == [1.0, 2.0]
        publish(first, 3, 3)
        first.journal.close()
        second = publisher_in(tmp_path, at=at)
        publish(second, 4, 4)
        async with running(second):
            assert values(await taken(follower, 2)) == [3.0, 4.0]
            publish(second, 5, 5)
            assert values(await taken(follower, 1)) == [5.0]


async def test_a_heartbeat_tells_of_a_batch_that_was_lost_on_the_way(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    patient = replace(QUICK, hello=1000.0)
    async with running(publisher), follower_of(publisher.endpoint, pace=patient) as follower:
        publish(publisher, 1, 1)
        await taken(follower, 1)
        publisher.journal.append(power(2.0))  # kept, and never sent
        assert values(await taken(follower, 1)) == [2.0]


async def test_a_gap_is_filled_before_what_comes_after_it(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    async with running(publisher), follower_of(publisher.endpoint) as follower:
        publish(publisher, 1, 1)
        await taken(follower, 1)
        publisher.journal.append(power(2.0))
        publish(publisher, 3, 4)
        assert values(await taken(follower, 3)) == [2.0, 3.0, 4.0]


async def test_what_the_publisher_forgot_is_delivered_as_a_loss(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path, limit_bytes=2**13)
    publish(publisher, 1, 100)
    first = publisher.journal.state.first
    async with running(publisher), follower_of(publisher.endpoint) as follower:
        loss, *rest = await taken(follower, 102 - first)
        assert loss == lost(publisher.journal.epoch, 1, first - 1)
        assert values(rest) == counting(first, 100)
        assert follower.counts["losses"] == 1
        await until(lambda: publisher.journal.state.acknowledged == 100)


async def test_a_loss_can_be_acknowledged_alone(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path, limit_bytes=2**13)
    publish(publisher, 1, 100)
    first = publisher.journal.state.first
    async with running(publisher), follower_of(publisher.endpoint) as follower:
        await taken(follower, 1)
        await until(lambda: publisher.journal.state.acknowledged == first - 1)


async def test_a_journal_begun_anew_is_followed_from_its_start(tmp_path: Path) -> None:
    at = Endpoint.ipc(sockets(), "bus")
    first = publisher_in(tmp_path, at=at)
    async with follower_of(at) as follower:
        async with running(first):
            publish(first, 1, 3)
            before = await taken(follower, 3)
        first.journal.close()
        shutil.rmtree(tmp_path / "osl-dc1")
        second = publisher_in(tmp_path, at=at)
        publish(second, 7, 8)
        async with running(second):
            assert values(await taken(follower, 2)) == [7.0, 8.0]
            assert isinstance(before[-1], Delivery)
            await before[-1].acknowledge()  # of the old journal: nobody wants to know
            await until(lambda: second.journal.state.acknowledged == 2)


async def test_what_the_old_journal_took_with_it_is_a_loss(tmp_path: Path) -> None:
    status = Status("osl-dc1", 1000, 0, 1, 2, b"s", b"")
    with Peer() as peer:
        async with follower_of(peer.pretend(sockets())) as follower:
            route, hello = await peer.hears(Hello)
            peer.answer(route, replace_status(status, nonce=hello.nonce))
            await peer.hears(Replay)
            peer.answer(route, replace(batch(1), epoch=1000))
            await taken(follower, 1)
            peer.heard.clear()
            route, hello = await peer.hears(Hello)
            peer.answer(
                route, replace_status(status, nonce=hello.nonce, epoch=2000, last=0, session=b"t")
            )
            (loss,) = await taken(follower, 1)
    assert loss == lost(1000, 2, 2)


def replace_status(status: Status, **changes: object) -> Status:
    return Status(**{name: getattr(status, name) for name in status.__struct_fields__} | changes)


@pytest.mark.parametrize("ahead", [False, True])
async def test_a_journal_of_another_time_is_refused_and_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, ahead: bool
) -> None:
    publisher = publisher_in(tmp_path)
    publish(publisher, 1, 1)
    epoch = publisher.journal.epoch
    clock = FixedClock(SystemClock().now() - timedelta(days=3 * ahead))
    positions = {} if ahead else {"osl-dc1": Position(epoch + 1, 5)}
    follower = Follower([publisher.endpoint], SECRET, positions, pace=QUICK, clock=clock)
    async with running(publisher), follower:
        await until(lambda: follower.counts["epoch"] > 1)
        publish(publisher, 2, 2)
        await until(lambda: follower.counts["early"] > 0)
    assert follower.states() == []
    assert publisher.journal.state.acknowledged == 0
    assert caplog.text.count("was its clock wrong") == 1


async def test_of_two_publishers_with_one_name_nothing_is_mixed_up(tmp_path: Path) -> None:
    later = FixedClock(SystemClock().now() + timedelta(seconds=1))
    older, newer = publisher_in(tmp_path / "a"), publisher_in(tmp_path / "b", clock=later)
    publish(older, 1, 1)
    publish(newer, 7, 7)
    both = older.endpoint, newer.endpoint
    async with running(older), running(newer), follower_of(*both) as follower:
        await until(lambda: follower.counts["epoch"] > 0)
        newest = (await taken(follower, 1))[-1]
        while values([newest]) != [7.0]:
            newest = (await taken(follower, 1))[-1]
        publish(older, 2, 2)
        publish(newer, 8, 8)
        assert values(await taken(follower, 1)) == [8.0]


async def test_a_publisher_that_is_away_holds_up_nobody(tmp_path: Path) -> None:
    away = Endpoint.ipc(sockets(), "away")
    publisher = publisher_in(tmp_path)
    async with running(publisher), follower_of(away, publisher.endpoint) as follower:
        publish(publisher, 1, 2)
        assert values(await taken(follower, 2)) == [1.0, 2.0]


async def test_who_does_not_know_the_secret_is_counted_and_not_believed(tmp_path: Path) -> None:
    stranger = publisher_in(tmp_path, "stranger", secret=b"guessed")
    publisher = publisher_in(tmp_path)
    both = stranger.endpoint, publisher.endpoint
    async with running(stranger), running(publisher), follower_of(*both) as follower:
        publish(stranger, 1, 1)
        publish(publisher, 1, 1)
        assert values(await taken(follower, 1)) == [1.0]
        await until(lambda: follower.counts["signature"] > 0)
        await until(lambda: stranger.counts["signature"] > 0)
        assert [state.publisher for state in follower.states()] == ["osl-dc1"]


async def test_who_promises_and_never_delivers_costs_only_itself(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path, "honest")
    with Peer() as peer:
        liar = peer.pretend(sockets())
        async with running(publisher), follower_of(liar, publisher.endpoint) as follower:
            route, hello = await peer.hears(Hello)
            peer.answer(route, Status("osl-dc1", 1000, 0, 1, 10**9, b"s", hello.nonce))
            await until(lambda: follower.counts["timeouts"] >= 2)
            # Nor does it help to say that this was all.
            for _ in range(3):
                peer.heard.clear()
                route, asked = await peer.hears(Replay)
                done = Done("osl-dc1", 1000, asked.follower, asked.request, 10**9)
                peer.answer(route, done)
            publish(publisher, 1, 3)
            assert values(await taken(follower, 3)) == counting(1, 3)


async def test_who_goes_away_while_asked_is_asked_again_later() -> None:
    with Peer() as peer:
        at = peer.pretend(sockets())
        async with follower_of(at) as follower:
            route, hello = await peer.hears(Hello)
            peer.answer(route, Status("osl-dc1", 1000, 0, 1, 1, b"s", hello.nonce))
            await peer.hears(Replay)
            peer.__exit__()
            await until(lambda: follower.counts["timeouts"] == 1)
            asked_again = follower._tracks["osl-dc1"].not_before + 5 * QUICK.look
            await until(lambda: asyncio.get_running_loop().time() > asked_again)
            assert follower.counts["timeouts"] == 1
            with Peer() as again:
                again.pretend(Path(at.live.removeprefix("ipc://")).parent)
                await again.hears(Replay)


async def test_old_answers_and_nonsense_do_no_harm(tmp_path: Path) -> None:
    with Peer() as peer:
        async with follower_of(peer.pretend(sockets())) as follower:
            route, hello = await peer.hears(Hello)
            peer.answer(route, Status("osl-dc1", 1000, 0, 1, 9, b"s", b"old nonce"))
            peer.answer(route, Gone("osl-dc1", 1000, 1, 9))
            peer.answer(route, Done("osl-dc1", 1000, b"me", 1, 9))
            peer.answer(route, replace(batch(1), epoch=1000))
            await until(lambda: follower.counts["early"] == 1)
            assert follower.states() == []
            route, hello = await peer.hears(Hello)
            peer.answer(route, Status("osl-dc1", 1000, 0, 1, 3, b"s", hello.nonce))
            route, asked = await peer.hears(Replay)
            peer.answer(route, Done("osl-dc1", 1000, b"another", asked.request, 3))
            peer.answer(route, Gone("osl-dc1", 999, 1, 9))
            peer.answer(route, Gone("osl-dc1", 1000, 2, 3))
            peer.answer(route, Acknowledgement("osl-dc1", 1000, 3))
            for number in (1, 1, 2):
                peer.answer(route, replace(batch(number), epoch=1000))
            peer.shout(b"nonsense")
            peer.shout(sign(opening(Kind.GONE) + b"\x94\xa2a\xff\x01\x02\x03", SECRET))
            peer.shout(peer.sealed(Gone("osl-dc1", 1000, 3, 3)))
            peer.shout(peer.sealed(Status("osl-dc1", 1000, 0, 1, 3, b"s", b"")))
            assert len(await taken(follower, 2)) == 2
            await until(lambda: follower.counts["format"] == 2)
            await until(lambda: follower.counts["repeated"] == 1)
            (state,) = follower.states()
            assert state.delivered == 2


async def test_a_publisher_restored_from_a_backup_goes_on_with_new_numbers(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    publish(publisher, 1, 2)
    positions = {"osl-dc1": Position(publisher.journal.epoch, 50)}
    async with (
        running(publisher),
        follower_of(publisher.endpoint, positions=positions) as follower,
    ):
        await until(lambda: publisher.journal.last == 50)
        publish(publisher, 51, 51)
        (item,) = await taken(follower, 1)
        assert isinstance(item, Delivery)
        assert item.batch.sequence == 51


async def test_a_follower_that_is_closed_has_no_next() -> None:
    async with follower_of() as follower:
        waiting = asyncio.ensure_future(anext(follower))  # noqa: TID251 - an awaitable, not a coroutine
        await asyncio.sleep(0)
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_a_publisher_killed_again_and_again_is_followed_without_gap_or_repetition(
    tmp_path: Path,
) -> None:
    at = Endpoint.ipc(sockets(), "bus")
    command = [sys.executable, "-m", "tests.bus.publishing", str(tmp_path), at.live, at.replay]
    batches: list[tuple[int, set[float]]] = []
    async with follower_of(at) as follower:
        for kills in range(1, 7):
            with subprocess.Popen(command) as process:  # noqa: ASYNC220 - it starts at once
                async with asyncio.timeout(30):
                    while len(batches) < kills * 61:
                        item = await anext(follower)
                        assert isinstance(item, Delivery)
                        held = set(item.batch.samples.value.tolist())
                        batches.append((item.batch.sequence, held))
                        if item.batch.sequence % 3:
                            await item.acknowledge()
                process.kill()
    assert batches == [(number, {float(number)}) for number in range(1, len(batches) + 1)]


async def test_an_address_that_is_none_is_a_mistake() -> None:
    good = Endpoint.ipc(sockets(), "bus")
    with pytest.raises(Mistake, match="'' is no address"):
        async with follower_of(good, Endpoint("ipc:///tmp/live", "")):
            pass


async def test_a_fault_in_the_follower_is_raised_where_it_is_read(tmp_path: Path) -> None:
    class Broken(FixedClock):
        def now_ms(self) -> int:
            raise RuntimeError("no clock")

    publisher = publisher_in(tmp_path)
    clock = Broken(SystemClock().now())
    follower = Follower([publisher.endpoint], SECRET, {}, pace=QUICK, clock=clock)
    async with running(publisher), follower:
        with pytest.raises(RuntimeError, match="no clock"):
            await anext(follower)


def test_a_follower_is_patient_by_default() -> None:
    assert following.Pace().hello == 5.0


async def test_what_a_publisher_says_of_itself_is_handed_on_once_and_only_if_it_is_new(
    tmp_path: Path,
) -> None:
    heard: list[Told] = []
    clock = SystemClock()
    with Peer() as peer:
        endpoint = peer.pretend(sockets())
        follower = Follower([endpoint], SECRET, {}, pace=QUICK, clock=clock, on_told=heard.append)
        now_ms = clock.now_ms()
        async with follower:
            route, hello = await peer.hears(Hello)
            early = Told("osl-dc1", 1, now_ms, b"nobody follows it yet")
            peer.shout(peer.sealed(early))
            peer.answer(route, Status("osl-dc1", 1, 0, 1, 0, b"session", hello.nonce))
            await until(follower.states)
            said = [
                Told("osl-dc1", 1, now_ms + 1, b"one"),
                Told("osl-dc1", 1, now_ms + 1, b"one"),
                Told("osl-dc1", 1, now_ms, b"recorded before, and sent again"),
                Told("osl-dc1", 2, now_ms + 2, b"of another journal"),
                Told("osl-dc1", 1, now_ms + 2 * following.AHEAD_MS, b"from the future"),
                Told("osl-dc1", 1, now_ms + 2, b"two"),
            ]
            for told in said:
                peer.shout(peer.sealed(told))
            await until(lambda: len(heard) == 2)
    assert [told.what for told in heard] == [b"one", b"two"]
    assert follower.counts["repeated"] == 3


async def test_what_is_said_of_oneself_may_interest_nobody(tmp_path: Path) -> None:
    async with (
        running(publisher_in(tmp_path)) as publisher,
        follower_of(publisher.endpoint) as follower,
    ):
        await until(follower.states)
        publisher.tell(b"all is well", 1)
        publish(publisher, 1, 1)
        assert values(await taken(follower, 1)) == [1.0]
    assert follower.counts["repeated"] == 0
