"""The bus: CPU a sample to sign and pack, to check and unpack, and on the whole way.

Kwapi's own wire (one JSON message a reading) is measured beside it in the same run. CPU is that
of the whole process, ZeroMQ's threads included.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from meterhouse.bus import kwapi
from meterhouse.bus.envelope import seal, unseal
from meterhouse.bus.follow import Delivery, Follower
from meterhouse.bus.journal import Journal
from meterhouse.bus.publisher import Publisher
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.samples import Columns, Series

SECRET = b"Change This Or Be Hacked"
SIZES = (24, 100, 1000)
BEST_OF = 5
SECONDS = 0.2  # a measurement takes about so long
ANYWHERE = "tcp://127.0.0.1:*"


def rounds(size: int, count: int = 50) -> list[Columns]:
    """Readings of so many wattmeters, second after second."""
    random = np.random.default_rng(size)
    series = tuple(Series(f"dc1/rack{n // 40}/outlet-{n:04}", "power", 3000) for n in range(size))
    idle = random.uniform(80, 250, size)
    start = SystemClock().now_ms()
    return [
        Columns(
            series,
            np.arange(size, dtype=np.uint32),
            start + 1000 * second + random.integers(0, 200, size),
            np.round(idle + random.normal(0, 5, size), 1),
        )
        for second in range(count)
    ]


def cpu(work: Callable[[], int]) -> float:
    """CPU microseconds for each sample that ``work`` handles, the best of some tries."""
    best = float("inf")
    for _ in range(BEST_OF):
        started, samples = process_time(), 0
        while process_time() - started < SECONDS:
            samples += work()
        best = min(best, (process_time() - started) / samples * 1e6)
    return best


def envelope_rows(size: int) -> list[tuple[str, str]]:
    columns = rounds(size)
    batches = [
        Batch(publisher="osl-dc1", epoch=1, sequence=number, sent_ms=1, samples=one)
        for number, one in enumerate(columns, 1)
    ]
    messages = [seal(batch, SECRET) for batch in batches]
    packing = cpu(lambda: size * len([seal(batch, SECRET) for batch in batches]))
    reading = cpu(lambda: size * len([unseal(message, SECRET) for message in messages]))
    length = sum(map(len, messages)) / len(messages) / size
    return [(f"batch of {size}: sign and pack, check and unpack", shown(packing, reading, length))]


def kwapi_rows() -> list[tuple[str, str]]:
    samples = rounds(1000, 1)[0]
    readings = [
        (one.resource, value)
        for one, value in zip(samples.series, samples.value.tolist(), strict=True)
    ]
    messages = [kwapi.encode(*reading, secret=SECRET) for reading in readings]
    packing = cpu(lambda: len([kwapi.encode(*one, secret=SECRET) for one in readings]))
    reading = cpu(lambda: len([kwapi.decode(one, secret=SECRET) for one in messages]))
    length = sum(len(frame) for frames in messages for frame in frames) / len(messages)
    return [("Kwapi's message a reading, the same", shown(packing, reading, length))]


def shown(packing: float, reading: float, length: float) -> str:
    both = 1e6 / (packing + reading)
    return f"{packing:.3f} + {reading:.3f} µs, {length:.1f} bytes, {both:,.0f} samples/s/core"


async def whole_path(size: int, folder: Path) -> str:
    """Journal (synced), publish, follow, acknowledge; over TCP."""
    columns = rounds(size)
    with Journal(folder, "osl-dc1", SystemClock()) as journal:
        publisher = Publisher(journal, SECRET, ANYWHERE, ANYWHERE)
        serving = asyncio.create_task(publisher.run())
        await publisher.ready.wait()
        async with Follower([publisher.endpoint], SECRET, {}) as follower:
            publisher.publish(columns[0])
            await anext(follower)
            started, began = process_time(), perf_counter()
            for _ in range(20):
                for one in columns:
                    publisher.publish(one)
                    await asyncio.sleep(0)
                await delivered(follower, len(columns))
            used, took = process_time() - started, perf_counter() - began
        await stopped(serving)
    samples = 20 * len(columns) * size
    return f"{used / samples * 1e6:.3f} µs, {samples / took:,.0f} samples/s through"


async def delivered(follower: Follower, count: int) -> None:
    items = [await anext(follower) for _ in range(count)]
    assert all(isinstance(item, Delivery) for item in items)
    await items[-1].acknowledge()


async def replayed(size: int, folder: Path) -> str:
    """What a recorder that was away takes to catch up."""
    count = 2_000
    columns = rounds(size)
    with Journal(folder, "osl-dc1", SystemClock()) as journal:
        for number in range(count):
            journal.append(columns[number % len(columns)])
        publisher = Publisher(journal, SECRET, ANYWHERE, ANYWHERE)
        serving = asyncio.create_task(publisher.run())
        await publisher.ready.wait()
        async with Follower([publisher.endpoint], SECRET, {}) as follower:
            await delivered(follower, 1)
            started, began = process_time(), perf_counter()
            await delivered(follower, count - 1)
            used, took = process_time() - started, perf_counter() - began
        await stopped(serving)
    samples = (count - 1) * size
    return f"{used / samples * 1e6:.3f} µs, {samples / took:,.0f} samples/s through"


async def kwapis_path() -> str:
    samples = rounds(100, 1)[0]
    with kwapi.KwapiPublisher(ANYWHERE, secret=SECRET) as publisher:
        listener = kwapi.KwapiListener(
            [publisher.endpoint],
            secret=SECRET,
            hold=timedelta(seconds=3),
            clock=SystemClock(),
            every=timedelta(0),
        )
        async with listener:
            while not listener.counts["heard"]:
                publisher.publish(samples)
                await asyncio.sleep(0.01)
            before, started, began = listener.counts["heard"], process_time(), perf_counter()
            for number in range(1, 51):
                publisher.publish(samples)
                while listener.counts["heard"] < before + number * len(samples):
                    await anext(listener)
            used, took = process_time() - started, perf_counter() - began
            count = 50 * len(samples)
    return f"{used / count * 1e6:.3f} µs, {count / took:,.0f} samples/s through"


async def latency(folder: Path) -> str:
    """From publish() to the follower's hand, a batch of 100 five times a second and faster."""
    columns = rounds(100)
    took = []
    with Journal(folder, "osl-dc1", SystemClock()) as journal:
        publisher = Publisher(journal, SECRET, ANYWHERE, ANYWHERE)
        serving = asyncio.create_task(publisher.run())
        await publisher.ready.wait()
        async with Follower([publisher.endpoint], SECRET, {}) as follower:
            for number in range(300):
                began = perf_counter()
                publisher.publish(columns[number % len(columns)])
                await delivered(follower, 1)
                took.append(perf_counter() - began)
        await stopped(serving)
    middle, high = np.percentile(np.array(took[1:]) * 1e3, [50, 99])
    return f"{middle:.2f} ms, 99 of 100 within {high:.2f} ms"


async def stopped(serving: "asyncio.Task[None]") -> None:
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


def measured(run: Callable[[Path], Awaitable[str]]) -> str:
    async def in_folder() -> str:
        with tempfile.TemporaryDirectory(prefix="mh-bench-") as folder:
            return await run(Path(folder))

    return asyncio.run(in_folder())


def run() -> list[tuple[str, str]]:
    """What was measured, and the figures."""
    rows = [row for size in SIZES for row in envelope_rows(size)]
    rows += kwapi_rows()
    for size in SIZES:
        path = measured(partial(whole_path, size))
        rows.append((f"batches of {size}: journal, publish, follow, acknowledge", path))
    rows.append(("Kwapi's wire: publish, listen", asyncio.run(kwapis_path())))
    rows.append(("batches of 1000: catch up by replay", measured(partial(replayed, 1000))))
    rows.append(("from publish() to the recorder's hand, disk included", measured(latency)))
    return rows


def main() -> None:
    for what, figure in run():
        print(f"{what:60} {figure}")


if __name__ == "__main__":
    main()
