"""What the running parts have counted, written down every few seconds for pages and /metrics."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from django.db import close_old_connections

from meterhouse.bus.follow import PublisherState
from meterhouse.bus.messages import Told
from meterhouse.metering.clock import Clock
from meterhouse.metering.errors import BadMessage
from meterhouse.station.service import Health
from meterhouse.station.telling import Counts, Said, process_counts, unpack
from meterhouse.web import counted

log = logging.getLogger(__name__)

EVERY_S = 5.0


@dataclass
class Observing:
    """Asks the parts of this process for their counts, and hears what publishers elsewhere say.

    counts:      of the parts of this process, by part and word
    publishers:  how far each publisher is followed
    healths:     of this process's services
    """

    clock: Clock
    counts: Callable[[], Counts]
    publishers: Callable[[], list[PublisherState]]
    healths: Mapping[str, Health]
    every_s: float = EVERY_S
    _said: dict[str, tuple[int, Said]] = field(default_factory=dict)
    _garbled: int = 0

    def told(self, told: Told) -> None:
        """Keep what a publisher says of itself until it is written down."""
        try:
            self._said[told.publisher] = told.at_ms, unpack(told.what)
        except BadMessage:
            self._garbled += 1

    async def run(self) -> None:
        """Write down until this is cancelled; what cannot be written is tried at the next turn."""
        while True:
            await asyncio.sleep(self.every_s)
            await asyncio.to_thread(_written, self.taken())

    def taken(self) -> Callable[[], None]:
        """Take down how things are now; what is returned writes it, and may block."""
        return partial(counted.note, self.clock.now_ms(), self._parts(), self._publishers())

    def _parts(self) -> dict[str, dict[str, float]]:
        parts = {part: dict(words) for part, words in self.counts().items()}
        parts["process"] = process_counts()
        parts["told"] = {"garbled": self._garbled}
        for name, health in self.healths.items():
            running = float(health.status == "running")
            parts[f"service {name}"] = {"running": running, "failures": health.failures}
        return parts

    def _publishers(self) -> list[tuple[PublisherState, tuple[int, Said] | None]]:
        return [(state, self._said.get(state.publisher)) for state in self.publishers()]


def _written(note: Callable[[], None]) -> None:
    close_old_connections()  # a database that was away has left this thread a dead one
    note()
