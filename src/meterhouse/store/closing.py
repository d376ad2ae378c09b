"""Closes hours that are over: makes their minutes and hours, and one block of many small ones.

Late samples open an hour again: what they touch is made anew from the raw samples.
"""

from collections.abc import Sequence
from typing import Any

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
from meterhouse.store.codec import decimals
from meterhouse.store.folding import Floats, Ints, Rows, edges, fold, gather
from meterhouse.store.shelves import Shelf
from meterhouse.store.states import State, hour_of

_SERIES_HOURS = 240  # in one transaction: at 1 Hz 864,000 samples, some tenths of a second


def close_some(cursor: Any, over_ms: int) -> int:
    """Close the oldest hours that are over and open; return how many, times series."""
    waiting = states.where(
        cursor,
        "folded_ms < %s AND last_ms + hold_ms > folded_ms ORDER BY folded_ms, id LIMIT %s",
        (over_ms, _SERIES_HOURS),
    )
    if not waiting:
        return 0
    start = waiting[0].folded_ms
    end = min(over_ms, start // DAY_MS * DAY_MS + DAY_MS)
    hours = (end - start) // HOUR_MS
    together = [state for state in waiting if state.folded_ms == start]
    together = together[: max(_SERIES_HOURS // hours, 1)]
    _close(cursor, together, start, end)
    cursor.executemany(
        "UPDATE store_series SET folded_ms = %s WHERE id = %s", [(end, s.id) for s in together]
    )
    return len(together) * hours


def _close(cursor: Any, together: Sequence[State], start_ms: int, end_ms: int) -> None:
    spans = [Span(state.id, start_ms, end_ms) for state in together]
    shelf = raw.shelf(cursor, [*map(raw.reaching_back, together, spans)])
    old: list[int] = []
    new: list[blocks.New] = []
    for state, span in zip(together, spans, strict=True):
        minutes, hours = _folded(cursor, state, span, shelf)
        new += blocks.of_rows(state.id, Granularity.MINUTE, minutes)
        new += blocks.of_rows(state.id, Granularity.HOUR, hours)
        small = [block for block in shelf.blocks(span) if block.end_ms <= end_ms]
        if _worth_joining([block.size for block in small]):
            old += [block.id for block in small]
            new += blocks.of_samples(state.id, *raw.joined([*map(shelf.content, small)]))
    blocks.delete(cursor, old)
    blocks.write(cursor, new)
    if end_ms % DAY_MS == 0:
        ids = [state.id for state in together]
        join_small(cursor, [Span(one, end_ms - DAY_MS, end_ms) for one in ids])


def _folded(cursor: Any, state: State, span: Span, shelf: Shelf[raw.Samples]) -> tuple[Rows, Rows]:
    """The minutes and hours of a span of whole hours."""
    at, value = raw.standing(cursor, state, span, shelf, {})
    cuts = edges(span.start_ms, span.end_ms, WIDTH_MS[Granularity.MINUTE])
    minutes = _exact(fold(at, value, cuts, hold_ms=state.hold_ms, kind=state.kind), value)
    return minutes, _exact(gather(minutes, edges(span.start_ms, span.end_ms, HOUR_MS)), value)


def _exact(rows: Rows, value: Floats) -> Rows:
    """Take the rounding of binary sums away again where the readings have few decimal digits.

    Sums then have no more digits than the readings, integrals (times milliseconds) three more.
    Exact figures add up exactly, and take a third of the space.
    """
    found = decimals(value) if len(value) else None
    if found:
        digits = found[0]
        for column, more in ((rows.sum, 0), (rows.increase, 0), (rows.integral, 3)):
            np.round(column, digits + more, out=column)
    return rows


def _worth_joining(counts: Sequence[int]) -> bool:
    return len(counts) > 2 * -(-sum(counts) // FULL)


def join_small(cursor: Any, days: Sequence[Span]) -> None:
    """Put the small blocks of whole days together: raw, minutes, and hours of their slot."""
    for granularity in Granularity:
        slot = SLOT_MS[granularity]
        spans = {Span(day.series, day.start_ms // slot * slot, day.end_ms) for day in days}
        counts = blocks.counts(cursor, granularity, sorted(spans))
        _join(cursor, granularity, [span for span in counts if _worth_joining(counts[span])])


def _join(cursor: Any, granularity: Granularity, spans: Sequence[Span]) -> None:
    old: list[int] = []
    new: list[blocks.New] = []
    by_series: dict[int, list[Block]] = {}
    for block in blocks.touching(cursor, granularity, spans):
        by_series.setdefault(block.series, []).append(block)
        old.append(block.id)
    for series, found in by_series.items():
        if granularity is Granularity.RAW:
            new += blocks.of_samples(series, *raw.joined([*map(blocks.samples, found)]))
        else:
            rows = Rows.join([blocks.rows(block) for block in found])
            new += blocks.of_rows(series, granularity, rows)
    blocks.delete(cursor, old)
    blocks.write(cursor, new)


def close_again(cursor: Any, state: State, late: Ints) -> None:
    """Make minutes and hours anew that samples, already in blocks, came too late for."""
    span = _touched(cursor, state, int(late[0]), int(late[-1]))
    if span.start_ms >= span.end_ms:
        return
    shelf = raw.shelf(cursor, [raw.reaching_back(state, span)])
    minutes, hours = _folded(cursor, state, span, shelf)
    _replace(cursor, span, Granularity.MINUTE, minutes)
    _replace(cursor, span, Granularity.HOUR, hours)
    day = span.start_ms // DAY_MS * DAY_MS
    join_small(cursor, [Span(state.id, at, at + DAY_MS) for at in range(day, span.end_ms, DAY_MS)])


def _touched(cursor: Any, state: State, first_ms: int, last_ms: int) -> Span:
    """The closed hours that samples from first to last can have changed.

    Up to the next reading: until then the last of them stands, and that one shows an increase.
    """
    following = raw.first_after(cursor, state.id, last_ms)
    until = last_ms + state.hold_ms
    if following is not None:
        until = following if state.kind is Kind.CUMULATIVE else min(until, following)
    end = min(hour_of(until) + HOUR_MS, state.folded_ms)
    return Span(state.id, hour_of(first_ms), end)


def _replace(cursor: Any, span: Span, granularity: Granularity, made: Rows) -> None:
    found = list(blocks.touching(cursor, granularity, [span]))
    there = [blocks.rows(block) for block in found]
    before = [rows.take(rows.start < span.start_ms) for rows in there]
    after = [rows.take(rows.start >= span.end_ms) for rows in there]
    blocks.delete(cursor, [block.id for block in found])
    rows = Rows.join([*before, made, *after])
    blocks.write(cursor, list(blocks.of_rows(span.series, granularity, rows)))
