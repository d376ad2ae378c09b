"""One source's life: opened, read, published, and when something goes wrong, tried again."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

from meterhouse.metering.clock import Clock
from meterhouse.metering.errors import BadReading, Unreachable
from meterhouse.metering.samples import Columns
from meterhouse.metering.snapshots import Snapshot
from meterhouse.sources import Configured, Reading, Source
from meterhouse.sources.runner.belief import Belief, nothing_believed
from meterhouse.sources.runner.errors import Unpublished
from meterhouse.sources.runner.flood import TOO_MANY, Allowance
from meterhouse.sources.runner.patience import Patience, Rhythm
from meterhouse.sources.runner.records import Outcome, Run, Status
from meterhouse.sources.runner.standing import OnRun, Standing

T = TypeVar("T")
Publish = Callable[[Columns, tuple[Snapshot, ...]], None]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all sources of a runner share."""

    publish: Publish
    clock: Clock
    on_run: OnRun
    patience: Patience
    chance: Random
    memory: Path | None = None


class Tended:
    """A source that is looked after."""

    def __init__(self, configured: Configured, around: Surroundings) -> None:
        self.configured = configured
        self.standing = Standing(configured, around.clock, around.on_run)
        self._around = around
        self._named = configured.named(around.clock, around.memory)
        self._belief = Belief(configured.name, configured.limits)
        self._allowance = Allowance()
        self._rhythm = Rhythm(configured.interval, around.chance)
        self._limit = configured.timeout.total_seconds()
        self._deadline: float | None = None  # of the step under way, in the loop's seconds
        self._failures = 0  # in a row; a bad reading is none
        self._bad_readings = 0  # in a row

    async def live(self) -> None:
        """Read for ever. Whatever the source does, only cancelling this ends it."""
        while not _is_cancelled():
            try:
                await self._open_and_read_on()
            except BaseException as error:  # noqa: BLE001 - _let_out decides
                _let_out(error)
                self._failures += 1
                self.standing.failed(_outcome(error), error)
            await self._back_off(self._failures)
            self.standing.reopenings += 1

    async def once(self) -> Run:
        """Open, read once, publish, close. Raises nothing: the run says how it went."""
        self.standing.begin()
        try:
            async with self._opened() as source:
                reading = await self._read(source)
                self._publish(reading)
        except BaseException as error:  # noqa: BLE001 - _let_out decides
            _let_out(error)
            return self.standing.failed(_outcome(error), error)
        if flaw := nothing_believed(reading):
            return self.standing.bad(flaw, reading.refused)
        return self.standing.good(reading)

    def look(self, now: float) -> None:
        """Note it if the source did not stop when its time was over (``now``: the loop's)."""
        late = now - self._around.patience.grace.total_seconds()
        if self._deadline is None or late < self._deadline:
            return
        if self.standing.status is not Status.STUCK:
            self.standing.stuck(Unreachable("its time is over, and it does not stop"))

    async def _open_and_read_on(self) -> None:
        self.standing.begin()
        async with self._opened() as source:
            while not _is_cancelled():
                await self._run(source)
                now = asyncio.get_running_loop().time()
                await self._pause(self._rhythm.after(now) - now)
                self.standing.begin()

    async def _run(self, source: Source) -> None:
        """Read and publish once. Raises what went wrong if the source should be opened again."""
        try:
            reading = await self._read(source)
        except BadReading as error:
            self._bad(error)
            return
        await self._publish_until_it_works(reading)
        if flaw := nothing_believed(reading):
            self._bad(flaw, reading.refused)
            return
        self._failures = self._bad_readings = 0
        self.standing.good(reading)

    def _bad(self, error: BadReading, refused: Mapping[str, int] | None = None) -> None:
        """Count a bad reading. Raises Unreachable after some in a row."""
        self.standing.bad(error, refused)
        self._bad_readings += 1
        if self._bad_readings % self._around.patience.bad_in_a_row == 0:
            many = f"{self._bad_readings} bad readings in a row, the last: {error}"
            raise Unreachable(many) from error

    async def _read(self, source: Source) -> Reading:
        reading = await self._within("reading", source.read())
        reading = self._belief.check(reading, self._around.clock.now_ms())
        many = len(reading.samples)
        if self._allowance.takes(many, asyncio.get_running_loop().time()):
            return reading
        refused = Counter(reading.refused) + Counter({TOO_MANY: many})
        return replace(reading, samples=Columns(), refused=refused)

    async def _publish_until_it_works(self, reading: Reading) -> None:
        """Publish; while that fails, keep the reading and try again, so that nothing is lost."""
        tries = 0
        try:
            while not self._published(reading):
                tries += 1
                await self._back_off(tries)
        except asyncio.CancelledError:
            self.standing.lose(reading)
            raise

    def _published(self, reading: Reading) -> bool:
        try:
            self._publish(reading)
        except Unpublished as error:
            self.standing.failed(Outcome.UNPUBLISHED, error)
            return False
        return True

    def _publish(self, reading: Reading) -> None:
        if not len(reading.samples) and not reading.snapshots:
            return
        try:
            self._around.publish(reading.samples, reading.snapshots)
        except Exception as error:
            raise Unpublished(f"could not publish: {type(error).__name__}: {error}") from error

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Source]:
        """Open and close, each in its time. Closing badly never hides why it was closed."""
        manager = self.configured.kind.open(self.configured.config, self._named)
        source = await self._within("opening", manager.__aenter__())
        try:
            yield source
        except BaseException as error:
            try:
                close = manager.__aexit__(type(error), error, error.__traceback__)
                await self._within("closing", close)
            except BaseException as second:  # noqa: BLE001 - what went wrong first is raised
                if second is not error:
                    self.standing.closed_badly(second)
            raise
        else:
            await self._within("closing", manager.__aexit__(None, None, None))

    async def _within(self, what: str, step: Awaitable[T]) -> T:
        """Await a step of the source's own code. Raises Unreachable when its time is over."""
        timer = asyncio.timeout(self._limit)
        self._deadline = asyncio.get_running_loop().time() + self._limit
        try:
            async with timer:
                return await step
        except TimeoutError as error:
            if timer.expired():
                raise Unreachable(
                    f"{what} took longer than {self._limit:g} s (`timeout`)"
                ) from error
            raise
        finally:
            self._deadline = None

    async def _back_off(self, failures: int) -> None:
        await self._pause(self._around.patience.pause(failures, self._around.chance))

    async def _pause(self, seconds: float) -> None:
        self.standing.next_run = self._around.clock.now() + timedelta(seconds=seconds)
        await asyncio.sleep(seconds)


def _is_cancelled() -> bool:
    """Whether somebody asked this task to end, even if the source swallowed that."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _let_out(error: BaseException) -> None:
    """Raise what must not be taken for the source's failure: that somebody stops it, or all.

    All else is the source's own: also SystemExit, from a library that calls ``sys.exit``, and
    CancelledError, let out of a task the source cancelled itself.
    """
    if isinstance(error, KeyboardInterrupt):
        raise error
    if _is_cancelled():
        raise asyncio.CancelledError from error


def _outcome(error: BaseException) -> Outcome:
    match error:
        case Unreachable():
            return Outcome.UNREACHABLE
        case BadReading():
            return Outcome.BAD
        case Unpublished():
            return Outcome.UNPUBLISHED
        case _:
            return Outcome.FAILED
