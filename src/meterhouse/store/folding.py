"""From samples to buckets, and from buckets to wider buckets. Pure arithmetic on whole columns.

A reading stands until the next one of its series, at most its hold; beyond that nothing is added
and nothing is covered. What a reading stands for is counted where it stands: the one in force when
a bucket opens counts in that bucket, for as long as it lasts there. So every column of a bucket is
the sum (or the least, the greatest) of the same column of its parts, wherever it is cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from meterhouse.metering.meters import METERS, Kind
from meterhouse.store.bridging import Ceiling, between, steps

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Buckets of one series, as columns of equal length, oldest first.

    start:      milliseconds since 1970; where a bucket ends is known to who made them
    count:      readings that were taken in the bucket
    minimum, maximum: of the readings that stood in it, NaN if there were none
    sum:        of the readings that were taken in it
    integral:   value x seconds
    increase:   how much a cumulative meter grew; what deltas add up to; 0 for gauges
    covered_ms: for how much of it a reading stood; of an energy counter, is known (bridging.py)
    """

    start: Ints
    count: Ints
    minimum: Floats
    maximum: Floats
    sum: Floats
    integral: Floats
    increase: Floats
    covered_ms: Ints

    def __len__(self) -> int:
        return len(self.start)

    @classmethod
    def none(cls) -> "Rows":
        return nothing(np.zeros(1, np.int64))

    def take(self, which: "NDArray[np.bool_] | Ints | slice") -> "Rows":
        return Rows(*[getattr(self, field.name)[which] for field in fields(self)])

    def split(self, into: int) -> "list[Rows]":
        """So many even parts."""
        size = len(self) // into
        return [self.take(slice(first, first + size)) for first in range(0, len(self), size)]

    @classmethod
    def join(cls, parts: Sequence["Rows"]) -> "Rows":
        """Put rows one after another; the parts are in order."""
        if len(parts) == 1:
            return parts[0]
        return cls(*[np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)])


def kind_of(meter: str) -> Kind:
    known = METERS.get(meter)
    return known.kind if known else Kind.GAUGE


def edges(start_ms: int, end_ms: int, width_ms: int) -> Ints:
    """Where buckets begin and end: at start, at every multiple of the width since 1970, at end."""
    first = start_ms // width_ms * width_ms + width_ms
    inner = np.arange(first, end_ms, width_ms, dtype=np.int64)
    return np.concatenate(([start_ms], inner, [end_ms])).astype(np.int64)


def fold(
    at: Ints,
    value: Floats,
    edges: Ints,
    *,
    hold_ms: "int | Ints",
    kind: Kind,
    begins: "Ints | None" = None,
    bridges: "Ceiling | None" = None,
) -> Rows:
    """Make one bucket between each two edges.

    at, value: samples of one series, oldest first, no two at one moment; from the last before
               the first edge to the last before the last edge; more do no harm
    edges:     at least two, ascending
    hold_ms:   of all of them, or of each
    begins:    where samples begin that are no increase over those before them
    bridges:   of a counter whose growth is spread over the time between its readings; then the
               samples are as bridging.between wants
    """
    laid = _Laid(at, value, edges, hold_ms)
    rows = nothing(edges)
    rows.count[:] = np.diff(laid.cut)
    filled = np.flatnonzero(rows.count)
    if len(filled):
        _add_taken(rows, filled, laid)
        grown = _increases(value, kind, begins)[: laid.cut[-1]]
        rows.increase[filled] = np.add.reduceat(grown, laid.cut[filled])
    _add_carried(rows, laid)
    return _bridged(rows, laid, bridges) if bridges else rows


def fold_many(
    parts: Sequence[tuple[Ints, Floats]],
    edges: Ints,
    *,
    holds: "Sequence[int | Ints]",
    kind: Kind,
) -> Rows:
    """Fold many series by the same edges: all buckets of the first, then of the second, ...

    parts:  moments and values as for ``fold``, but with nothing at or after the last edge
    holds:  of each series, or of each of its samples

    The series are laid one after another in time, so far apart that no reading of one stands in
    a bucket of the next, and folded as if they were one.
    """
    reach = max(int(np.max(hold)) for hold in holds) + 1
    stride = int(edges[-1] - edges[0]) + 2 * reach
    shift = np.arange(len(parts)) * stride - int(edges[0]) + reach
    sizes = [len(at) for at, _ in parts]
    # What is older than its hold stands nowhere; all that matters of it is the value.
    at = np.maximum(np.concatenate([at for at, _ in parts]), edges[0] - reach)
    rows = fold(
        at + np.repeat(shift, sizes),
        np.concatenate([value for _, value in parts]),
        np.append((edges + shift[:, None]).ravel(), _NEVER),
        hold_ms=np.concatenate([*map(np.broadcast_to, holds, sizes)]),
        kind=kind,
        begins=np.cumsum([0, *sizes[:-1]]),
    )
    between = np.arange(1, len(rows) + 1) % len(edges) == 0
    return replace(rows.take(~between), start=np.tile(edges[:-1], len(parts)))


class _Laid:
    """Samples laid over edges.

    until: until when each reading stands
    cut:   the index of the first sample at or after each edge
    """

    def __init__(self, at: Ints, value: Floats, edges: Ints, hold_ms: "int | Ints") -> None:
        self.at, self.value, self.edges = at, value, edges
        self.until = np.minimum(np.append(at[1:], _NEVER), at + hold_ms)
        self.cut = np.searchsorted(at, edges)


def nothing(edges: Ints) -> Rows:
    """A bucket between each two edges, in which nothing is known."""
    n = len(edges) - 1
    low, high = np.full(n, np.nan), np.full(n, np.nan)
    count, covered_ms = np.zeros(n, np.int64), np.zeros(n, np.int64)
    return Rows(edges[:-1], count, low, high, np.zeros(n), np.zeros(n), np.zeros(n), covered_ms)


def _add_taken(rows: Rows, filled: Ints, laid: _Laid) -> None:
    """Count the readings taken in each bucket that has some, as far as they stand in it."""
    first, last = laid.cut[filled], laid.cut[filled + 1] - 1
    stands = laid.until - laid.at
    stands[last] = np.minimum(laid.until[last], laid.edges[filled + 1]) - laid.at[last]
    value, stands = laid.value[: laid.cut[-1]], stands[: laid.cut[-1]]
    rows.minimum[filled] = np.minimum.reduceat(value, first)
    rows.maximum[filled] = np.maximum.reduceat(value, first)
    rows.sum[filled] = np.add.reduceat(value, first)
    rows.integral[filled] = np.add.reduceat(value * stands, first) / 1000
    rows.covered_ms[filled] = np.add.reduceat(stands, first)


def _add_carried(rows: Rows, laid: _Laid) -> None:
    """Count the reading that stood when a bucket opened, as far as it stands in it."""
    opened = np.flatnonzero(laid.cut[:-1] > 0)
    before = laid.cut[opened] - 1
    stands = np.minimum(laid.until[before], laid.edges[opened + 1]) - laid.edges[opened]
    some = stands > 0
    opened, stands, carried = opened[some], stands[some], laid.value[before[some]]
    rows.minimum[opened] = np.fmin(rows.minimum[opened], carried)
    rows.maximum[opened] = np.fmax(rows.maximum[opened], carried)
    rows.integral[opened] += carried * stands / 1000
    rows.covered_ms[opened] += stands


def _increases(value: Floats, kind: Kind, begins: "Ints | None") -> Floats:
    """What each reading adds to the one before; the first adds nothing to a cumulative meter."""
    if kind is Kind.DELTA:
        return value
    grown = np.zeros(len(value))
    if kind is Kind.CUMULATIVE:
        step = np.diff(value)
        # A counter that fell was restarted from zero: all it shows now was added since.
        grown[1:] = np.where(step < 0, np.maximum(value[1:], 0), step)
        if begins is not None:
            grown[begins[begins < len(value)]] = 0
    return grown


def _bridged(rows: Rows, laid: _Laid, ceiling: Ceiling) -> Rows:
    """The same of a counter: what it grew is spread over the time in which it did.

    An energy counter covers the time between its readings, however long; of others a reading
    stands for its hold, except between readings that cannot be believed.
    """
    grown = between(laid.at, laid.value, laid.edges, ceiling)
    if not ceiling.covers:
        known = steps(laid.at, laid.value, ceiling)[1] > 0
        return replace(rows, increase=grown.amount, covered_ms=_stood(laid, known))
    # What stands for how long is known of more, or less, time than readings stood in.
    longer = grown.covered_ms / np.maximum(rows.covered_ms, 1)
    return replace(
        rows,
        increase=grown.amount,
        covered_ms=grown.covered_ms,
        integral=rows.integral * longer,
    )


def _stood(laid: _Laid, known: "NDArray[np.bool_]") -> Ints:
    """For how long readings stood in each bucket, of stretches between two only where known."""
    stands = laid.until - laid.at
    stands[:-1] *= known
    place = np.searchsorted(laid.at, laid.edges, side="right") - 1
    into = np.clip(laid.edges - laid.at[place], 0, stands[place])
    reached = np.where(place < 0, 0, (np.cumsum(stands) - stands)[place] + into)
    return np.diff(reached)


def widen(rows: Rows, times: int) -> Rows:
    """Put every so many rows, which follow one another in time, into one."""
    shape = (-1, times)
    columns = {
        name: getattr(rows, name).reshape(shape).sum(axis=1)
        for name in ("count", "sum", "integral", "increase", "covered_ms")
    }
    return Rows(
        start=rows.start[::times],
        minimum=np.fmin.reduce(rows.minimum.reshape(shape), axis=1),
        maximum=np.fmax.reduce(rows.maximum.reshape(shape), axis=1),
        **columns,
    )


def gather(rows: Rows, edges: Ints) -> Rows:
    """Put rows that lie wholly between two edges each into one bucket there."""
    if np.array_equal(rows.start, edges[:-1]):
        return rows
    cut = np.searchsorted(rows.start, edges)
    filled = np.flatnonzero(np.diff(cut))
    into = nothing(edges)
    if not len(filled):
        return into
    inside, first = slice(None, cut[-1]), cut[filled]
    into.minimum[filled] = np.fmin.reduceat(rows.minimum[inside], first)
    into.maximum[filled] = np.fmax.reduceat(rows.maximum[inside], first)
    for name in ("count", "sum", "integral", "increase", "covered_ms"):
        getattr(into, name)[filled] = np.add.reduceat(getattr(rows, name)[inside], first)
    return into


def share(rows: Rows, width_ms: int, edges: Ints) -> Rows:
    """Cut rows where an edge falls inside one, and drop what lies outside the edges.

    Each part gets the share of its length in sum, integral, increase and covered time; the
    readings count where the row begins, and the least and greatest stay what they were.
    """
    inside = edges[edges % width_ms != 0]
    if not len(rows) or not len(inside):
        return rows
    starts = np.union1d(rows.start, inside)
    row = np.searchsorted(rows.start, starts, side="right") - 1
    some = (row >= 0) & (starts < rows.start[np.maximum(row, 0)] + width_ms)
    starts, row = starts[some], row[some]
    begun = starts - rows.start[row]
    ended = np.minimum(np.append(starts[1:], _NEVER) - rows.start[row], width_ms)
    parts = _portion(rows.take(row), starts, begun, ended, width_ms)
    return parts.take((starts >= edges[0]) & (starts < edges[-1]))


def _portion(rows: Rows, starts: Ints, begun: Ints, ended: Ints, width_ms: int) -> Rows:
    part = (ended - begun) / width_ms
    covered = rows.covered_ms.astype(np.int64)
    return replace(
        rows,
        start=starts,
        count=np.where(begun == 0, rows.count, 0),
        sum=rows.sum * part,
        integral=rows.integral * part,
        increase=rows.increase * part,
        # Rounded so that the parts of a row add up to the row.
        covered_ms=covered * ended // width_ms - covered * begun // width_ms,
    )
