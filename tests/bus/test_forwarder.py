import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from tests.bus.cast import SECRET
from tests.bus.house import (
    Peer,
    follower_of,
    publish,
    publisher_in,
    running,
    sockets,
    taken,
    until,
)

from meterhouse.bus.curve import Pair
from meterhouse.bus.endpoints import Endpoint
from meterhouse.bus.follow import Delivery, Loss
from meterhouse.bus.forwarder import MOST_HOPS, MOST_NAMES, Forwarder, Link
from meterhouse.bus.kwapi import KwapiListener, KwapiPublisher
from meterhouse.bus.listen import Listener
from meterhouse.bus.messages import Hello, Status
from meterhouse.bus.publisher import Publisher
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake


@asynccontextmanager
async def forwarding(
    *upstreams: Endpoint,
    at: Endpoint | None = None,
    pair: Pair | None = None,
    on_link: Callable[[str, Link], None] = lambda address, link: None,
) -> AsyncIterator[Forwarder]:
    at = at or Endpoint.ipc(sockets(), "forwarder")
    forwarder = Forwarder(upstreams, at.live, at.replay, pair=pair, on_link=on_link, again_s=0.1)
    task = asyncio.create_task(forwarder.run())
    await until(lambda: forwarder.ready.is_set() or task.done())
    try:
        yield forwarder
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def numbers(items: list[Delivery | Loss], publisher: str) -> list[float]:
    return [
        float(item.batch.samples.value[0])
        for item in items
        if isinstance(item, Delivery) and item.batch.publisher == publisher
    ]


def is_acknowledged(publisher: Publisher, last: int) -> bool:
    return publisher.journal.state.acknowledged == last


@pytest.mark.parametrize("hops", [1, 3])
async def test_several_publishers_behind_forwarders_are_followed(
    tmp_path: Path, hops: int
) -> None:
    async with AsyncExitStack() as stack:
        publishers = [publisher_in(tmp_path, name) for name in ("osl-dc1", "osl-dc2", "mghpcc")]
        for publisher in publishers:
            await stack.enter_async_context(running(publisher))
            publish(publisher, 1, 300)
        upstreams = [publisher.endpoint for publisher in publishers]
        forwarders = []
        for _ in range(hops):
            forwarder = await stack.enter_async_context(forwarding(*upstreams))
            forwarders.append(forwarder)
            upstreams = [forwarder.endpoint]
        follower = await stack.enter_async_context(follower_of(*upstreams))
        items = await taken(follower, 900)
        for publisher in publishers:
            publish(publisher, 301, 310)
        items += await taken(follower, 30)
        for publisher in publishers:
            name = publisher.journal.publisher
            assert numbers(items, name) == [float(number) for number in range(1, 311)]
            await until(partial(is_acknowledged, publisher, 310))
        assert forwarders[0].counts["answers"] >= 900


async def test_requests_go_only_where_their_publisher_was_heard(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    with Peer() as other:
        stranger = other.pretend(sockets())
        async with (
            running(publisher),
            forwarding(publisher.endpoint, stranger) as forwarder,
            follower_of(forwarder.endpoint) as follower,
        ):
            publish(publisher, 1, 20)
            await taken(follower, 20)
            await until(lambda: publisher.journal.state.acknowledged == 20)
            await other.hears(Hello)
            assert {type(message) for _, message in other.heard} <= {Hello}


async def test_who_pretends_to_be_another_draws_nothing_away(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    with Peer(b"guessed") as liar:
        liar.secret = SECRET  # it can read what is said to it, for the test's sake
        stranger = liar.pretend(sockets())
        async with (
            running(publisher),
            forwarding(stranger, publisher.endpoint) as forwarder,
            follower_of(forwarder.endpoint) as follower,
        ):
            route, _ = await liar.hears(Hello)
            liar.secret = b"guessed"
            liar._lines[1].failed.add_done_callback(lambda failed: failed.exception())
            liar.answer(route, Status("osl-dc1", 1, 0, 1, 9, b"s", b"n"))
            await until(lambda: 0 in forwarder._ways.get(b"osl-dc1", ()))
            publish(publisher, 1, 300)
            await taken(follower, 300)
            assert follower.counts["signature"] > 0


async def test_an_upstream_that_is_away_is_counted_and_holds_up_nobody(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    away = Endpoint.ipc(sockets(), "away")
    async with (
        running(publisher),
        forwarding(away, publisher.endpoint) as forwarder,
        follower_of(forwarder.endpoint) as follower,
    ):
        publish(publisher, 1, 3)
        await taken(follower, 3)
        assert forwarder.counts["unreachable"] > 0


async def test_frames_that_are_neither_request_nor_answer_are_counted() -> None:
    with Peer() as publisher, Peer() as follower:
        async with forwarding(publisher.pretend(sockets())) as forwarder:
            follower.visit(forwarder.endpoint)
            follower._lines[0].send([b"too few"])
            follower._lines[0].send([b"hop"] * MOST_HOPS + [b"osl-dc1", b"too many"])
            await until(lambda: forwarder.counts["format"] == 2)
            follower.ask(Hello(b"nonce"))
            route, _ = await publisher.hears(Hello)
            publisher._lines[1].send([route[0], b"too few"])
            await until(lambda: forwarder.counts["format"] == 3)


def test_only_so_many_ways_are_remembered() -> None:
    forwarder = Forwarder([], "tcp://127.0.0.1:*")
    for number in range(MOST_NAMES + 3):
        forwarder._remember(b"%d" % number, 0)
    assert len(forwarder._ways) == MOST_NAMES
    assert b"2" not in forwarder._ways


async def test_listeners_hear_through_a_forwarder_without_replay(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    upstream = Endpoint(publisher.endpoint.live)
    async with (
        running(publisher),
        forwarding(upstream, at=Endpoint("tcp://127.0.0.1:*")) as forwarder,
        Listener([forwarder.endpoint], SECRET) as listener,
    ):
        assert forwarder.endpoint.replay == ""
        await heard(listener, publisher)


async def test_a_live_upstream_needs_no_replay_side(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    live = Endpoint(publisher.endpoint.live)
    async with (
        running(publisher),
        forwarding(live) as forwarder,
        Listener([forwarder.endpoint], SECRET) as listener,
    ):
        await heard(listener, publisher)


async def heard(listener: Listener, publisher: Publisher) -> None:
    while not listener.counts["heard"]:
        publish(publisher, 1, 1)
        await asyncio.sleep(0.005)


async def test_kwapis_messages_pass_too() -> None:
    with KwapiPublisher("tcp://127.0.0.1:*", secret=SECRET) as publisher:
        from tests.bus.cast import power

        async with (
            forwarding(
                Endpoint(publisher.endpoint), at=Endpoint("tcp://127.0.0.1:*")
            ) as forwarder,
            KwapiListener(
                [forwarder.endpoint.live],
                secret=SECRET,
                hold=timedelta(seconds=3),
                clock=SystemClock(),
                every=timedelta(0),
            ) as listener,
        ):
            while not listener.counts["heard"]:
                publisher.publish(power(80.0))
                await asyncio.sleep(0.005)
            assert set((await anext(listener)).value.tolist()) == {80.0}


async def test_addresses_that_are_none_or_in_use_are_mistakes(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="is no address"):
        Forwarder([], "nowhere")
    with pytest.raises(Mistake, match="is no address"):
        await Forwarder([Endpoint("nowhere")], "tcp://127.0.0.1:*").run()
    here = Endpoint.ipc(sockets(), "bus")
    with pytest.raises(Mistake, match="is no address"):
        await Forwarder([Endpoint(here.live, "nowhere")], here.live, here.replay).run()
    async with running(publisher_in(tmp_path)) as publisher:
        with pytest.raises(Mistake, match="in use"):
            await Forwarder([], publisher.endpoint.live).run()
        with pytest.raises(Mistake, match="in use"):
            await Forwarder([], here.live, publisher.endpoint.replay).run()


async def test_a_fault_ends_the_service_and_is_raised(tmp_path: Path) -> None:
    class Broken(Forwarder):
        def _remember(self, name: bytes, index: int) -> None:
            raise RuntimeError("a fault")

    at = Endpoint.ipc(sockets(), "forwarder")
    async with running(publisher_in(tmp_path)) as publisher:
        forwarder = Broken([publisher.endpoint], at.live, at.replay)
        serving = asyncio.create_task(forwarder.run())
        async with follower_of(at), asyncio.timeout(10):
            with pytest.raises(RuntimeError, match="a fault"):
                await serving


async def test_it_tells_when_an_upstream_comes_and_goes(tmp_path: Path) -> None:
    links: list[tuple[str, Link]] = []
    publisher = publisher_in(tmp_path)
    at = Endpoint.ipc(sockets(), "forwarder")
    forwarder = Forwarder(
        [publisher.endpoint], at.live, on_link=lambda address, link: links.append((address, link))
    )
    task = asyncio.create_task(forwarder.run())
    async with running(publisher):
        await until(lambda: links)
    await until(lambda: len(links) > 1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert links == [(publisher.endpoint.live, Link.UP), (publisher.endpoint.live, Link.DOWN)]
