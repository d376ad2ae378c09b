"""Sources read on a machine of their own: journalled there, and published to a house elsewhere."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from meterhouse.bus.curve import Pair
from meterhouse.bus.endpoints import Endpoint
from meterhouse.bus.journal import Journal
from meterhouse.bus.publisher import Publisher
from meterhouse.metering.clock import Clock
from meterhouse.metering.samples import Columns
from meterhouse.metering.snapshots import Snapshot
from meterhouse.sources import Configured
from meterhouse.sources.runner import Runner, SourceState
from meterhouse.station.following_file import SourcesFile
from meterhouse.station.gathering import Gathering
from meterhouse.station.kwapi_out import KwapiWire, keep_sending
from meterhouse.station.service import Health, keep_running
from meterhouse.station.telling import EVERY_S, Counts, keep_telling, process_counts


@dataclass
class Station:
    """Reads what a file declares until it is cancelled.

    journal:   where what was read waits until a house has it
    endpoint:  the addresses to bind
    pair:      encrypts to those who have its public key
    kwapi:     where power is sent on Kwapi's wire too
    announce:  called once both are bound, with the ports that were taken
    memory:    the folder of what sources remember over a restart
    """

    file: Path
    sources: Sequence[Configured]
    journal: Journal
    secret: bytes
    endpoint: Endpoint
    clock: Clock
    pair: Pair | None = None
    kwapi: KwapiWire | None = None
    announce: Callable[[Endpoint], None] = lambda endpoint: None
    tell_every_s: float = EVERY_S
    memory: Path | None = None
    healths: dict[str, Health] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._publisher = Publisher(
            self.journal, self.secret, self.endpoint.live, self.endpoint.replay, pair=self.pair
        )
        self._gathering = Gathering(self.publish)
        self._runner = Runner(self._gathering.add, self.clock, memory=self.memory)

    async def run(self) -> None:
        """Run every part; one that fails is started again."""
        file = SourcesFile(self.file, self._change)
        parts: dict[str, Callable[[], Coroutine[None, None, None]]] = {
            "bus": self._publisher.run,
            "sources": self._read,
            "file": file.follow,
            "telling": self._tell,
        }
        if self.kwapi:
            parts["kwapi"] = self._send_kwapi
        async with asyncio.TaskGroup() as group:
            for name, part in parts.items():
                health = self.healths[name] = Health(name)
                group.create_task(keep_running(health, part, self.clock), name=name)
            group.create_task(self._announce())

    async def _announce(self) -> None:
        await self._publisher.ready.wait()
        self.announce(self._publisher.endpoint)

    async def _read(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._runner.run(self.sources))
                group.create_task(self._gathering.keep_flushing())
        finally:
            self._gathering.flush()  # what sources brought while they were stopped

    async def _send_kwapi(self) -> None:
        if self.kwapi:
            await self._publisher.ready.wait()
            await keep_sending(self.kwapi, [self._publisher.endpoint], self.secret)

    def _change(self, sources: Sequence[Configured]) -> None:
        self.sources = sources
        self._runner.change(sources)

    async def _tell(self) -> None:
        await keep_telling(
            self._publisher, self.clock, self.states, self.counts, self.tell_every_s
        )

    def states(self) -> list[SourceState]:
        """How each source does, by name."""
        return self._runner.states()

    def counts(self) -> Counts:
        """What was counted, by part and word."""
        state = self.journal.state
        return {
            "bus": Counter(self._publisher.counts),
            "journal": {
                "bytes": state.size,
                "waiting": state.last - state.acknowledged,
                "lost": state.lost,
            },
            "gathering": {"refused": self._gathering.refused},
            "process": process_counts(),
        }

    def publish(self, samples: Columns, snapshots: tuple[Snapshot, ...]) -> None:
        """Publish one batch; to see each that was taken, override this."""
        self._publisher.publish(samples, snapshots)
