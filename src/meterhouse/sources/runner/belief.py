"""What a reading must be to be believed, so that one source's nonsense goes no further.

A number that cannot be is dropped and counted by its reason, and the rest of its reading is kept.
A reading that is no reading at all, or of another time, is dropped as a whole.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from meterhouse.metering.errors import BadReading
from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.metering.samples import Columns, Series
from meterhouse.metering.snapshots import Snapshot
from meterhouse.sources import Limits, Reading, lacks
from meterhouse.sources.runner.falls import Falls

FUTURE_MS = 60 * 60 * 1000  # a device's clock may be ahead by so much
MOST_REMEMBERED = 16  # tuples of series of one source; drivers come with one or two
LARGEST = np.finfo(np.float64).max

NOT_A_NUMBER = "not a number"
NEGATIVE = "negative"
ABOVE = "above its limit"
NEVER_NEGATIVE = frozenset({POWER.name, ENERGY.name})


class Bounds(NamedTuple):
    """Between which two numbers each series lies; the tuple is held, so its id stays its own."""

    series: tuple[Series, ...]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    falls: Falls


class Belief:
    """Checks what the source called ``name`` reads."""

    def __init__(self, name: str, limits: Limits) -> None:
        self._name, self._limits = name, limits
        self._bounds: dict[int, Bounds] = {}

    def check(self, reading: object, now_ms: int) -> Reading:
        """Return what can be believed of a reading; what cannot is counted in its ``refused``.

        Raises BadReading if nothing of it can be, TypeError if the source's code returned
        something else than a reading.
        """
        if not isinstance(reading, Reading):
            raise TypeError(f"read() returned {type(reading).__name__}, not a Reading")
        _check_snapshots(reading.snapshots, self._name, now_ms)
        if not len(reading.samples):
            return reading
        samples, refused, lacking = self._believed(reading.samples, now_ms)
        if not refused:
            return reading
        refused += Counter(reading.refused)
        return replace(
            reading, samples=samples, refused=refused, lacking=(*reading.lacking, *lacking)
        )

    def _believed(
        self, samples: Columns, now_ms: int
    ) -> tuple[Columns, Counter[str], tuple[str, ...]]:
        if samples.key.max() >= len(samples.series):
            raise BadReading("a sample belongs to no series")
        if samples.at.min() <= 0 or samples.at.max() > now_ms + FUTURE_MS:
            raise BadReading("a sample's time is not of this world; is the device's clock right?")
        bounds, value = self._bounds_of(samples.series), samples.value
        fell = bounds.falls.count(samples)
        above_lowest = value >= bounds.lowest[samples.key]
        good = above_lowest & (
            value <= bounds.highest[samples.key]
        )  # what is no number is neither
        if good.all():
            return samples, fell, ()
        finite = np.isfinite(value)
        why = {
            NOT_A_NUMBER: ~finite,
            NEGATIVE: finite & ~above_lowest,
            ABOVE: finite & above_lowest & ~good,
        }
        counts = {reason: int(np.count_nonzero(which)) for reason, which in why.items()}
        kept = Columns(samples.series, samples.key[good], samples.at[good], value[good])
        return kept, fell + Counter(counts), lacks(self._named(samples, why))

    def _named(
        self, samples: Columns, why: Mapping[str, NDArray[np.bool_]]
    ) -> Iterator[tuple[str, str]]:
        """What is not believed of which resource, each once."""
        for reason, which in why.items():
            for key in np.unique(samples.key[which]).tolist():
                series = samples.series[key]
                yield f"{series.meter} {reason}", series.resource.removeprefix(f"{self._name}/")

    def _bounds_of(self, series: tuple[Series, ...]) -> Bounds:
        """Worked out once for each tuple of series, by its identity: hashing it costs as much."""
        found = self._bounds.get(id(series))
        if found is None:
            if len(self._bounds) >= MOST_REMEMBERED:
                self._bounds.clear()
            found = self._bounds[id(series)] = self._made(series)
        return found

    def _made(self, series: tuple[Series, ...]) -> Bounds:
        lowest = [0.0 if each.meter in NEVER_NEGATIVE else -LARGEST for each in series]
        highest = [self._highest(each) for each in series]
        falls = Falls(series, np.array([self._watts(each) for each in series], np.float64))
        return Bounds(series, np.array(lowest, np.float64), np.array(highest, np.float64), falls)

    def _highest(self, series: Series) -> float:
        return self._watts(series) if series.meter == POWER.name else float(LARGEST)

    def _watts(self, series: Series) -> float:
        """What the probe of a series can draw."""
        return self._limits.of(series.resource.removeprefix(f"{self._name}/"))


def nothing_believed(reading: Reading) -> BadReading | None:
    """The error of a reading that has no usable number, though some were asked for or said."""
    if len(reading.samples) or not (reading.lacking or any(reading.refused.values())):
        return None
    many = ", ".join(f"{count} {reason}" for reason, count in sorted(reading.refused.items()))
    what = f"no number that was read can be believed: {many}" if many else "no number is said"
    return BadReading("; ".join((what, *reading.lacking)))


def _check_snapshots(snapshots: Iterable[Snapshot], name: str, now_ms: int) -> None:
    for snapshot in snapshots:
        if snapshot.source != name:
            raise BadReading(f"a snapshot is {snapshot.source!r}'s instead of {name!r}'s")
        if not 0 < snapshot.at_ms <= now_ms + FUTURE_MS:
            raise BadReading("a snapshot's time is not of this world")
