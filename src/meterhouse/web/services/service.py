"""A service runs for ever; one that fails is started again, and everybody can see that it did."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from meterhouse.metering.clock import Clock

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0


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

    def become(self, status: str, clock: Clock, error: str = "") -> None:
        self.status, self.since_ms = status, clock.now_ms()
        self.error = error or self.error


async def keep_running(health: Health, run: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Run a service; when it fails, say so once and start it again, later each time.

    Cancelling this is how the service stops.
    """
    pause = FIRST_PAUSE_S
    while True:
        health.become("running", clock)
        try:
            await run()
        except asyncio.CancelledError:
            health.become("stopped", clock)
            raise
        except Exception as error:
            health.failures += 1
            health.become("failed", clock, f"{type(error).__name__}: {error}")
            log.exception("service failed", extra={"service": health.name, "again_in_s": pause})
        else:
            health.become("stopped", clock)
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)
