"""A subscription to live messages, of which the newest wait for the reader."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar

import zmq

from meterhouse.bus.endpoints import Endpoint, opened
from meterhouse.bus.line import Line
from meterhouse.bus.links import Link, Links
from meterhouse.metering.errors import BadMessage

Heard = TypeVar("Heard")


class Subscription(Generic[Heard]):
    """Subscribes while it is entered, and reads each message as it comes.

    endpoints:  where to connect
    topics:     with what the first frame of a message begins
    read:       makes of frames what is heard, None if nothing; BadMessage is counted
    most:       how much may wait; then the oldest goes
    counts:     "heard"; "dropped" because the reader was slow; and BadMessage's reasons

    Raises Mistake when it is entered if an address is none.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        topics: Sequence[bytes],
        read: Callable[[Sequence[bytes]], Heard | None],
        most: int,
    ) -> None:
        self._endpoints = endpoints
        self._topics = topics
        self._read = read
        self._waiting: deque[Heard] = deque(maxlen=most)
        self._arrived = asyncio.Event()
        self.counts: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        self._context = zmq.Context()
        socket = opened(self._context, zmq.SUB)
        self._links = Links(socket)
        try:
            for topic in self._topics:
                socket.subscribe(topic)
            for endpoint in self._endpoints:
                self._links.connect(endpoint.live, endpoint.key)
        except BaseException:
            self._links.close()
            socket.close()
            self._context.term()
            raise
        self._line = Line(socket, self._hear)
        self._line.failed.add_done_callback(lambda _: self._arrived.set())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._links.close()
        self._line.close()
        self._context.term()

    async def next(self) -> Heard:
        """Wait for what was heard first. Raises StopAsyncIteration once it is closed."""
        while not self._waiting:
            if self._line.failed.cancelled():
                raise StopAsyncIteration
            if self._line.failed.done():
                self._line.failed.result()
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    def links(self) -> dict[str, Link]:
        """How each address is connected to."""
        return dict(self._links.states)

    def rest(self) -> list[Heard]:
        """All that waits, without waiting."""
        heard = list(self._waiting)
        self._waiting.clear()
        return heard

    def _hear(self, frames: Sequence[bytes]) -> None:
        try:
            heard = self._read(frames)
        except BadMessage as refusal:
            self.counts[refusal.reason] += 1
            return
        if heard is not None:
            self.counts["heard"] += 1
            self.counts["dropped"] += len(self._waiting) == self._waiting.maxlen
            self._waiting.append(heard)
            self._arrived.set()
