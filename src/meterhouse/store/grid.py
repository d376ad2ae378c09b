"""How much of one meter there was in each of many windows, of many resources at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from meterhouse.metering.meters import Kind
from meterhouse.store import reckoning, states
from meterhouse.store.blocks import HOUR_MS, Granularity
from meterhouse.store.folding import Floats, Ints
from meterhouse.store.reckoning import Question
from meterhouse.store.snapshot import snapshot

_SERIES_AT_ONCE = 500
_SUMS = frozenset({"start", "integral", "increase", "covered_ms"})


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """One meter of k resources in n windows.

    amount:     float64[k, n], value x seconds of a level, or what a counter grew
    covered_ms: int64[k, n]
    """

    amount: Floats
    covered_ms: Ints


def grid(resources: Sequence[str], meter: str, cuts: Ints, using: str = "default") -> Grid:
    """One meter of k resources in the n windows between n + 1 cuts (ascending).

    Windows may have any length; hours are read where both cuts lie on hours. Few queries.
    """
    shape = (len(resources), len(cuts) - 1)
    found = Grid(np.zeros(shape), np.zeros(shape, np.int64))
    with snapshot(using) as cursor:
        known = {state.resource: state for state in states.where(cursor, "meter = %s", [meter])}
        there = [(row, known[one]) for row, one in enumerate(resources) if one in known]
        for first in range(0, len(there), _SERIES_AT_ONCE):
            asked = [
                (
                    row,
                    low,
                    high,
                    Question(state, int(cuts[low]), int(cuts[high]), Granularity.HOUR),
                )
                for row, state in there[first : first + _SERIES_AT_ONCE]
                for low, high in _whole(cuts)
            ]
            fresh = reckoning.fresh(cursor, [question for *_, question in asked])
            wanted = [(question, cuts[low : high + 1]) for _, low, high, question in asked]
            answers = reckoning.rows_of(cursor, wanted, fresh, _SUMS)
            for (row, low, high, question), rows in zip(asked, answers, strict=True):
                gauge = question.state.kind is Kind.GAUGE
                found.amount[row, low:high] = rows.integral if gauge else rows.increase
                found.covered_ms[row, low:high] = rows.covered_ms
    return found


def _whole(cuts: Ints) -> Iterator[tuple[int, int]]:
    """Stretches of windows (first cut, last cut) with no cut inside that is not on an hour."""
    inner = np.flatnonzero(cuts[1:-1] % HOUR_MS) + 1
    edges = [0, *inner.tolist(), len(cuts) - 1]
    yield from pairwise(edges)
