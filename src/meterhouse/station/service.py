"""A service runs for ever; one that fails is started again, and everybody can see that it did."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from meterhouse.metering.clock import Clock
from meterhouse.metering.errors import Mistake

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
WELL_MS = 3_000  # after a failure: it ran for so long, so it may go on


@dataclass
class Health:
    """What one service is doing, for /healthz and the doctor.

    status:    "starting", "running", "failed" (will be started again) or "stopped"
    since_ms:  since when, milliseconds since 1970
    failures:  how often it failed since the process started
    error:     the last failure, one line
    """

    name: str
    status: str = "starting"
    since_ms: int = 0
    failures: int = 0
    error: str = ""

    def is_well(self, now_ms: int) -> bool:
        """Whether it runs, and not only until it fails again as it did before."""
        if self.status == "running" and self.failures:
            return now_ms - self.since_ms >= WELL_MS
        return self.status != "failed"

    def become(self, status: str, clock: Clock, error: str = "") -> None:
        self.status, self.since_ms = status, clock.now_ms()
        self.error = error or self.error


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def refusal(error: Exception) -> str:
    """What the disk refuses, or somebody set up wrongly, in one line; "" for all else."""
    if isinstance(error, Mistake):
        return one_line(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return ""


async def keep_running(
    health: Health,
    run: Callable[[], Awaitable[None]],
    clock: Clock,
    refused_by: Callable[[Exception], str] = refusal,
) -> None:
    """Run a service; when it fails, say so and start it again, later each time.

    What the disk or the database refuses (``refused_by`` tells) is said in one line, and once
    until something else is refused or the service has run well. Cancelling this is how the
    service stops.
    """
    loop = asyncio.get_running_loop()
    pause, said = FIRST_PAUSE_S, ""
    while True:
        health.become("running", clock)
        began = loop.time()
        try:
            await run()
        except asyncio.CancelledError:
            health.become("stopped", clock)
            raise
        except Exception as error:
            if _is_being_stopped():
                health.become("stopped", clock)
                raise asyncio.CancelledError from error
            if loop.time() - began > LONGEST_PAUSE_S:
                pause, said = FIRST_PAUSE_S, ""
            cause = _cause(error)
            health.failures += 1
            health.become("failed", clock, f"{type(cause).__name__}: {one_line(cause)}")
            said = _say(health, error, refused_by(cause), said)
        else:
            health.become("stopped", clock)
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)


def _is_being_stopped() -> bool:
    """Whether this task was cancelled, also if cleaning up raised something else."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _say(health: Health, error: Exception, refused: str, before: str) -> str:
    """Log a failure, unless it is the refusal that was logged before; returns the refusal."""
    if not refused:
        log.error("%s failed", health.name, exc_info=error)
    elif refused != before:
        log.error("%s failed, and is tried again: %s", health.name, refused)
    return refused


def _cause(error: BaseException) -> Exception:
    """The first error inside groups of them: a group's own text says nothing."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, Exception) else RuntimeError(repr(error))
