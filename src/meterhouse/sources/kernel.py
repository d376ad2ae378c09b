"""The kernel's energy counters, and where they stood for the last reader of them."""

from collections.abc import Sequence

from meterhouse.clients.sysfs.rapl import Counter, Rapl, Stand
from meterhouse.sources.memory import Memory

NAME = "rapl"


def remembered(counters: Sequence[Counter], memory: Memory) -> Rapl:
    """Counters that go on from where they were noted."""
    memory.refresh()
    return Rapl(counters, Stand.remembered(memory.said.get(NAME)))


def keep(rapl: Rapl, memory: Memory) -> None:
    """Note where they stand; a wrap, a restart or a leap at once, before it is published."""
    if rapl.last is not None:
        memory.note(NAME, rapl.last.document(), rapl.last.at_ms, at_once=rapl.has_turned)
