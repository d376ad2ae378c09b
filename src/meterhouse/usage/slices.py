"""Energy of pieces, cut where a price or a carbon factor changes. Pure.

Who gets how much is worked out before, without prices; here each piece's whole millijoules are
divided over the stretches between changes, by what came in each, by largest remainder.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from meterhouse.usage.cutting import Pieces
from meterhouse.usage.energy import Energy
from meterhouse.usage.gaps import Gap
from meterhouse.usage.stretches import Ints, Stretches
from meterhouse.usage.windows import Floats, apportion, ratio

Between = Callable[[Ints, Ints, Ints], tuple[Floats, Floats]]


@dataclass(frozen=True, slots=True, eq=False)
class Slices:
    """At least one of each piece, in order of them; int64[n].

    piece: index of each one's piece; start_ms: when it begins
    millijoules, measured_ms: those of a piece sum to the piece's
    """

    piece: Ints
    start_ms: Ints
    millijoules: Ints
    measured_ms: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Spreading:
    """Pieces with their energy, and in sentences what is to be known about it.

    slices: the energy cut where a price or a factor changes
    gaps:   when which source's meters said nothing
    """

    pieces: Pieces
    energy: Energy
    slices: Slices
    notes: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()


def directly(of: Stretches, measure: Callable[[Stretches], Energy]) -> Between:
    """Say what was measured of stretches between moments."""

    def between(some: Ints, start_ms: Ints, end_ms: Ints) -> tuple[Floats, Floats]:
        found = measure(replace(of.take(some), start_ms=start_ms, end_ms=end_ms))
        return found.millijoules.astype(np.float64), found.measured_ms.astype(np.float64)

    return between


def sliced(
    of: Stretches, energy: Energy, moments: Ints, sources: Sequence[tuple[Ints, Between]]
) -> Slices:
    """Cut pieces at moments (ascending, each once).

    sources: pieces, ascending, and what says how much of each came between two moments
    """
    first = np.searchsorted(moments, of.start_ms, side="right")
    count = np.searchsorted(moments, of.end_ms, side="left") - first + 1
    piece = np.repeat(np.arange(len(of)), count)
    if len(piece) == len(of):
        return Slices(piece, of.start_ms, energy.millijoules, energy.measured_ms)
    edges = np.concatenate(([0], moments, [np.iinfo(np.int64).max]))
    nth = first[piece] + np.arange(len(piece)) - np.repeat(np.cumsum(count) - count, count)
    start = np.maximum(of.start_ms[piece], edges[nth])
    end = np.minimum(of.end_ms[piece], edges[nth + 1])
    weights = np.ones(len(piece)), np.ones(len(piece))
    for rows, between in sources:
        cut = np.flatnonzero((count[piece] > 1) & np.isin(piece, rows))
        if len(cut):
            some = np.searchsorted(rows, piece[cut])
            for weight, more in zip(weights, between(some, start[cut], end[cut]), strict=True):
                weight[cut] = np.maximum(more, 0.0)
    parts = (
        _divided(whole, piece, weight, end - start)
        for whole, weight in zip((energy.millijoules, energy.measured_ms), weights, strict=True)
    )
    return Slices(piece, start, *parts)


def _divided(whole: Ints, piece: Ints, weight: Floats, length: Ints) -> Ints:
    """Whole parts of whole amounts by their weights; by time where there is none."""
    total = np.bincount(piece, weight, len(whole))
    weight = np.where(total[piece] > 0, weight, length)
    total = np.bincount(piece, weight, len(whole))
    return apportion(whole[piece] * ratio(weight, total[piece]), piece, whole)
