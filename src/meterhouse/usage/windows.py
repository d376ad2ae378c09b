"""Windows of time, mostly hours, and sums over them: how much of what lies in which window.

What comes when within a window is said by a course (course.py).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meterhouse.metering.periods import Period
from meterhouse.usage.stretches import Ints

Floats = NDArray[np.float64]
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """n windows between n + 1 edges (milliseconds since 1970, ascending)."""

    edges: Ints

    @classmethod
    def of(cls, period: Period, moments: Ints) -> "Windows":
        """Hours, cut at the period's ends and at the moments inside it."""
        start, end = period.start_ms, period.end_ms
        hours = np.arange(start // HOUR_MS * HOUR_MS + HOUR_MS, end, HOUR_MS, dtype=np.int64)
        inside = moments[(moments > start) & (moments < end)]
        return cls(np.unique(np.concatenate(([start], hours, inside, [end]))).astype(np.int64))

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def length(self) -> Ints:
        return np.diff(self.edges)

    def filled(self, row: Ints, weight: Ints, start_ms: Ints, end_ms: Ints, rows: int) -> Floats:
        """Weight x milliseconds of stretches in each window: float64[rows, n].

        row: which row each stretch counts in
        """
        edges, width = self.edges, len(self.edges)
        total = np.zeros((rows, width))
        for sign, moments in ((1, start_ms), (-1, end_ms)):
            place = row * width + np.minimum(np.searchsorted(edges, moments), width - 1)
            late = moments < edges[-1]
            size = rows * width
            since = moments - edges[0]
            many = np.bincount(place[late], weight[late] * sign, size).reshape(rows, width)
            begun = np.bincount(place[late], (weight * since * sign)[late], size)
            total += np.cumsum(many, axis=1) * (edges - edges[0]) - np.cumsum(
                begun.reshape(rows, width), axis=1
            )
        return np.diff(total, axis=1)


def ratio(part: Floats | Ints, whole: Floats | Ints) -> Floats:
    """Divide, and give 0 where there is nothing."""
    whole = np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def apportion(parts: Floats, group: Ints, totals: Ints) -> Ints:
    """Whole numbers near the parts that sum to the total of their group, by largest remainder.

    parts:  float64[n], none negative; those of a group sum to nearly its total
    group:  int64[n], index into totals
    """
    floor = np.floor(parts).astype(np.int64)
    order = np.lexsort((floor - parts, group))
    first = np.searchsorted(group[order], np.arange(len(totals)))
    missing = totals - np.bincount(group, floor, len(totals)).astype(np.int64)
    rank = np.empty(len(parts), np.int64)
    rank[order] = np.arange(len(parts)) - first[group[order]]
    size = np.bincount(group, minlength=len(totals))
    floor += rank < np.clip(missing, 0, size)[group]
    # Binary fractions can be out by more than that in huge groups: the largest part takes it.
    left = missing - np.clip(missing, 0, size)
    for each in np.flatnonzero((left != 0) & (size > 0)):
        mine = np.flatnonzero(group == each)
        floor[mine[np.argmax(floor[mine])]] += left[each]
    return floor
