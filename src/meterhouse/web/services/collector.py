"""The collector reads the configured sources and hands what they bring to the bus."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from meterhouse.metering.clock import Clock
from meterhouse.sources import Configured
from meterhouse.sources.runner import Run, Runner, SourceState
from meterhouse.web import sourcebook
from meterhouse.web.services.gathering import Gathering, Publish

log = logging.getLogger(__name__)

GATHER_S = 0.2
LOOK_S = 2.0


@dataclass
class Collector:
    """Runs the sources that the source book names, and follows its changes.

    publish:  journals and sends one batch; raises OSError while it cannot
    """

    publish: Publish
    clock: Clock
    _runs: list[Run] = field(default_factory=list)

    async def run(self) -> None:
        """Collect until this is cancelled; what was read by then is published."""
        gathering = Gathering(self.publish)
        runner = Runner(gathering.add, self.clock, self._runs.append)
        sources = await asyncio.to_thread(sourcebook.configured)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(runner.run(sources))
                group.create_task(self._flush(gathering))
                group.create_task(self._look(runner))
        finally:
            gathering.flush()

    async def _flush(self, gathering: Gathering) -> None:
        failing = False
        while True:
            await asyncio.sleep(GATHER_S)
            try:
                gathering.flush()
            except OSError as error:
                if not failing:
                    log.error("cannot write the journal, readings wait", extra={"error": error})  # noqa: TRY400
                failing = True
            else:
                failing = False

    async def _look(self, runner: Runner) -> None:
        """Note how the sources do where the pages look, and follow changes of the source book."""
        while True:
            await asyncio.sleep(LOOK_S)
            runs, self._runs = self._runs, []
            changed = await asyncio.to_thread(_noted, runs, runner.states())
            runner.change(changed)


def _noted(runs: Sequence[Run], states: Sequence[SourceState]) -> list[Configured]:
    sourcebook.note(runs, states)
    return sourcebook.configured()
