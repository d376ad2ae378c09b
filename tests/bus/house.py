"""Publishers and followers on Unix sockets, and waiting for what they do, with a deadline."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

from tests.bus.cast import SECRET, power

from meterhouse.bus.endpoints import Endpoint
from meterhouse.bus.follow import Delivery, Follower, Loss, Pace
from meterhouse.bus.journal import Journal
from meterhouse.bus.publisher import Publisher
from meterhouse.metering.batches import Position
from meterhouse.metering.clock import SystemClock

DEADLINE_S = 10.0
QUICK = Pace(hello=0.05, timeout=0.2, longest=0.2, look=0.01)


async def until(true: Callable[[], object]) -> None:
    """Let others run until something is true."""
    async with asyncio.timeout(DEADLINE_S):
        while not true():  # noqa: ASYNC110 - what is waited for knows no event
            await asyncio.sleep(0.002)


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
) -> Publisher:
    at = at or Endpoint.ipc(sockets(), "bus")
    journal = Journal(folder / name, name, SystemClock(), limit_bytes)
    return Publisher(journal, secret, at.live, at.replay, heartbeat=timedelta(seconds=0.02))


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
