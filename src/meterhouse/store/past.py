"""A level that was known over stretches of time, laid into buckets. Pure arithmetic.

That is how other programs keep what they measured: not as readings, but as means of so many
seconds each.
"""

from dataclasses import dataclass, replace

import numpy as np

from meterhouse.store.folding import Floats, Ints, Rows, nothing


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """Columns of n stretches, oldest first, none overlapping; between them nothing is known.

    start_ms, end_ms: int64[n], half-open, milliseconds since 1970
    step_ms:          int64[n], of how much time each was made the mean; it may have been cut since
    value:            float64[n], in the meter's unit
    """

    start_ms: Ints
    end_ms: Ints
    step_ms: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.value)

    @property
    def covered_ms(self) -> int:
        return int((self.end_ms - self.start_ms).sum())

    def within(self, start_ms: int, end_ms: int) -> "Past":
        """What lies between two moments; stretches that cross one are cut."""
        start, end = np.maximum(self.start_ms, start_ms), np.minimum(self.end_ms, end_ms)
        some = start < end
        return Past(start[some], end[some], self.step_ms[some], self.value[some])


def laid(past: Past, edges: Ints) -> Rows:
    """A bucket between each two edges, with what is known in it. It has no readings of its own."""
    points = np.unique(np.concatenate((past.start_ms, past.end_ms, edges)))
    starts, ends = points[:-1], points[1:]
    stretch = np.searchsorted(past.start_ms, starts, side="right") - 1
    bucket = np.searchsorted(edges, starts, side="right") - 1
    some = (stretch >= 0) & (bucket >= 0) & (bucket < len(edges) - 1)
    some[some] = ends[some] <= past.end_ms[stretch[some]]
    length, value, bucket = (ends - starts)[some], past.value[stretch[some]], bucket[some]
    rows = nothing(edges)
    np.fmin.at(rows.minimum, bucket, value)
    np.fmax.at(rows.maximum, bucket, value)
    return replace(
        rows,
        integral=np.bincount(bucket, value * length, len(rows)) / 1000,
        covered_ms=np.bincount(bucket, length, len(rows)).astype(np.int64),
    )


def as_readings(past: Past, start_ms: int, end_ms: int, hold_ms: int) -> tuple[Ints, Floats]:
    """Readings that stand for what is known between two moments: each for one hold, no longer.

    Steps of a hold are counted back from the end. One that is not known from end to end is left
    out: a reading would stand for the unknown part too.
    """
    steps = max(end_ms - start_ms, 0) // hold_ms
    edges = end_ms - hold_ms * np.arange(steps, -1, -1, dtype=np.int64)
    rows = laid(past, edges)
    whole = rows.covered_ms == hold_ms
    return rows.start[whole], rows.integral[whole] * 1000 / hold_ms
