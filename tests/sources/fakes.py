"""Sources that behave as badly as sources can, and a runner watched while it tends them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests import patience

from meterhouse.metering.clock import Clock
from meterhouse.metering.meters import POWER
from meterhouse.metering.samples import Columns, Sample
from meterhouse.metering.secrets import Secret
from meterhouse.metering.snapshots import Snapshot
from meterhouse.sources import Configured, Named, Reading, Source, SourceKind
from meterhouse.sources.runner import Outcome, Patience, Run, Runner, SourceState

MS = timedelta(milliseconds=1)
HURRIED = Patience(first=1 * MS, ceiling=4 * MS, grace=30 * MS, look=5 * MS)
DEADLINE_S = 10.0


@dataclass(frozen=True, slots=True)
class Config:
    password: Secret = field(default_factory=lambda: Secret(""))
    answer: int = 0  # only to make one configuration differ from another


@dataclass
class Script:
    """What a scripted source does at each step; steps are called with how often they came."""

    opening: Callable[[int], Awaitable[None]]
    reading: Callable[[int, Named], Awaitable[Any]]
    closing: Callable[[int], Awaitable[None]]
    opened: int = 0
    reads: int = 0
    closed: int = 0
    at_once: int = 0  # how many are open now
    most_at_once: int = 0

    def open(self, config: Config, named: Named) -> AbstractAsyncContextManager[Source]:
        return self._session(named)

    @asynccontextmanager
    async def _session(self, named: Named) -> AsyncIterator[Source]:
        self.opened += 1
        await self.opening(self.opened)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            yield Scripted(self, named)
        finally:
            await self.closing(self.opened)
            self.at_once -= 1
            self.closed += 1


@dataclass
class Scripted:
    script: Script
    named: Named

    async def read(self) -> Reading:
        self.script.reads += 1
        reading: Reading = await self.script.reading(self.script.reads, self.named)
        return reading


async def well(turn: int, named: Named | None = None) -> Reading:
    return reading_of(named) if named else Reading()


async def nothing(turn: int) -> None:
    pass


async def hang(turn: int, named: Named | None = None) -> None:
    await asyncio.Event().wait()


def reading_of(named: Named, value: float = 212.4) -> Reading:
    sample = Sample(POWER, f"{named.name}/outlet", value, named.clock.now_ms())
    return Reading(Columns.of([sample], hold_ms=named.hold_ms))


def fake(
    name: str = "meter",
    *,
    opening: Callable[[int], Awaitable[None]] = nothing,
    reading: Callable[[int, Named], Awaitable[Any]] = well,
    closing: Callable[[int], Awaitable[None]] = nothing,
    interval: timedelta = 2 * MS,
    timeout: timedelta = 50 * MS,
    config: Config | None = None,
    enabled: bool = True,
) -> tuple[Configured, Script]:
    script = Script(opening, reading, closing)
    kind = SourceKind("fake", "Fake", Config, (POWER,), interval, timeout, script.open)
    return Configured(name, kind, config or Config(), interval, timeout, enabled), script


class Watched:
    """A runner, and everything it published and told."""

    def __init__(
        self,
        clock: Clock,
        *,
        refuse: Callable[[], bool] = lambda: False,
        patience: Patience = HURRIED,
    ) -> None:
        self.published: list[tuple[Columns, tuple[Snapshot, ...]]] = []
        self.runs: list[Run] = []
        self._refuse = refuse
        self._news = asyncio.Event()
        self.runner = Runner(self._publish, clock, self._told, patience=patience, seed=1)

    def _publish(self, samples: Columns, snapshots: tuple[Snapshot, ...]) -> None:
        if self._refuse():
            raise OSError("journal is full")
        self.published.append((samples, snapshots))

    def _told(self, run: Run) -> None:
        self.runs.append(run)
        self._news.set()

    @asynccontextmanager
    async def tending(self, sources: Sequence[Configured]) -> AsyncIterator[None]:
        task = asyncio.create_task(self.runner.run(sources))
        await asyncio.sleep(0)  # it has begun
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), DEADLINE_S)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until it is true, looking again after each run."""

        async def heard() -> bool:
            if not true():
                self._news.clear()
                await self._news.wait()
            return true()

        await patience.until(heard, patience.words(true), every_s=0)

    def outcomes(self, source: str) -> list[Outcome]:
        return [run.outcome for run in self.runs if run.source == source]

    def good(self, source: str) -> int:
        return self.outcomes(source).count(Outcome.GOOD)

    async def until_good(self, source: str, times: int = 1) -> None:
        more = self.good(source) + times
        await self.until(lambda: self.good(source) >= more)

    def state(self, source: str) -> SourceState:
        return next(state for state in self.runner.states() if state.name == source)
