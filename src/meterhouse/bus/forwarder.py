"""Passes the bus on, from networks that cannot see each other, or to spare a thin line.

The live side goes through ZeroMQ's own proxy, without Python; subscriptions travel upwards, so
what nobody listens to is not sent. On the replay side requests go up and answers come down the
same way. A forwarder needs no secret: it reads the name beside a message and never the message.

    publisher ──▶ forwarder ──▶ forwarder ──▶ recorder, listeners
    publisher ──▶     ▲

It may be chained. Kwapi's messages pass on the live side as well.
"""

import asyncio
import os
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

import zmq

from meterhouse.bus.curve import Pair
from meterhouse.bus.endpoints import Endpoint, bind, checked, opened
from meterhouse.bus.line import Line
from meterhouse.bus.links import AGAIN_S, Link, Links

__all__ = ["Forwarder", "Link", "proxied"]

MOST_HOPS = 8  # a request that went through more goes round in circles
MOST_NAMES = 10_000  # of publishers whose way is remembered


class Forwarder:
    """Forwards between publishers (or forwarders) and who connects here, as long as it runs.

    upstreams:     where to connect; those without a replay address are live only
    live, replay:  addresses to bind; replay "" for live only
    pair:          encrypts to those who have its public key, and lets in nobody else

    ready:     set while both addresses are bound
    endpoint:  where it is reached, with the ports that were taken
    counts:    "requests" and "answers" passed on; "unreachable": a request whose upstream is
               away; "format": frames that are neither
    on_link:   called with an upstream's live address when the link to it changes
    """

    def __init__(
        self,
        upstreams: Sequence[Endpoint],
        live: str,
        replay: str = "",
        *,
        pair: Pair | None = None,
        on_link: Callable[[str, Link], None] = lambda address, link: None,
        again_s: float = AGAIN_S,
    ) -> None:
        self._again_s = again_s
        self._upstreams = upstreams
        self._on_link = on_link
        self._pair = pair
        key = pair.public if pair else b""
        self._wanted = Endpoint(checked(live), checked(replay) if replay else "", key)
        self._given_up: set[str] = set()
        self._somebody_given_up = asyncio.Event()
        self._ways: OrderedDict[bytes, set[int]] = OrderedDict()
        self._lines: dict[int, Line] = {}
        self.ready = asyncio.Event()
        self.endpoint = self._wanted
        self.counts: Counter[str] = Counter()

    async def run(self) -> None:
        """Forward until cancelled. Raises Mistake if an address cannot be bound or is none."""
        with zmq.Context() as context, ExitStack() as closing:
            inner, outer = opened(context, zmq.XSUB), opened(context, zmq.XPUB)
            closing.callback(inner.close)
            closing.callback(outer.close)
            links = Links(
                inner,
                on_link=self._on_link,
                on_given_up=self._give_up,
                again_s=self._again_s,
            )
            closing.callback(links.close)
            for upstream in self._upstreams:
                links.connect(upstream.live, upstream.key)
            live = bind(outer, self._wanted.live, self._pair)
            front = self._opened_lines(context, closing) if self._wanted.replay else ""
            self.endpoint = Endpoint(live, front, self._wanted.key)
            try:
                while True:
                    with proxied(context, inner, outer) as proxy:
                        self.ready.set()
                        await self._until_one_fails(proxy)
                    while self._given_up:  # between two proxies the socket is ours
                        links.again(self._given_up.pop())
            finally:
                self.ready.clear()

    def _opened_lines(self, context: "zmq.Context[zmq.Socket[bytes]]", closing: ExitStack) -> str:
        """Open the replay side; the address it is bound to."""
        socket = opened(context, zmq.ROUTER)
        closing.callback(socket.close)
        address = bind(socket, self._wanted.replay, self._pair)
        self._front = Line(socket, self._upwards)
        closing.callback(self._front.close)
        for index, upstream in enumerate(self._upstreams):
            if upstream.replay:
                back = opened(context, zmq.DEALER)
                closing.callback(back.close)
                back.immediate = True
                links = Links(back, again_s=self._again_s)
                closing.callback(links.close)
                links.connect(upstream.replay, upstream.key)
                self._lines[index] = Line(back, partial(self._down, index))
                closing.callback(self._lines[index].close)
        return address

    async def _until_one_fails(self, proxy: "asyncio.Future[None]") -> None:
        """Or until an upstream has to be connected to anew."""
        lines = [self._front, *self._lines.values()] if self._lines else []
        waiting = asyncio.create_task(self._until_somebody_is_given_up())
        parts: list[asyncio.Future[None]] = [proxy, waiting, *(line.failed for line in lines)]
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        self._somebody_given_up.clear()
        done.pop().result()

    async def _until_somebody_is_given_up(self) -> None:
        await self._somebody_given_up.wait()

    def _give_up(self, address: str) -> None:
        self._given_up.add(address)
        self._somebody_given_up.set()

    def _upwards(self, frames: Sequence[bytes]) -> None:
        """Pass a request on: to where its publisher was heard, or to all."""
        if not 3 <= len(frames) <= MOST_HOPS + 2:
            self.counts["format"] += 1
            return
        self.counts["requests"] += 1
        for index in self._ways.get(frames[-2], self._lines):
            self.counts["unreachable"] += not self._lines[index].send(frames)

    def _down(self, index: int, frames: Sequence[bytes]) -> None:
        """Pass an answer on to where its request came from."""
        if len(frames) < 3:
            self.counts["format"] += 1
            return
        self.counts["answers"] += 1
        self._remember(frames[-2], index)
        self._front.send(frames)

    def _remember(self, name: bytes, index: int) -> None:
        # All ways are kept: the names are not proven here, and one who pretends to be another
        # must not draw the requests away from them.
        self._ways.setdefault(name, set()).add(index)
        self._ways.move_to_end(name)
        if len(self._ways) > MOST_NAMES:
            self._ways.popitem(last=False)


@contextmanager
def proxied(
    context: "zmq.Context[zmq.Socket[bytes]]",
    inner: zmq.Socket[bytes],
    outer: zmq.Socket[bytes],
) -> "Iterator[asyncio.Future[None]]":
    """Pass everything between two sockets in a thread that runs no Python."""
    with context.socket(zmq.PAIR) as ours, context.socket(zmq.PAIR) as its:
        ours.linger = 0
        between = f"inproc://{os.urandom(8).hex()}"  # the last proxy's may not be free yet
        its.bind(between)
        ours.connect(between)
        with ThreadPoolExecutor(1, "forwarder") as thread:
            loop = asyncio.get_running_loop()
            try:
                yield loop.run_in_executor(thread, _proxy, inner, outer, its)
            finally:
                ours.send(b"TERMINATE")


def _proxy(
    inner: zmq.Socket[bytes], outer: zmq.Socket[bytes], steering: zmq.Socket[bytes]
) -> None:
    zmq.proxy_steerable(inner, outer, None, steering)
