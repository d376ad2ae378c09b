"""The keeper seals heads into blocks and throws away what is older than its retention."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from meterhouse.metering.clock import Clock

log = logging.getLogger(__name__)

SEAL_EVERY = timedelta(seconds=60)
PRUNE_EVERY = timedelta(hours=1)


async def keep_house(
    seal: Callable[[int], None], prune: Callable[[int], None], clock: Clock
) -> None:
    """Seal every minute and prune every hour, until this is cancelled.

    seal, prune:  take the present moment (milliseconds since 1970) and may block
    """
    next_prune = clock.now()
    while True:
        await asyncio.to_thread(seal, clock.now_ms())
        if clock.now() >= next_prune:
            await asyncio.to_thread(prune, clock.now_ms())
            next_prune = clock.now() + PRUNE_EVERY
        await asyncio.sleep(SEAL_EVERY.total_seconds())
