"""Falls of energy counters that are no restart, counted where a probe's limit is known.

The numbers are kept: what a counter says next decides what a fall was (docs/energy.md).
"""

from collections import Counter

import numpy as np

from meterhouse.metering.meters import ENERGY
from meterhouse.metering.samples import Columns, Series

FELL = "counter fell, and did not begin from zero"


class Falls:
    """What each counter of one tuple of series said last.

    most: float64[n], of each series how many watts its probe can draw
    """

    def __init__(
        self, series: tuple[Series, ...], most: "np.ndarray[tuple[int], np.dtype[np.float64]]"
    ) -> None:
        self._counts = np.array([each.meter == ENERGY.name for each in series], np.bool_)
        self._most = most
        self._at = np.zeros(len(series), np.int64)
        self._value = np.full(len(series), np.nan)

    def count(self, samples: Columns) -> Counter[str]:
        """How many of these samples fell to more than could be drawn since the last."""
        rows = np.flatnonzero(self._counts[samples.key])
        if not len(rows):
            return Counter()
        key, at, value = samples.key[rows], samples.at[rows], samples.value[rows]
        passed = at - self._at[key]
        fell = (passed > 0) & (value < self._value[key])
        fell &= value > self._most[key] / 1000 * passed
        self._at[key], self._value[key] = at, value
        return +Counter({FELL: int(np.count_nonzero(fell))})
