"""Closes hours that are over: makes their minutes and hours, and large blocks of small ones.

Late samples open an hour again: what they touch is made anew from the raw samples.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from meterhouse.metering.meters import Kind
from meterhouse.store import blocks, raw, states
from meterhouse.store.blocks import (
    DAY_MS,
    FULL,
    HOUR_MS,
    SLOT_MS,
    WIDTH_MS,
    Block,
    Granularity,
    Span,
)
from meterhouse.store.bridging import BEFORE, CEILINGS, SETTLED_MS, Ceiling
from meterhouse.store.codec import decimals
from meterhouse.store.folding import Ints, Rows, edges, fold, fold_many, widen
from meterhouse.store.merging import Part
from meterhouse.store.shelves import Shelf
from meterhouse.store.states import State, hour_of

MINUTE, HOUR = Granularity.MINUTE, Granularity.HOUR
CLOSED_TOGETHER_MS = 2 * HOUR_MS
"""So many hours are closed at once: at 1 Hz 7,200 samples, nearly a full block, and SQLite's pages
get full. Until then their raw samples answer."""

_HOLD_OF_LAST = (
    "COALESCE((SELECT h.hold_ms FROM store_hold h WHERE h.series = store_series.id"
    " AND (h.since_ms <= last_ms OR h.since_ms = 0) ORDER BY h.since_ms DESC LIMIT 1), hold_ms)"
)
_MINUTES = HOUR_MS // WIDTH_MS[MINUTE]
_EXACT = 2.0**53  # integers beyond this are not all floats
_SERIES = 1000  # in one transaction, at most
_SAMPLES = 1_000_000  # likewise: a tenth of a second


def close_some(cursor: Any, over_ms: int) -> int:
    """Close the oldest open hours before a moment; return how many, times series."""
    waiting = states.where(
        cursor,
        "folded_ms < %s AND CASE WHEN meter IN (%s, %s) THEN last_ms >= folded_ms + %s"
        f" ELSE last_ms + {_HOLD_OF_LAST} > folded_ms END ORDER BY folded_ms, id LIMIT %s",
        (over_ms, *CEILINGS, HOUR_MS + SETTLED_MS, _SERIES),
    )
    if not waiting:
        return 0
    start = waiting[0].folded_ms
    together = [state for state in waiting if state.folded_ms == start]
    ends = [state.closable_until(min(over_ms, _next_day(start))) for state in together]
    end = ends[0]
    together = [state for state, its in zip(together, ends, strict=True) if its == end]
    together = together[: _bearable(cursor, together, start, end)]
    _close(cursor, together, start, end)
    states.save(cursor, [state.closed_until(end) for state in together])
    return len(together) * ((end - start) // HOUR_MS)


def _next_day(at_ms: int) -> int:
    return at_ms // DAY_MS * DAY_MS + DAY_MS


def _bearable(cursor: Any, together: Sequence[State], start_ms: int, end_ms: int) -> int:
    """How many of the series are not too much for one transaction; at least one."""
    spans = [Span(state.id, start_ms, end_ms) for state in together]
    sizes = blocks.counts(cursor, Granularity.RAW, spans)
    samples = np.cumsum([sum(sizes.get(span, ())) for span in spans])
    return max(int(np.searchsorted(samples, _SAMPLES)), 1)


def _close(cursor: Any, together: Sequence[State], start_ms: int, end_ms: int) -> None:
    spans = [Span(state.id, start_ms, end_ms) for state in together]
    shelf = raw.shelf_for(cursor, zip(together, spans, strict=True))
    _write_rows(cursor, _folded(cursor, together, spans, shelf))
    small = {span: [b for b in shelf.blocks(span) if b.end_ms <= end_ms] for span in spans}
    worth = {span: found for span, found in small.items() if _worth_joining(found)}
    blocks.delete(cursor, [block.id for found in worth.values() for block in found])
    joined = [
        Part(span.series, *raw.joined([*map(shelf.content, found)]))
        for span, found in worth.items()
    ]
    blocks.write(cursor, blocks.of_samples(joined))
    if end_ms % DAY_MS == 0:
        join_small(cursor, [span._replace(start_ms=end_ms - DAY_MS) for span in spans])


class _Alike(NamedTuple):
    """What series have in common that are folded together."""

    kind: Kind
    bridges: Ceiling | None
    with_minutes: bool


Folded = dict[Granularity, list[tuple[int, Rows]]]
"""Minutes and hours, each with the rows of every series."""


def _folded(
    cursor: Any, together: Sequence[State], spans: Sequence[Span], shelf: Shelf[raw.Samples]
) -> Folded:
    """The minutes and hours of the same whole hours of many series."""
    folded: Folded = {MINUTE: [], HOUR: []}
    parts = [
        Part(state.id, *raw.standing(cursor, state, span, shelf, {}))
        for state, span in zip(together, spans, strict=True)
    ]
    known = {state.id: state for state in together}
    groups: dict[_Alike, list[Part]] = {}
    for part in parts:
        if len(part.at):
            state = known[part.series]
            alike = _Alike(state.kind, state.bridges, state.makes_minutes)
            groups.setdefault(alike, []).append(part)
    for alike, some in groups.items():
        for few in blocks.portions(some):
            holds = [known[part.series].holds_at(part.at) for part in few]
            made = _made(few, holds, alike, spans[0])
            for granularity, rows in made.items():
                split = rows.split(len(few))
                folded[granularity] += zip([part.series for part in few], split, strict=True)
    return folded


def _made(
    parts: Sequence[Part], holds: "Sequence[int | Ints]", alike: _Alike, span: Span
) -> dict[Granularity, Rows]:
    """Hours, and minutes if those are made, of series that are alike, one after the other."""
    finest = MINUTE if alike.with_minutes else HOUR
    cuts = edges(span.start_ms, span.end_ms, WIDTH_MS[finest])
    if alike.bridges:
        several = [
            fold(part.at, part.value, cuts, hold_ms=hold, kind=alike.kind, bridges=alike.bridges)
            for part, hold in zip(parts, holds, strict=True)
        ]
        rows = Rows.join(several)
    else:
        rows = fold_many([part[1:] for part in parts], cuts, holds=holds, kind=alike.kind)
    value = np.concatenate([part.value for part in parts])
    digits, _ = decimals(value, [0, *accumulate(len(part.at) for part in parts)])
    if alike.bridges:  # what is spread over time has other digits than the readings
        digits = [-1] * len(digits)
    rows = _exact(rows, digits)
    if finest is HOUR:
        return {HOUR: rows}
    return {MINUTE: rows, HOUR: _exact(widen(rows, _MINUTES), digits)}


def _exact(rows: Rows, digits: Sequence[int]) -> Rows:
    """Take the rounding of binary sums away again where the readings have few decimal digits.

    Sums then have no more digits than the readings, integrals (times milliseconds) three more.
    Exact figures add up exactly, and take a third of the space.

    digits: how many the readings of each series have, -1 for many
    """
    scale = np.repeat(np.power(10.0, digits), len(rows) // len(digits))
    few = np.repeat(np.greater_equal(digits, 0), len(rows) // len(digits))
    for column, more in ((rows.sum, 1), (rows.increase, 1), (rows.integral, 1000)):
        times = np.rint(column * scale * more)
        np.copyto(column, times / (scale * more), where=few & (np.abs(times) < _EXACT))
    return rows


def _write_rows(cursor: Any, folded: Folded) -> None:
    for granularity, rows in folded.items():
        blocks.write(cursor, blocks.of_rows(granularity, rows))


def _worth_joining(found: Sequence[Block]) -> bool:
    return _many_for([block.size for block in found])


def _many_for(sizes: Sequence[int]) -> bool:
    """Whether there are twice as many blocks as so many samples need, or more."""
    return len(sizes) > 1 and len(sizes) >= 2 * -(-sum(sizes) // FULL)


def join_small(cursor: Any, days: Sequence[Span]) -> None:
    """Put the small blocks of whole days together: raw, minutes, and hours of their slot."""
    for granularity in Granularity:
        slot = SLOT_MS[granularity]
        spans = {Span(day.series, day.start_ms // slot * slot, day.end_ms) for day in days}
        counts = blocks.counts(cursor, granularity, sorted(spans))
        _join(cursor, granularity, [span for span in counts if _many_for(counts[span])])


def _join(cursor: Any, granularity: Granularity, spans: Sequence[Span]) -> None:
    old: list[int] = []
    by_series: dict[int, list[Block]] = {}
    for block in blocks.touching(cursor, granularity, spans):
        by_series.setdefault(block.series, []).append(block)
        old.append(block.id)
    if granularity is Granularity.RAW:
        parts = [
            Part(series, *raw.joined([*map(blocks.samples, found)]))
            for series, found in by_series.items()
        ]
        new = blocks.of_samples(parts)
    else:
        rows = [
            (series, Rows.join([*map(blocks.rows, found)])) for series, found in by_series.items()
        ]
        new = blocks.of_rows(granularity, rows)
    blocks.delete(cursor, old)
    blocks.write(cursor, new)


def close_again(cursor: Any, state: State, late: Ints) -> None:
    """Make minutes and hours anew that samples, already in blocks, came too late for."""
    span = _touched(cursor, state, int(late[0]), int(late[-1]))
    if span.start_ms >= span.end_ms:
        return
    shelf = raw.shelf_for(cursor, [(state, span)])
    for granularity, made in _folded(cursor, [state], [span], shelf).items():
        _replace(cursor, span, granularity, [rows for _, rows in made])
    day = span.start_ms // DAY_MS * DAY_MS
    join_small(cursor, [Span(state.id, at, at + DAY_MS) for at in range(day, span.end_ms, DAY_MS)])


def _touched(cursor: Any, state: State, first_ms: int, last_ms: int) -> Span:
    """The closed hours that samples from first to last can have changed.

    Up to the next reading: until then the last of them stands, and that one shows an increase.
    """
    if state.bridges:
        return _bridged(cursor, state, first_ms, last_ms)
    following = raw.first_after(cursor, state.id, last_ms)
    # One that stood before the first of them may have stood longer than they do.
    until = last_ms + state.longest_hold_ms
    if following is not None:
        until = following if state.kind is Kind.CUMULATIVE else min(until, following)
    end = min(hour_of(until) + HOUR_MS, state.folded_ms)
    return Span(state.id, hour_of(first_ms), end)


def _bridged(cursor: Any, state: State, first_ms: int, last_ms: int) -> Span:
    """The same of a counter that is spread over time: as far as readings decide about others."""
    before = raw.last_before(cursor, state, first_ms - SETTLED_MS, {})
    kept = -(-state.pruned_ms // HOUR_MS) * HOUR_MS  # hours before it cannot be made again
    start = max(hour_of(first_ms - SETTLED_MS if before is None else before), kept)
    until = raw.far_after(cursor, state.id, last_ms, BEFORE)
    return Span(state.id, start, min(hour_of(until) + HOUR_MS, state.folded_ms))


def _replace(cursor: Any, span: Span, granularity: Granularity, made: list[Rows]) -> None:
    found = list(blocks.touching(cursor, granularity, [span]))
    there = [blocks.rows(block) for block in found]
    before = [rows.take(rows.start < span.start_ms) for rows in there]
    after = [rows.take(rows.start >= span.end_ms) for rows in there]
    blocks.delete(cursor, [block.id for block in found])
    rows = Rows.join([*before, *made, *after, Rows.none()])
    blocks.write(cursor, blocks.of_rows(granularity, [(span.series, rows)]))
