"""Every source read once, recorded, and told in a line: for cron, Chef, or any scheduler."""

import asyncio
import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from meterhouse.metering.clock import Clock, SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.sources import Configured
from meterhouse.sources.runner import Outcome, Run, Runner
from meterhouse.station import logs
from meterhouse.station.gathering import Publish
from meterhouse.web import ready


@contextmanager
def _quiet(room: str) -> Iterator[None]:
    """Let only errors of a room be logged meanwhile."""
    logger = logging.getLogger(room)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def collect_once(data: Path, only: str | None) -> int:
    """Read each source once. Returns 1 if one failed, or is partly good; all else is recorded."""
    ready.require_current()
    from meterhouse.bus.journal import Journal  # noqa: PLC0415
    from meterhouse.inventory.keep import keep  # noqa: PLC0415 - models need Django
    from meterhouse.store.recorder import Recorder  # noqa: PLC0415
    from meterhouse.web import sourcebook  # noqa: PLC0415
    from meterhouse.web.services.delivery import Delivery  # noqa: PLC0415

    logs.to_standard_error()
    clock = SystemClock()
    usable, flaws = sourcebook.usable()
    if only in flaws:
        raise Mistake(flaws[only])
    wanted = chosen(usable, only)
    with Journal(data / "journal" / "once", f"{socket.gethostname()}/once", clock) as journal:
        delivery = Delivery(journal, Recorder(keep, clock=clock))
        with _quiet("meterhouse.sources.runner"):  # a source that fails has its line below
            runs = asyncio.run(read_once(wanted, delivery.publish, clock, data / "memory"))
        delivery.deliver()
    sourcebook.note(runs, [])
    for done in runs:
        print(line(done))
    for flaw in flaws.values() if only is None else ():
        print(flaw)
    good = all(done.outcome is Outcome.GOOD for done in runs)
    return 0 if good and not flaws else 1


async def read_once(
    sources: Sequence[Configured], publish: Publish, clock: Clock, memory: Path | None = None
) -> list[Run]:
    """Read all at the same time; one that fails is a run with an error, never an exception."""
    runner = Runner(publish, clock, None, memory=memory)
    return list(await asyncio.gather(*(runner.once(source) for source in sources)))


def chosen(sources: Sequence[Configured], name: str | None) -> list[Configured]:
    """The sources to read. Raises Mistake if there is none of that name, or none at all."""
    if name is None:
        enabled = [source for source in sources if source.enabled]
        if not enabled:
            raise Mistake("no source is enabled: declare one and run `meterhouse apply FILE.toml`")
        return enabled
    found = [source for source in sources if source.name == name]
    if not found:
        there = ", ".join(source.name for source in sources) or "none yet"
        raise Mistake(f"no source is called {name!r}; there are: {there}")
    return found


def line(done: Run) -> str:
    took = f"{done.took.total_seconds():.1f} s"
    brought = f"{done.samples} samples, {done.objects} objects"
    brought += f", {done.refused} refused" if done.refused else ""
    return f"{done.source}: {done.outcome} in {took}, {brought}" + (
        f": {done.error}" if done.error else ""
    )
