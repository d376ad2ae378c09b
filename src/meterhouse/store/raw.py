"""Raw samples of many series over many spans, from blocks and head, each moment once."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from meterhouse.metering.meters import Kind
from meterhouse.store import blocks
from meterhouse.store.blocks import Granularity, Span
from meterhouse.store.bridging import AFTER, BEFORE
from meterhouse.store.folding import Floats, Ints
from meterhouse.store.merging import Part, merge
from meterhouse.store.shelves import Shelf
from meterhouse.store.states import State

Samples = tuple[Ints, Floats]
_EVER = np.iinfo(np.int64).max
NOTHING: Samples = (np.empty(0, np.int64), np.empty(0, np.float64))


def shelf(cursor: Any, spans: Sequence[Span]) -> Shelf[Samples]:
    return Shelf(blocks.touching(cursor, Granularity.RAW, spans), blocks.samples)


def shelf_for(cursor: Any, wanted: Iterable[tuple[State, Span]]) -> Shelf[Samples]:
    """The blocks that ``standing`` needs for each of the spans."""
    plain, bridged = [], []
    for state, span in wanted:
        if state.bridges:
            bridged.append(span)
        else:
            plain.append(reaching_back(state, span))
    found = blocks.touching(cursor, Granularity.RAW, plain)
    return Shelf(chain(found, blocks.around(cursor, bridged)), blocks.samples)


def within(shelf: Shelf[Samples], span: Span) -> Samples:
    """The sealed samples of a span."""
    parts = shelf.contents(span)
    return clipped(joined(parts), span) if parts else NOTHING


def joined(parts: Sequence[Samples]) -> Samples:
    """Samples of several blocks, at least one, that follow one another."""
    if len(parts) == 1:
        return parts[0]
    at, value = zip(*parts, strict=True)
    return np.concatenate(at), np.concatenate(value)


def clipped(samples: Samples, span: Span) -> Samples:
    at, value = samples
    first, last = np.searchsorted(at, (span.start_ms, span.end_ms))
    return at[first:last], value[first:last]


def reaching_back(state: State, span: Span) -> Span:
    """A span with the time before it in which a reading that still stands can have been taken."""
    return span._replace(start_ms=state.reach(span.start_ms))


def standing(
    cursor: Any, state: State, span: Span, shelf: Shelf[Samples], fresh: Mapping[int, Part]
) -> Samples:
    """The samples of a span and those before it that matter in it.

    These are the readings whose hold reaches into it, and of a cumulative meter the last one
    before it, however old: what it has grown since is counted when the next reading shows it.
    Of one whose growth is spread over time, those around it that bridging.between wants.
    """
    if state.bridges:
        return _around(state, span, shelf, fresh)
    longer = reaching_back(state, span)
    found = with_fresh(within(shelf, longer), state, longer, fresh)
    if state.kind is Kind.CUMULATIVE and not (len(found[0]) and found[0][0] < span.start_ms):
        earlier = _last_before(cursor, state, span.start_ms, fresh)
        return joined([earlier, found])
    return found


def _around(state: State, span: Span, shelf: Shelf[Samples], fresh: Mapping[int, Part]) -> Samples:
    parts = [shelf.content(block) for block in shelf.around(span, BEFORE, AFTER)]
    sealed = joined(parts) if parts else NOTHING
    at, value = with_fresh(sealed, state, Span(state.id, 0, _EVER), fresh)
    first, last = np.searchsorted(at, (span.start_ms, span.end_ms))
    near = slice(max(int(first) - BEFORE, 0), int(last) + AFTER)
    return at[near], value[near]


def last_before(
    cursor: Any, state: State, moment_ms: int, fresh: Mapping[int, Part]
) -> int | None:
    """The moment of a counter's last reading before a moment, sealed or not."""
    span = Span(state.id, moment_ms, moment_ms)
    at, _ = _around(state, span, shelf_for(cursor, [(state, span)]), fresh)
    before = at[at < moment_ms]
    return int(before[-1]) if len(before) else None


def with_fresh(samples: Samples, state: State, span: Span, fresh: Mapping[int, Part]) -> Samples:
    """Samples of blocks with those of the head that lie in the same span."""
    part = fresh.get(state.id)
    if part is None:
        return samples
    at, value = clipped(part[1:], span)
    # What is as old as pruned samples is refused when it is sealed.
    since = int(np.searchsorted(at, state.pruned_ms))
    return merge([samples], at[since:], value[since:]) if since < len(at) else samples


def _last_before(cursor: Any, state: State, moment_ms: int, fresh: Mapping[int, Part]) -> Samples:
    span = Span(state.id, state.pruned_ms, moment_ms)
    block = blocks.last_before(cursor, state.id, moment_ms)
    sealed = clipped(blocks.samples(block), span) if block else NOTHING
    at, value = with_fresh(sealed, state, span, fresh)
    return at[-1:], value[-1:]


def far_after(cursor: Any, series: int, moment_ms: int, count: int) -> int:
    """The moment of so many sealed samples after a moment, or of the last one there is."""
    while count > 0 and (block := blocks.first_ending_after(cursor, series, moment_ms)):
        at, _ = blocks.samples(block)
        later = at[np.searchsorted(at, moment_ms, side="right") :][:count]
        moment_ms, count = int(later[-1]), count - len(later)
    return moment_ms


def newest_before(cursor: Any, ids: Sequence[int], moment_ms: int) -> dict[int, tuple[int, float]]:
    """The moment and value of the last sealed sample of each series before a moment."""
    spans = [Span(one, moment_ms, moment_ms) for one in ids]
    shelf, found = Shelf(blocks.around(cursor, spans, 1, 0), blocks.samples), {}
    for span in spans:
        at, value = joined([NOTHING, *map(shelf.content, shelf.around(span, 1, 0))])
        before = int(np.searchsorted(at, moment_ms)) - 1
        if before >= 0:
            found[span.series] = (int(at[before]), float(value[before]))
    return found


def first_after(cursor: Any, series: int, moment_ms: int) -> int | None:
    """The moment of the first sealed sample after a moment."""
    block = blocks.first_ending_after(cursor, series, moment_ms)
    if block is None:
        return None
    at, _ = blocks.samples(block)
    after = at[np.searchsorted(at, moment_ms, side="right") :]
    return int(after[0]) if len(after) else None
