"""When a source did not say what exists: what existed then is taken for granted, and said so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meterhouse.metering.periods import Period


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A stretch in which no snapshot of one source covers the objects of one kind.

    before_first: the source was not read yet at all; that is no gap, and worth a note
    """

    source: str
    kind: str
    period: Period
    before_first: bool = False


Silences = Mapping[tuple[str, str], "Silence"]
"""(source, kind) to when it was silent; those that never were are left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Silence:
    """When one source was silent about one kind.

    start, end: int64[n] milliseconds, in order, not overlapping
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]

    def within(self, start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
        """How much of each stretch start[i] .. end[i] was silent, in milliseconds."""
        return self._until(end) - self._until(start)

    def _until(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Silent milliseconds before each moment."""
        total = np.concatenate(([0], np.cumsum(self.end - self.start)))
        begun = np.searchsorted(self.start, at, side="right")
        last = np.maximum(begun - 1, 0)
        too_much = np.where(begun > 0, np.maximum(self.end[last] - at, 0), 0)
        result: NDArray[np.int64] = total[begun] - too_much
        return result


def silences(gaps: Iterable[Gap]) -> dict[tuple[str, str], Silence]:
    """Put the gaps of each source and kind in order, joined where they overlap."""
    found: dict[tuple[str, str], list[list[int]]] = {}
    for gap in sorted(gaps):
        start, end = gap.period.start_ms, gap.period.end_ms
        stretches = found.setdefault((gap.source, gap.kind), [])
        if stretches and start <= stretches[-1][1]:
            stretches[-1][1] = max(end, stretches[-1][1])
        else:
            stretches.append([start, end])
    return {key: Silence(*np.array(stretches, np.int64).T) for key, stretches in found.items()}
