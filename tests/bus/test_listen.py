import asyncio
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bus.cast import SECRET, batch
from tests.bus.house import Peer, publish, publisher_in, running, sockets, until

from meterhouse.bus.endpoints import Endpoint
from meterhouse.bus.listen import Listener, listen
from meterhouse.bus.messages import Hello
from meterhouse.bus.subscription import Subscription
from meterhouse.metering.errors import Mistake


async def test_what_is_published_is_heard_from_now_on(tmp_path: Path) -> None:
    publisher = publisher_in(tmp_path)
    publish(publisher, 1, 3)
    async with running(publisher), aclosing(listen([publisher.endpoint], SECRET)) as batches:
        hearing = asyncio.create_task(anext(batches))
        while not hearing.done():
            publish(publisher, publisher.journal.last + 1, publisher.journal.last + 1)
            await asyncio.sleep(0.005)
        first = (await hearing).sequence
        assert first > 3
        publish(publisher, 1, 1)
        assert (await anext(batches)).sequence == first + 1


async def test_old_foreign_and_other_messages_are_not_heard() -> None:
    with Peer() as peer:
        at = peer.pretend(sockets())
        async with Listener([at], SECRET) as listener:
            while not listener.counts["heard"]:
                peer.shout(peer.sealed(batch(5)))
                await asyncio.sleep(0.005)
            before = listener.counts["repeated"]
            peer.shout(peer.sealed(batch(4)))
            peer.shout(peer.sealed(replace(batch(9), epoch=batch().epoch - 1)))
            peer.shout(b"nonsense")
            peer.shout(peer.sealed(Hello(b"nonce")))
            peer.shout(peer.sealed(replace(batch(1), epoch=batch().epoch + 1)))
            assert (await anext(listener)).sequence == 5
            assert (await anext(listener)).sequence == 1
            assert listener.counts["repeated"] >= before + 2
            assert listener.counts["format"] == 1
            assert listener.counts["heard"] == 2


async def test_a_slow_listener_gets_the_newest() -> None:
    with Peer() as peer:
        at = peer.pretend(sockets())
        async with Listener([at], SECRET, most=2) as listener:
            number = 0
            while listener.counts["dropped"] < 3:
                number += 1
                peer.shout(peer.sealed(batch(number)))
                await asyncio.sleep(0.002)
            await until(lambda: listener._heard["osl-dc1"][1] == number)
            assert [(await anext(listener)).sequence for _ in range(2)] == [number - 1, number]


async def test_a_listener_that_is_closed_hears_nothing_more() -> None:
    async with Listener([], SECRET) as listener:
        waiting = asyncio.create_task(listener._subscription.next())
        await asyncio.sleep(0)
    with pytest.raises(StopAsyncIteration):
        await waiting
    assert [one async for one in listener] == []


async def test_an_address_that_is_none_is_a_mistake() -> None:
    with pytest.raises(Mistake, match="is no address"):
        async with Listener([Endpoint("nowhere")], SECRET):
            pass


async def test_a_fault_is_raised_where_it_is_read() -> None:
    def read(frames: object) -> None:
        raise RuntimeError("a fault")

    with Peer() as peer:
        at = peer.pretend(sockets())
        async with Subscription[None]([at], [b""], read, 9) as subscription:
            waiting = asyncio.create_task(subscription.next())
            while not waiting.done():
                peer.shout(b"anything")
                await asyncio.sleep(0.005)
            with pytest.raises(RuntimeError, match="a fault"):
                await waiting
