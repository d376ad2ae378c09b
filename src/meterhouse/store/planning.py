"""From which granularity each stretch of time is read. Pure arithmetic.

The coarsest that fits is read, and finer ones at the edges that do not lie on its buckets. Where
the finer ones were pruned, the coarser bucket is shared out in proportion to time.
"""

from collections.abc import Iterator
from typing import NamedTuple

from meterhouse.store.blocks import WIDTH_MS, Granularity
from meterhouse.store.states import State

RAW, MINUTE, HOUR = Granularity


class Piece(NamedTuple):
    """A stretch of time and the granularity it is read from, in milliseconds since 1970.

    Its ends lie on that granularity's buckets unless everything finer was pruned there.
    """

    granularity: Granularity
    start_ms: int
    end_ms: int


def coarsest(width_ms: int) -> Granularity:
    """The coarsest granularity that buckets of a width can be put together from."""
    return next(g for g in (HOUR, MINUTE, RAW) if width_ms % WIDTH_MS.get(g, 1) == 0)


def pieces(
    granularity: Granularity, start_ms: int, end_ms: int, state: State, closed_ms: int
) -> Iterator[Piece]:
    """Cut a stretch into pieces, in order of time, none finer than what is there.

    granularity: the coarsest to use
    closed_ms:   minutes and hours are complete before this
    """
    if start_ms >= end_ms:
        return
    if granularity is RAW:
        kept = min(max(start_ms, state.pruned_ms), end_ms)
        yield from _coarser(start_ms, kept, state)
        yield from _piece(RAW, kept, end_ms)
        return
    width, finer = WIDTH_MS[granularity], Granularity(granularity - 1)
    first = -(-start_ms // width) * width
    last = max(min(end_ms, closed_ms) // width * width, first)
    if first >= min(end_ms, closed_ms):
        yield from pieces(finer, start_ms, end_ms, state, closed_ms)
        return
    yield from pieces(finer, start_ms, first, state, closed_ms)
    kept = _kept(granularity, first, last, state)
    yield from pieces(RAW, first, kept, state, closed_ms)
    yield from _piece(granularity, kept, last)
    yield from pieces(finer, last, end_ms, state, closed_ms)


def _coarser(start_ms: int, end_ms: int, state: State) -> Iterator[Piece]:
    """Pieces of a stretch whose raw samples are gone."""
    kept = _kept(MINUTE, start_ms, end_ms, state)
    yield from _piece(HOUR, start_ms, kept)
    yield from _piece(MINUTE, kept, end_ms)


def _kept(granularity: Granularity, start_ms: int, end_ms: int, state: State) -> int:
    """From where on in a stretch this granularity is there."""
    since = state.minutes_pruned_ms if granularity is MINUTE else start_ms
    return min(max(start_ms, since), end_ms)


def _piece(granularity: Granularity, start_ms: int, end_ms: int) -> Iterator[Piece]:
    if start_ms < end_ms:
        yield Piece(granularity, start_ms, end_ms)
