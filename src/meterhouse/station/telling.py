"""What a publisher says of itself to a house that is elsewhere: its sources, and its counts.

It travels beside the batches and is not journalled: who missed it hears the next one, and who
asks how a source does now has no use for what it did then.
"""

import asyncio
import logging
import resource
from collections.abc import Callable, Mapping

from msgspec import Struct, msgpack

from meterhouse.bus.deflating import deflate, inflate
from meterhouse.bus.messages import MOST_TOLD_BYTES
from meterhouse.bus.publisher import Publisher
from meterhouse.bus.signing import UNREADABLE
from meterhouse.metering.clock import Clock
from meterhouse.metering.errors import BadMessage
from meterhouse.sources.runner.records import SourceState

log = logging.getLogger(__name__)

EVERY_S = 5.0
LARGEST_BYTES = 16 * 2**20  # unpacked
Counts = Mapping[str, Mapping[str, float]]


class Said(Struct, frozen=True):
    """sources: how each does. counts: part ("bus", "process", ...) to word to number."""

    sources: list[SourceState]
    counts: dict[str, dict[str, float]]


_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Said).decode


def pack(said: Said) -> bytes:
    return deflate(_encode(said))


def unpack(packed: bytes) -> Said:
    """Raises BadMessage."""
    try:
        return _decode(inflate(packed, LARGEST_BYTES))
    except UNREADABLE as error:
        raise BadMessage("format", f"what a publisher said of itself: {error}") from error


async def keep_telling(
    publisher: Publisher,
    clock: Clock,
    states: Callable[[], list[SourceState]],
    counts: Callable[[], Counts],
    every_s: float = EVERY_S,
) -> None:
    """Say it again and again, until this is cancelled."""
    while True:
        await asyncio.sleep(every_s)
        packed = pack(Said(states(), {part: dict(words) for part, words in counts().items()}))
        if len(packed) <= MOST_TOLD_BYTES:
            publisher.tell(packed, clock.now_ms())
        else:
            log.error("what there is to say of the sources is too much: %d bytes", len(packed))


def process_counts() -> dict[str, float]:
    """What this process used: seconds of CPU, and bytes of memory at present."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - a path is no gain
        pages = int(file.read().split()[1])
    return {
        "cpu_s": used.ru_utime + used.ru_stime,
        "memory_bytes": pages * resource.getpagesize(),
    }
