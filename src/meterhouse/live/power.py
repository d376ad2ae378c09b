"""What many probes drew over one period: a table of watts, and what it comes to for each.

One table answers the graph, its legend, its CSV and its picture, so they never disagree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from meterhouse.live.probes import Probe
from meterhouse.metering.meters import POWER
from meterhouse.metering.periods import Period
from meterhouse.store import bulk
from meterhouse.store.bulk import Levels
from meterhouse.store.folding import edges
from meterhouse.store.reading import Integrals

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Watts = NDArray[np.float32]
Stretch = tuple[int, int]

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """A probe and when it may be seen (milliseconds since 1970, half-open, in order)."""

    probe: Probe
    stretches: tuple[Stretch, ...]

    def within(self, period: Period) -> "Seen":
        """The same with its stretches cut to a period."""
        cut = (
            (max(start, period.start_ms), min(end, period.end_ms)) for start, end in self.stretches
        )
        return Seen(self.probe, tuple((start, end) for start, end in cut if start < end))


@dataclass(frozen=True, slots=True, eq=False)
class Power:
    """Columns by bucket (m) and by probe (n); NaN where nothing is known.

    start:      int64[m], milliseconds since 1970; the first is the period's start
    watts:      float32[n, m], the mean of what is known in a bucket
    minimum, maximum, average, last: float64[n]; the average weighted by time, the last a mean
    joules:     float64[n]
    covered_ms: int64[n], for how much of the period a reading stood
    parts:      the last two of each stretch of each probe, in their order
    """

    seen: tuple[Seen, ...]
    period: Period
    width: timedelta
    start: Ints
    watts: Watts
    minimum: Floats
    maximum: Floats
    average: Floats
    last: Floats
    joules: Floats
    covered_ms: Ints
    parts: Integrals

    def __len__(self) -> int:
        return len(self.seen)

    @property
    def total(self) -> Floats:
        """float64[m]: the sum of the probes of which something is known; NaN where of none."""
        known = np.isfinite(self.watts).any(axis=0)
        return np.where(known, np.nansum(self.watts, axis=0, dtype=np.float64), np.nan)

    @property
    def by_energy(self) -> Sequence[int]:
        """The probes' numbers, the one that used most first; of equals the older one."""
        found: list[int] = np.argsort(-self.joules, kind="stable").tolist()
        return found

    @property
    def bytes(self) -> int:
        return self.watts.nbytes + 64 * len(self)


def power(seen: Iterable[Seen], period: Period, width: timedelta, using: str = "default") -> Power:
    """Look at probes over a period, each only where it may be seen."""
    asked = tuple(one.within(period) for one in seen)
    start = edges(period.start_ms, period.end_ms, width // _MS)[:-1]
    spans = [
        (number, one.probe.resource, *stretch)
        for number, one in enumerate(asked)
        for stretch in one.stretches
    ]
    table = _Table(len(asked), start)
    found = bulk.levels([span[1:] for span in spans], POWER.name, width, using)
    for (number, *_), levels in zip(spans, found, strict=True):
        table.add(number, levels)
    return Power(asked, period, width, start, *table.columns(), table.parts)


class _Table:
    """Where the buckets of all probes are put into one grid."""

    def __init__(self, probes: int, start: Ints) -> None:
        self._start = start
        self._watts = np.full((probes, len(start)), np.nan, np.float32)
        self._low, self._high = np.full(probes, np.nan), np.full(probes, np.nan)
        self._last = np.full(probes, np.nan)
        self._joules, self._covered = np.zeros(probes), np.zeros(probes, np.int64)
        self._parts: list[tuple[float, int]] = []

    def add(self, number: int, levels: Levels) -> None:
        """Put one stretch of a probe into the grid. Two stretches never overlap."""
        self._parts.append((float(levels.integral.sum()), int(levels.covered_ms.sum())))
        known = np.flatnonzero(levels.covered_ms)
        if not len(known):
            return
        covered, integral = levels.covered_ms[known], levels.integral[known]
        mean = integral * 1000 / covered
        place = np.searchsorted(self._start, levels.start[known], side="right") - 1
        self._watts[number, place] = mean
        self._low[number] = np.fmin(self._low[number], levels.minimum[known].min())
        self._high[number] = np.fmax(self._high[number], levels.maximum[known].max())
        self._last[number] = mean[-1]
        self._joules[number] += self._parts[-1][0]
        self._covered[number] += self._parts[-1][1]

    @property
    def parts(self) -> Integrals:
        joules, covered = zip(*self._parts, strict=True) if self._parts else ((), ())
        return Integrals(np.array(joules, np.float64), np.array(covered, np.int64))

    def columns(self) -> tuple[Watts, Floats, Floats, Floats, Floats, Floats, Ints]:
        with np.errstate(divide="ignore", invalid="ignore"):
            average = self._joules * 1000 / self._covered
        ends = (self._low, self._high, average, self._last)
        return self._watts, *ends, self._joules, self._covered
