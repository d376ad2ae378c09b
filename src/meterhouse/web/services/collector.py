"""The collector reads the configured sources and hands what they bring to the bus.

It goes on reading while the database does not answer: the journal keeps what it reads.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.db import close_old_connections

from meterhouse.metering.clock import Clock
from meterhouse.sources import Configured
from meterhouse.sources.runner import Run, Runner, SourceState
from meterhouse.station.gathering import Gathering, Publish
from meterhouse.web import sourcebook

log = logging.getLogger(__name__)

LOOK_S = 2.0
MOST_RUNS = 10_000  # that wait to be written down while the database does not answer


@dataclass
class Collector:
    """Runs the sources that the source book names, and follows its changes.

    publish:  journals and sends one batch; raises OSError while it cannot
    look_s:   seconds between two looks at the source book
    memory:   the folder of what sources remember over a restart
    """

    publish: Publish
    clock: Clock
    look_s: float = LOOK_S
    memory: Path | None = None
    _runs: list[Run] = field(default_factory=list)
    _troubles: set[str] = field(default_factory=set)
    _quiet: dict[str, int] = field(default_factory=dict)
    _stamp: sourcebook.Stamp | None = None  # of the sources that are read

    def __post_init__(self) -> None:
        # Not of one run: what waits to be published outlives a collector that starts again.
        self._gathering = Gathering(self.publish)

    @property
    def refused(self) -> int:
        """Readings that were dropped because no reader of the bus would accept them."""
        return self._gathering.refused

    @property
    def trouble(self) -> str:
        """Why what is read cannot be kept at present; "" while it can."""
        return self._gathering.trouble

    async def run(self) -> None:
        """Collect until this is cancelled; what was read by then is published."""
        runner = Runner(self._gathering.add, self.clock, self._runs.append, memory=self.memory)
        sources, _ = await asyncio.to_thread(_configured)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(runner.run(sources))
                group.create_task(self._gathering.keep_flushing())
                group.create_task(self._look(runner))
        finally:
            self._gathering.flush()  # what sources brought while they were stopped

    async def _look(self, runner: Runner) -> None:
        """Note how the sources do where the pages look, and follow changes of the source book."""
        while True:
            await asyncio.sleep(self.look_s)
            await self._attempt("cannot note how the sources do", self._note, runner)
            await self._attempt("cannot read which sources there are", self._follow, runner)

    async def _note(self, runner: Runner) -> None:
        runs = self._runs[-MOST_RUNS:]
        self._runs.clear()
        try:
            self._quiet = await asyncio.to_thread(_noted, runs, runner.states(), self._quiet)
        except Exception:
            self._runs[:0] = runs
            raise

    async def _follow(self, runner: Runner) -> None:
        stamp = await asyncio.to_thread(_stamp)
        if stamp != self._stamp:
            sources, flaws = await asyncio.to_thread(_configured)
            runner.change(sources)
            self._stamp = None if flaws else stamp  # a flaw may be mended elsewhere: a key

    async def _attempt(
        self, what: str, act: Callable[[Runner], Awaitable[None]], on: Runner
    ) -> None:
        """Whatever goes wrong is said once and tried again at the next look: reading goes on."""
        try:
            await act(on)
        except Exception as error:  # noqa: BLE001
            if what not in self._troubles:
                log.error("%s, and goes on reading: %s", what, error)  # noqa: TRY400
            self._troubles.add(what)
        else:
            self._troubles.discard(what)


def _noted(
    runs: Sequence[Run], states: Sequence[SourceState], quiet: Mapping[str, int]
) -> dict[str, int]:
    """Note it; returns what ``quiet`` is from now on, if all could be written."""
    close_old_connections()  # a database that was away has left this thread a dead one
    after = dict(quiet)
    sourcebook.note(runs, states, after)
    return after


def _stamp() -> sourcebook.Stamp:
    close_old_connections()
    return sourcebook.stamp()


def _configured() -> tuple[list[Configured], Mapping[str, str]]:
    close_old_connections()
    sources, flaws = sourcebook.usable()
    sourcebook.note_flaws(flaws)
    return sources, flaws
