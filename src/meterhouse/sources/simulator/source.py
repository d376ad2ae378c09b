"""A simulated cloud, read like any other: each minute what exists, each second its meters."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from meterhouse.metering.meters import CPU_TIME, ENERGY, POWER
from meterhouse.metering.samples import Columns
from meterhouse.sources import Named, Reading, Source, SourceKind
from meterhouse.sources.simulator import history
from meterhouse.sources.simulator.cloud import Cloud


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Which cloud to make up.

    seed:         another seed is another cloud; the same seed is the same cloud, at any time
    list_every_s: seconds between two listings of what exists
    """

    seed: int = 1
    list_every_s: int = 60

    def __post_init__(self) -> None:
        if self.list_every_s < 1 or not 0 <= self.seed < 2**32:
            raise ValueError("list_every_s is at least 1, and seed from 0 to 4294967295")


class Simulator:
    """Lists everything at first and every minute, and reads every meter each time."""

    def __init__(self, config: Config, named: Named) -> None:
        self._cloud = Cloud(config.seed, named.name)
        self._every_ms, self._clock = config.list_every_s * 1000, named.clock
        self._listed_ms: int | None = None

    async def read(self) -> Reading:
        at_ms = self._clock.now_ms()
        power = self._cloud.power(np.array([at_ms], np.int64))
        if self._listed_ms is not None and 0 <= at_ms - self._listed_ms < self._every_ms:
            return Reading(power)
        self._listed_ms = at_ms
        samples = Columns.join([power, self._cloud.cpu_time(at_ms)])
        return Reading(samples, self._cloud.organization(at_ms) + self._cloud.machines(at_ms))


@asynccontextmanager
async def open_simulator(config: Config, named: Named) -> AsyncIterator[Source]:
    yield Simulator(config, named)


def past(
    config: Config, name: str, start: datetime, end: datetime, step: timedelta
) -> Iterator[Reading]:
    """What the source called ``name`` would have read before it was set up (see history)."""
    return history.history(Cloud(config.seed, name), start, end, step)


SOURCE = SourceKind(
    name="simulator",
    title="Simulated cloud",
    config=Config,
    meters=(POWER, ENERGY, CPU_TIME),
    interval=timedelta(seconds=1),
    timeout=timedelta(seconds=10),
    open=open_simulator,
)
