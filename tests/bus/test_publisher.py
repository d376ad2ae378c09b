import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.bus.cast import SECRET, power
from tests.bus.house import Peer, publish, publisher_in, running, sockets, until

from meterhouse.bus.endpoints import Endpoint
from meterhouse.bus.journal import Journal
from meterhouse.bus.messages import Acknowledgement, Done, Gone, Hello, Replay, Status
from meterhouse.bus.publisher import MOST_FOLLOWERS, Publisher
from meterhouse.bus.segment import Entry
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import BadMessage, Mistake


@pytest.fixture
async def publisher(tmp_path: Path) -> AsyncIterator[Publisher]:
    async with running(publisher_in(tmp_path)) as publisher:
        yield publisher
    publisher.journal.close()


@pytest.fixture
async def peer(publisher: Publisher) -> AsyncIterator[Peer]:
    with Peer() as peer:
        peer.visit(publisher.endpoint)
        yield peer


def wanting(status: Status, request: int = 1, **changes: Any) -> Replay:
    fields: dict[str, Any] = {
        "publisher": status.publisher,
        "epoch": status.epoch,
        "session": status.session,
        "follower": b"follower",
        "request": request,
        "after": 0,
        "batches": 100,
        "size": 2**20,
    }
    return Replay(**fields | changes)


async def greeted(peer: Peer) -> Status:
    peer.ask(Hello(b"nonce"))
    _, status = await peer.hears(Status)
    return status


async def test_hello_is_answered_with_how_it_stands(publisher: Publisher, peer: Peer) -> None:
    publish(publisher, 1, 3)
    publisher.journal.acknowledged(publisher.journal.epoch, 2)
    status = await greeted(peer)
    assert status == Status(
        "osl-dc1", publisher.journal.epoch, 2, 1, 3, publisher._session, b"nonce"
    )


async def test_a_replay_is_in_order_and_ends_with_done(publisher: Publisher, peer: Peer) -> None:
    publish(publisher, 1, 5)
    status = await greeted(peer)
    peer.ask(wanting(status, after=1, batches=3), b"osl-dc1")
    _, done = await peer.hears(Done)
    assert done == Done("osl-dc1", status.epoch, b"follower", 1, 5)
    peer.ask(wanting(status, 2, after=1, batches=3), b"osl-dc1")
    assert [(await peer.hears(Batch))[1].sequence for _ in range(3)] == [2, 3, 4]
    assert publisher.counts["replayed"] == 6


async def test_a_replay_is_no_larger_than_asked(publisher: Publisher, peer: Peer) -> None:
    publish(publisher, 1, 5)
    status = await greeted(peer)
    peer.ask(wanting(status, size=1), b"osl-dc1")
    assert (await peer.hears(Batch))[1].sequence == 1
    assert (await peer.hears(object))[1] == Done("osl-dc1", status.epoch, b"follower", 1, 5)


async def test_what_is_gone_is_said(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path, limit_bytes=2**13)
    publish(publisher, 1, 100)
    first = publisher.journal.state.first
    with Peer() as peer:
        async with running(publisher):
            peer.visit(publisher.endpoint)
            status = await greeted(peer)
            peer.ask(wanting(status), b"osl-dc1")
            assert (await peer.hears(object))[1] == Gone("osl-dc1", status.epoch, 1, first - 1)
            assert (await peer.hears(Batch))[1].sequence == first


async def test_what_is_gone_at_the_end_is_said_too(publisher: Publisher, peer: Peer) -> None:
    publish(publisher, 1, 1)
    publisher.journal.acknowledged(publisher.journal.epoch, 9)
    status = await greeted(peer)
    peer.ask(wanting(status), b"osl-dc1")
    assert (await peer.hears(object))[1] == Gone("osl-dc1", status.epoch, 1, 9)


async def test_a_request_that_comes_again_is_not_answered_again(
    publisher: Publisher, peer: Peer
) -> None:
    publish(publisher, 1, 1)
    status = await greeted(peer)
    recorded = peer.sealed(wanting(status, 5))
    peer.ask(recorded, b"osl-dc1")
    await peer.hears(Done)
    peer.ask(recorded, b"osl-dc1")
    peer.ask(wanting(status, 4), b"osl-dc1")
    await until(lambda: publisher.counts["repeated"] == 2)
    assert publisher.counts["replayed"] == 1


@pytest.mark.parametrize("wrong", [{"session": b"before"}, {"epoch": 1}, {"publisher": "another"}])
async def test_a_request_of_another_time_or_place_is_not_answered(
    publisher: Publisher, peer: Peer, wrong: dict[str, Any]
) -> None:
    publish(publisher, 1, 1)
    peer.ask(wanting(await greeted(peer), **wrong), b"osl-dc1")
    await until(lambda: publisher.counts["stale"] == 1)
    assert publisher.counts["replayed"] == 0


async def test_an_acknowledgement_of_another_journal_is_refused(
    publisher: Publisher, peer: Peer
) -> None:
    publish(publisher, 1, 1)
    epoch = publisher.journal.epoch
    peer.ask(Acknowledgement("osl-dc1", epoch - 1, 1))
    peer.ask(Acknowledgement("another", epoch, 1))
    await until(lambda: publisher.counts["stale"] == 2)
    assert publisher.journal.state.acknowledged == 0
    peer.ask(Acknowledgement("osl-dc1", epoch, 1))
    await until(lambda: publisher.journal.state.acknowledged == 1)


async def test_who_does_not_know_the_secret_makes_nothing_forgotten(
    publisher: Publisher,
) -> None:
    publish(publisher, 1, 1)
    with Peer(b"guessed") as stranger:
        stranger.visit(publisher.endpoint)
        stranger.ask(Acknowledgement("osl-dc1", publisher.journal.epoch, 1))
        await until(lambda: publisher.counts["signature"] == 1)
    assert publisher.journal.state.acknowledged == 0


async def test_nonsense_is_counted(publisher: Publisher, peer: Peer) -> None:
    status = await greeted(peer)
    peer.ask(status)  # an answer is no request
    peer.ask(b"nonsense")
    peer._lines[0].send([b"too few"])
    await until(lambda: publisher.counts["format"] == 3)


async def test_what_is_meant_for_another_is_passed_over(publisher: Publisher, peer: Peer) -> None:
    peer.ask(Hello(b"for another"), b"osl-dc2")
    assert (await greeted(peer)).nonce == b"nonce"
    assert not publisher.counts


async def test_only_so_many_followers_are_remembered(publisher: Publisher, peer: Peer) -> None:
    status = await greeted(peer)
    for number in range(MOST_FOLLOWERS + 5):
        publisher._check(wanting(status, 1, follower=b"%d" % number))
    assert len(publisher._requests) == MOST_FOLLOWERS
    with pytest.raises(BadMessage, match="repeated"):
        publisher._check(wanting(status, 1, follower=b"%d" % MOST_FOLLOWERS))


async def test_a_disk_that_cannot_be_read_costs_the_answer_only(
    publisher: Publisher, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    publish(publisher, 1, 1)
    status = await greeted(peer)
    (segment,) = publisher.journal.folder.glob("*.journal")
    segment.unlink()
    segment.mkdir()
    peer.ask(wanting(status))
    await until(lambda: publisher.counts["disk"] == 1)
    assert "cannot be served" in caplog.text
    assert await greeted(peer)


async def test_what_cannot_be_kept_is_not_sent(publisher: Publisher) -> None:
    with pytest.raises(ValueError, match="named twice"):
        publisher.publish(power(1.0, 2.0, names=("a", "a")))
    assert not publisher.counts


async def test_a_fault_ends_the_service_and_is_raised(tmp_path: Path) -> None:
    class Broken(Journal):
        def since(self, sequence: int) -> Iterator[Entry]:
            raise RuntimeError("a fault")

    at = Endpoint.ipc(sockets(), "bus")
    with Broken(tmp_path, "osl-dc1", SystemClock()) as journal, Peer() as peer:
        publisher = Publisher(journal, SECRET, at.live, at.replay)
        peer.visit(at)
        serving = asyncio.create_task(publisher.run())
        peer.ask(wanting(await greeted(peer)))
        with pytest.raises(RuntimeError, match="a fault"):
            async with asyncio.timeout(10):
                await serving


async def test_two_publishers_cannot_have_one_address(tmp_path: Path) -> None:
    for at in (Endpoint.ipc(sockets(), "bus"), Endpoint("tcp://127.0.0.1:*", "tcp://127.0.0.1:*")):
        folder = tmp_path / at.live[:3]
        async with running(publisher_in(folder, "a", at=at)) as first:
            second = publisher_in(folder, "b", at=first.endpoint)
            with pytest.raises(Mistake, match=r"in use|cannot be bound: Address already in use"):
                await second.run()


async def test_an_address_is_free_again_after_a_stop(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path, at=Endpoint("tcp://127.0.0.1:*", "tcp://127.0.0.1:*"))
    async with running(publisher):
        assert publisher.endpoint.live.startswith("tcp://127.0.0.1:")
        again = publisher_in(tmp_path, "again", at=publisher.endpoint)
    async with running(again):
        assert again.endpoint == publisher.endpoint
    assert not again.ready.is_set()


def test_an_empty_secret_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="secret is empty"):
        publisher_in(tmp_path, secret=b"")
