"""Publishers and followers on Unix sockets, and waiting for what they do, with a deadline."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Self, TypeVar

import zmq  # noqa: TID251 - strangers on the wire speak it too
from tests import patience
from tests.bus.cast import SECRET, power

from meterhouse.bus import messages
from meterhouse.bus.curve import Pair
from meterhouse.bus.endpoints import Endpoint, bind, connect, opened
from meterhouse.bus.envelope import seal
from meterhouse.bus.follow import Delivery, Follower, Loss, Pace
from meterhouse.bus.journal import Journal
from meterhouse.bus.line import Line
from meterhouse.bus.messages import Message
from meterhouse.bus.publisher import Publisher
from meterhouse.metering.batches import Batch, Position
from meterhouse.metering.clock import Clock, SystemClock

Heard = TypeVar("Heard")

DEADLINE_S = 10.0
QUICK = Pace(hello=0.05, timeout=0.2, longest=0.2, look=0.01, again=0.1)

until = patience.until


def sockets() -> Path:
    """A folder with a short path: that of a test may be too long for a socket."""
    return Path(tempfile.mkdtemp(prefix="mh-bus-"))


@asynccontextmanager
async def running(publisher: Publisher) -> AsyncIterator[Publisher]:
    task = asyncio.create_task(publisher.run())
    await until(lambda: publisher.ready.is_set() or task.done())
    try:
        yield publisher
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def publisher_in(
    folder: Path,
    name: str = "osl-dc1",
    *,
    limit_bytes: int = 2**22,
    secret: bytes = SECRET,
    at: Endpoint | None = None,
    clock: Clock | None = None,
    pair: Pair | None = None,
) -> Publisher:
    at = at or Endpoint.ipc(sockets(), "bus")
    journal = Journal(folder / name, name, clock or SystemClock(), limit_bytes)
    beat = timedelta(seconds=0.02)
    return Publisher(journal, secret, at.live, at.replay, pair=pair, heartbeat=beat)


def publish(publisher: Publisher, first: int, last: int) -> None:
    """Publish batches whose one value is their number."""
    for number in range(first, last + 1):
        publisher.publish(power(float(number)))


async def taken(
    follower: Follower, count: int, *, acknowledging: bool = True
) -> list[Delivery | Loss]:
    """The next items of a follower."""
    items: list[Delivery | Loss] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(items) < count:
            items.append(await anext(follower))
            if acknowledging:
                await items[-1].acknowledge()
    return items


def values(items: list[Delivery | Loss]) -> list[float]:
    """The values of batches; of a loss the numbers, negative."""
    return [
        value
        for item in items
        for value in (
            [-float(item.first), -float(item.last)]
            if isinstance(item, Loss)
            else item.batch.samples.value.tolist()
        )
    ]


def follower_of(
    *endpoints: Endpoint, positions: Mapping[str, Position] | None = None, pace: Pace = QUICK
) -> Follower:
    return Follower(endpoints, SECRET, positions or {}, pace=pace)


class Peer:
    """Somebody on the wire who says whatever the test wants, truth or not."""

    def __init__(self, secret: bytes = SECRET) -> None:
        self.secret = secret
        self.heard: list[tuple[list[bytes], object]] = []
        self._context = zmq.Context()
        self._sockets: list[zmq.Socket[bytes]] = []
        self._lines: list[Line] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for line in self._lines:
            line.close()
        for socket in self._sockets:
            socket.close()
        self._context.destroy(linger=0)

    def pretend(self, folder: Path) -> Endpoint:
        """Bind as a publisher does."""
        endpoint = Endpoint.ipc(folder, "peer")
        live, replay = self._opened(zmq.PUB), self._opened(zmq.ROUTER)
        bind(live, endpoint.live)
        bind(replay, endpoint.replay)
        self._lines = [Line(live, self._hear), Line(replay, self._hear)]
        return endpoint

    def visit(self, endpoint: Endpoint) -> None:
        """Connect as a follower does."""
        replay = self._opened(zmq.DEALER)
        connect(replay, endpoint.replay)
        self._lines = [Line(replay, self._hear)]

    def _opened(self, kind: int) -> zmq.Socket[bytes]:
        self._sockets.append(opened(self._context, kind))
        return self._sockets[-1]

    def shout(self, message: bytes) -> None:
        self._lines[0].send([message])

    def answer(self, route: Sequence[bytes], message: Message | Batch) -> None:
        self._lines[1].send([*route, b"osl-dc1", self.sealed(message)])

    def ask(self, message: Message | bytes, name: bytes = b"") -> None:
        sealed = message if isinstance(message, bytes) else self.sealed(message)
        self._lines[0].send([name, sealed])

    def sealed(self, message: Message | Batch) -> bytes:
        if isinstance(message, Batch):
            return seal(message, self.secret)
        return messages.seal(message, self.secret)

    async def hears(self, kind: type[Heard]) -> tuple[list[bytes], Heard]:
        """The route and the message of the next that is of a kind."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                while self.heard:
                    route, message = self.heard.pop(0)
                    if isinstance(message, kind):
                        return route, message
                await asyncio.sleep(0.002)

    def _hear(self, frames: Sequence[bytes]) -> None:
        self.heard.append(([*frames[:-2]], messages.unseal(frames[-1], self.secret)))
