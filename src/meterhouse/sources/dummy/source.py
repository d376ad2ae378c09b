"""Kwapi's Dummy wattmeter: a random number of watts from every probe, each second.

Source: Kwapi's drivers/dummy.py: per probe and second, w = a random whole number from min to max,
both included (75 and 100 unless set), v = 230.0, a = w / v.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.random import Generator, default_rng

from meterhouse.metering.meters import CURRENT, POWER, VOLTAGE
from meterhouse.metering.samples import Columns, Series
from meterhouse.metering.snapshots import Resource
from meterhouse.sources import Listing, Named, Reading, Source, SourceKind, unnameable

METERS = (POWER, VOLTAGE, CURRENT)
VOLTS = 230.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The probes there should be.

    probes:   their names, or how many: then they are called 1, 2, 3, ...
    min, max: bounds of what each draws, in whole watts, both included
    project:  whose the outlets are, by the project's id; "" leaves it to an ownership rule
    seed:     makes the watts repeatable
    """

    probes: tuple[str, ...] | int
    min: int = 75
    max: int = 100
    project: str = ""
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.min <= self.max:
            raise ValueError("min and max: 0 <= min <= max is needed")
        if not self.names or len(set(self.names)) < len(self.names) or not all(self.names):
            raise ValueError("probes: at least one name, each once, or a number above 0")
        for name in self.names:  # Kwapi's own names: several nodes are joined by "+"
            if flaw := unnameable(name.replace("+", "")):
                raise ValueError(f"probes: {name!r}: {flaw}")

    @property
    def names(self) -> tuple[str, ...]:
        if isinstance(self.probes, int):
            return tuple(str(number + 1) for number in range(self.probes))
        return self.probes


class Dummy:
    """All probes, read together as columns."""

    def __init__(self, config: Config, named: Named) -> None:
        self._config, self._named = config, named
        self._chance: Generator = default_rng(config.seed)
        self._outlets = [_outlet(named.name, probe, config.project) for probe in config.names]
        self._series = _series(self._outlets, named.hold_ms)
        self._key = np.arange(len(self._series), dtype=np.uint32)
        self._listing = Listing(named.name, "outlet")

    async def read(self) -> Reading:
        at_ms = self._named.clock.now_ms()
        low, high, probes = self._config.min, self._config.max, len(self._outlets)
        watts = self._chance.integers(low, high, probes, endpoint=True).astype(np.float64)
        value = np.concatenate([watts, np.full(probes, VOLTS), watts / VOLTS])
        at = np.full(len(value), at_ms, np.int64)
        samples = Columns(self._series, self._key, at, value)
        return Reading(samples, self._listing.of(self._outlets, at_ms))


def _outlet(source: str, probe: str, project: str) -> Resource:
    return Resource(id=f"{source}/{probe}", kind="outlet", name=probe, project=project)


def _series(outlets: Sequence[Resource], hold_ms: int) -> tuple[Series, ...]:
    """A series per meter and probe: first every probe's power, then voltage, then current."""
    return tuple(Series(outlet.id, meter.name, hold_ms) for meter in METERS for outlet in outlets)


@asynccontextmanager
async def open_dummy(config: Config, named: Named) -> AsyncIterator[Source]:
    yield Dummy(config, named)


SOURCE = SourceKind(
    name="dummy",
    title="Dummy wattmeter",
    config=Config,
    meters=METERS,
    interval=timedelta(seconds=1),
    timeout=timedelta(seconds=5),
    open=open_dummy,
)
