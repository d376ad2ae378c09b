"""Keeps every reading's own hold as it is recorded, when the series had another one until then.

A reading stands as long as it was told when it was recorded: from the first reading with another
hold on the series has that hold, and what was taken before keeps its own. What comes late (a
replay, a second reader) has its own hold too, up to the next reading that is there already.

Of two readers that take turns with different holds each turn is a row of the table. So that they
do not write for ever, a day of a series has at most ``MOST_A_DAY``; beyond that a reading has the
hold that is in force at its moment.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meterhouse.store import heads, holds, raw, states
from meterhouse.store.blocks import DAY_MS, HOUR_MS, Span
from meterhouse.store.catalogue import Known
from meterhouse.store.holds import EVER, Dated
from meterhouse.store.merging import by_series
from meterhouse.store.states import State

Ints = NDArray[np.int64]
MOST_A_DAY = 288
_NOTHING = Dated((), ())
_AFTER_MS = HOUR_MS  # so far after late readings the next one is looked for


def kept(cursor: Any, known: Known, key: NDArray[np.uint32], at: Ints) -> Known:
    """Note the holds of samples that are about to be recorded; the tuple, with since when.

    key, at: of samples, at least one, in any order; none of a series of an unknown meter
    """
    version, told = holds.version(cursor), _moments(key, at)
    there = states.by_id(cursor, set(known.ids.tolist()))
    if _unlike(known, told, there):
        holds.lock(cursor)
        there = states.by_id(cursor, there.keys())
        there |= _changed(cursor, known, told, there)
        version = holds.version(cursor)
    since = np.full(len(known.ids), EVER, np.int64)
    for place, (one, series) in enumerate(zip(known.ids.tolist(), known.series, strict=True)):
        state = there.get(one)
        if state and state.hold_ms == series.hold_ms:
            since[place] = state.dated.since[-1] if state.dated else 0
    return known._replace(since=since, since_ms=int(since.max()), version=version)


def _moments(key: NDArray[np.uint32], at: Ints) -> dict[int, Ints]:
    """From the place of a series in its tuple to its samples' moments, ascending, each once."""
    order = np.lexsort((at, key))
    key, at = key[order], at[order]
    starts = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    parts = np.split(at, starts[1:])
    return {
        place: np.unique(part) for place, part in zip(key[starts].tolist(), parts, strict=True)
    }


def _unlike(known: Known, told: Mapping[int, Ints], there: Mapping[int, State]) -> set[int]:
    """The series of which a sample is told with another hold than is in force at its moment."""
    ids = known.ids.tolist()
    return {
        ids[place]
        for place, moments in told.items()
        if not np.all(there[ids[place]].holds_at(moments) == known.series[place].hold_ms)
    }


def _changed(
    cursor: Any, known: Known, told: Mapping[int, Ints], there: Mapping[int, State]
) -> dict[int, State]:
    """Write the holds of samples that are told with others; the series' states then."""
    unlike, ids = _unlike(known, told, there), known.ids.tolist()
    # A tuple may name a series twice, with two holds: the samples of both are looked at.
    mine = [(ids[place], place, at) for place, at in told.items() if ids[place] in unlike]
    spans = [Span(one, int(at[0]), int(at[-1]) + 1) for one, _, at in mine]
    others = _others(cursor, there, spans)
    before = {one: there[one].dated for one in sorted(unlike)}
    dated = {one: before[one] or Dated((0,), (there[one].hold_ms,)) for one in before}
    for one, place, at in mine:
        stretches = _stretches(at[at >= there[one].pruned_ms], np.setdiff1d(others[one], at))
        dated[one] = _laid(dated[one], stretches, known.series[place].hold_ms)
        others[one] = np.union1d(others[one], at)
    holds.save(cursor, {one: (was or _NOTHING, dated[one]) for one, was in before.items()})
    return {
        one: there[one]._replace(dated=now, hold_ms=now.hold[-1]) for one, now in dated.items()
    }


def _laid(dated: Dated, stretches: Iterable[tuple[int, int]], hold_ms: int) -> Dated:
    """The holds with one more in some stretches, as far as that is not too many a day."""
    for start_ms, end_ms in stretches:
        more = dated.laid(start_ms, end_ms, hold_ms)
        day = start_ms // DAY_MS
        if sum(since // DAY_MS == day for since in more.since) <= MOST_A_DAY:
            dated = more
    return dated


def _stretches(moments: Ints, others: Ints) -> list[tuple[int, int]]:
    """From a moment up to the next other one, or EVER: as few as hold all moments."""
    following = np.searchsorted(others, moments)
    first = np.append(True, following[1:] != following[:-1])[: len(moments)]
    ends = np.append(others, EVER)[following[first]]
    return list(zip(moments[first].tolist(), ends.tolist(), strict=True))


def _others(cursor: Any, of: Mapping[int, State], spans: Sequence[Span]) -> dict[int, Ints]:
    """Moments of readings that are there: all within the spans, and the next one after each.

    Where the next sealed one is far, a moment before it stands for it.
    """
    found = {span.series: [np.empty(0, np.int64)] for span in spans}
    first_ms = min(span.start_ms for span in spans)
    for part in by_series(heads.within(cursor, first_ms, EVER, found.keys())):
        found[part.series].append(part.at)
    late = [
        span._replace(end_ms=span.end_ms + _AFTER_MS)
        for span in spans
        if (of[span.series].last_ms or 0) >= span.start_ms
    ]
    shelf = raw.shelf(cursor, late)
    for span in late:
        at, _ = raw.within(shelf, span)
        is_more = (of[span.series].last_ms or 0) >= span.end_ms
        found[span.series] += [at, np.array([span.end_ms] * is_more, np.int64)]
    return {one: np.unique(np.concatenate(parts)) for one, parts in found.items()}
