"""Passes the bus on, from networks that cannot see each other, or to spare a thin line.

The live side goes through ZeroMQ's own proxy, without Python; subscriptions travel upwards, so
what nobody listens to is not sent. On the replay side requests go up and answers come down the
same way. A forwarder needs no secret: it reads the name beside a message and never the message.

    publisher ──▶ forwarder ──▶ forwarder ──▶ recorder, listeners
    publisher ──▶     ▲

It may be chained. Kwapi's messages pass on the live side as well.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from functools import partial

import zmq
from zmq.utils.monitor import parse_monitor_message

from meterhouse.bus.endpoints import Endpoint, bind, checked, connect, opened
from meterhouse.bus.line import Line

_LINK_EVENTS = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED
MOST_HOPS = 8  # a request that went through more goes round in circles
MOST_NAMES = 10_000  # of publishers whose way is remembered


class Link(StrEnum):
    """How the link to an upstream is."""

    UP = "up"
    DOWN = "down"


class Forwarder:
    """Forwards between publishers (or forwarders) and who connects here, as long as it runs.

    upstreams:     where to connect; those without a replay address are live only
    live, replay:  addresses to bind; replay "" for live only

    ready:     set while both addresses are bound
    endpoint:  where it is reached, with the ports that were taken
    counts:    "requests" and "answers" passed on; "unreachable": a request whose upstream is
               away; "format": frames that are neither
    on_link:   called with an upstream's live address when the link to it comes or goes
    """

    def __init__(
        self,
        upstreams: Sequence[Endpoint],
        live: str,
        replay: str = "",
        *,
        on_link: Callable[[str, Link], None] = lambda address, link: None,
    ) -> None:
        self._upstreams = upstreams
        self._on_link = on_link
        self._wanted = Endpoint(checked(live), checked(replay) if replay else "")
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
            links = Line(inner.get_monitor_socket(_LINK_EVENTS), self._link)
            closing.callback(links.close)
            for upstream in self._upstreams:
                connect(inner, upstream.live)
            live = bind(outer, self._wanted.live)
            front = self._opened_lines(context, closing) if self._wanted.replay else ""
            self.endpoint = Endpoint(live, front)
            with proxied(context, inner, outer) as proxy:
                self.ready.set()
                try:
                    await self._until_one_fails(proxy)
                finally:
                    self.ready.clear()

    def _opened_lines(self, context: "zmq.Context[zmq.Socket[bytes]]", closing: ExitStack) -> str:
        """Open the replay side; the address it is bound to."""
        socket = opened(context, zmq.ROUTER)
        closing.callback(socket.close)
        address = bind(socket, self._wanted.replay)
        self._front = Line(socket, self._upwards)
        closing.callback(self._front.close)
        for index, upstream in enumerate(self._upstreams):
            if upstream.replay:
                back = opened(context, zmq.DEALER)
                closing.callback(back.close)
                back.immediate = True
                connect(back, upstream.replay)
                self._lines[index] = Line(back, partial(self._down, index))
                closing.callback(self._lines[index].close)
        return address

    async def _until_one_fails(self, proxy: "asyncio.Future[None]") -> None:
        lines = [self._front, *self._lines.values()] if self._lines else []
        parts = [proxy, *(line.failed for line in lines)]
        done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        done.pop().result()

    def _link(self, frames: Sequence[bytes]) -> None:
        told = parse_monitor_message(list(frames))
        up = told["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED
        self._on_link(told["endpoint"].decode(), Link.UP if up else Link.DOWN)

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
        its.bind("inproc://steering")
        ours.connect("inproc://steering")
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
