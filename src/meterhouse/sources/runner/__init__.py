"""Tends every source, so that no source has to: when to read, how long to wait, what to count.

One bad source never stops another. Each lives in a task of its own; whatever it raises is logged
once, counted, shown and answered by trying again, also if it could not even be opened at first.
What takes too long is cancelled. A source that swallows that is shown as stuck and not run twice;
it goes on when it comes back. What cannot be cut is code that blocks the event loop itself: a
source does such work through ``Named.blocking``, in a thread of its own; one that does not is
found, named and counted.
"""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from meterhouse.metering.clock import Clock
from meterhouse.metering.errors import Mistake
from meterhouse.sources import Configured
from meterhouse.sources.runner.patience import Patience
from meterhouse.sources.runner.records import Outcome, Run, SourceState, Status
from meterhouse.sources.runner.standing import OnRun
from meterhouse.sources.runner.tended import Publish, Surroundings, Tended
from meterhouse.sources.runner.watch import Watch

__all__ = ["Outcome", "Patience", "Run", "Runner", "SourceState", "Status"]

log = logging.getLogger(__name__)


class Runner:
    """Reads sources and publishes what they say.

    publish: called in the event loop with each reading that is not empty; if it raises, the
             source's run has failed, and the same reading is published again after a pause
    on_run:  told of every run, in the event loop: it should be quick; what it raises is logged
    memory:  the folder of what sources remember over a restart; None: nothing
    seed:    makes the jitter repeatable
    """

    def __init__(
        self,
        publish: Publish,
        clock: Clock,
        on_run: OnRun | None = None,
        *,
        patience: Patience | None = None,
        memory: Path | None = None,
        seed: int | None = None,
    ) -> None:
        self._patience = patience or Patience()
        chance = Random(seed)  # noqa: S311 - jitter needs no secrecy
        told = on_run or (lambda run: None)
        self._around = Surroundings(publish, clock, told, self._patience, chance, memory)
        self._tended: dict[str, tuple[Tended, asyncio.Task[None] | None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def run(self, sources: Sequence[Configured]) -> None:
        """Tend these sources until cancelled, then close them all."""
        self.change(sources)
        look_s = self._patience.look.total_seconds()
        try:
            with Watch(look_s, self._patience.held.total_seconds(), self._held_up):
                while True:
                    await asyncio.sleep(look_s)
                    self._look()
        finally:
            await self._stop()

    def change(self, sources: Sequence[Configured]) -> None:
        """Tend these sources from now on; those that are as before notice nothing.

        Called in the event loop, while ``run`` runs. Raises Mistake if two have one name.
        """
        wanted = {configured.name: configured for configured in sources}
        if len(wanted) < len(sources):
            raise Mistake("two sources have the same name")
        before = {name: tended.configured for name, (tended, _) in self._tended.items()}
        gone = [name for name, configured in before.items() if wanted.get(name) != configured]
        closing = {name: self._dismiss(name) for name in gone}
        for name, configured in wanted.items():
            if name not in self._tended:
                self._tend(configured, after=closing.get(name))

    def states(self) -> list[SourceState]:
        """How each source is doing, by name."""
        return [self._tended[name][0].standing.state() for name in sorted(self._tended)]

    async def once(self, configured: Configured) -> Run:
        """Open a source, read it once, publish, close it; the run says how that went."""
        return await Tended(configured, self._around).once()

    def _tend(self, configured: Configured, *, after: asyncio.Task[None] | None) -> None:
        tended = Tended(configured, self._around)
        task = None
        if configured.enabled:
            task = asyncio.create_task(self._live(tended, after), name=f"source {configured.name}")
        self._tended[configured.name] = tended, task

    async def _live(self, tended: Tended, after: asyncio.Task[None] | None) -> None:
        """Let a source live once its predecessor, which may hold the same device, has closed."""
        if after is not None:
            limit = tended.configured.timeout + self._patience.grace
            await asyncio.wait([after], timeout=limit.total_seconds())
        await tended.live()

    def _dismiss(self, name: str) -> asyncio.Task[None] | None:
        _, task = self._tended.pop(name)
        if task is not None:
            task.cancel()
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)
        return task

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        for tended, _ in self._tended.values():
            tended.look(now)

    def _held_up(self, by: "asyncio.Task[Any] | None", place: str) -> None:
        """Name who blocks the event loop. Called from another thread, while it does."""
        for tended, task in list(self._tended.values()):
            if task is by and task is not None:
                tended.standing.held_up(place)
                return
        what = by.get_name() if by else "what is no task"
        log.error("the event loop is held up", extra={"by": what, "place": place})

    async def _stop(self) -> None:
        limits = [tended.configured.timeout for tended, _ in self._tended.values()]
        for name in list(self._tended):
            self._dismiss(name)
        if self._leaving:
            limit = max(limits, default=self._patience.grace) + self._patience.grace
            _, left = await asyncio.wait(self._leaving, timeout=limit.total_seconds())
            for task in left:
                log.error("%s does not stop and is left", task.get_name())
