"""Every source read once."""

import asyncio
from collections.abc import Sequence

from meterhouse.metering.clock import Clock
from meterhouse.sources import Configured
from meterhouse.sources.runner import Run, Runner
from meterhouse.web.services.gathering import Publish


async def read_once(sources: Sequence[Configured], publish: Publish, clock: Clock) -> list[Run]:
    """Read all at the same time; one that fails is a run with an error, never an exception."""
    runner = Runner(publish, clock, None)
    return list(await asyncio.gather(*(runner.once(source) for source in sources)))
