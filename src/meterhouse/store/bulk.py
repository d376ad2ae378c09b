"""A level in buckets, of many series at once: what one graph of a whole hall needs.

One series after another would be a transaction and four queries each; here are few, whatever the
number of series. They are worked on some at a time, so that memory is bounded.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from meterhouse.store import reckoning, states
from meterhouse.store.blocks import HOUR_MS, WIDTH_MS, Granularity
from meterhouse.store.folding import Floats, Ints, Rows, edges, nothing
from meterhouse.store.planning import coarsest
from meterhouse.store.reckoning import Question
from meterhouse.store.snapshot import snapshot
from meterhouse.store.states import State

_MS = timedelta(milliseconds=1)
_ROWS_AT_ONCE = 2_000_000  # readings or coarser rows: some hundred megabytes while they are folded
_OPEN_MS = 2 * HOUR_MS  # what is newer is not yet in minutes and hours
_LEVELS = frozenset({"start", "minimum", "maximum", "integral", "covered_ms"})

Spans = Sequence[tuple[str, int, int]]


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """What one series did in each bucket of a span: columns as in ``reading.Buckets``."""

    start: Ints
    minimum: Floats
    maximum: Floats
    integral: Floats
    covered_ms: Ints

    def __len__(self) -> int:
        return len(self.start)


def levels(
    wanted: Spans, meter: str, width: timedelta, using: str = "default"
) -> Iterator[Levels]:
    """Buckets of one meter over many spans (resource, start_ms, end_ms), in the order asked for.

    Each as ``reading.buckets`` has it. A resource without the meter, or an empty span, has buckets
    in which nothing is known.
    """
    width_ms = width // _MS
    with snapshot(using) as cursor:
        known = {state.resource: state for state in states.where(cursor, "meter = %s", [meter])}
        for part in _portions(wanted, coarsest(width_ms)):
            yield from _of_part(cursor, part, known, width_ms)


def _portions(wanted: Spans, granularity: Granularity) -> Iterator[Spans]:
    """Spans together until they are many rows; at least one."""
    row_ms, first, rows = WIDTH_MS.get(granularity, 1000), 0, 0
    for number, (_, start_ms, end_ms) in enumerate(wanted, 1):
        rows += (end_ms - start_ms) // row_ms + min(end_ms - start_ms, _OPEN_MS) // 1000
        if rows >= _ROWS_AT_ONCE or number == len(wanted):
            yield wanted[first:number]
            first, rows = number, 0


def _of_part(
    cursor: Any, part: Spans, known: Mapping[str, State], width_ms: int
) -> Iterator[Levels]:
    asked = [
        (Question(known[resource], start, end, coarsest(width_ms)), edges(start, end, width_ms))
        for resource, start, end in part
        if resource in known and start < end
    ]
    fresh = reckoning.fresh(cursor, [question for question, _ in asked])
    answers = reckoning.rows_of(cursor, asked, fresh, _LEVELS)
    for resource, start, end in part:
        if start >= end:
            yield _levels(nothing(np.array([start], np.int64)))
        elif resource in known:
            yield _levels(next(answers))
        else:
            yield _levels(nothing(edges(start, end, width_ms)))


def _levels(rows: Rows) -> Levels:
    return Levels(rows.start, rows.minimum, rows.maximum, rows.integral, rows.covered_ms)
