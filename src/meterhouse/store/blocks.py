"""Blocks: many samples, or many buckets, of one series in one compressed row.

Blocks of one series and granularity never overlap, and none crosses the edge of a slot: so those
that touch a stretch of time are found from their starts, which is what the index holds.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import timedelta
from enum import IntEnum
from functools import partial
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np

from meterhouse.store import codec, damage
from meterhouse.store.bridging import AFTER, BEFORE
from meterhouse.store.counting import count_refused
from meterhouse.store.damage import Table
from meterhouse.store.folding import Floats, Ints, Rows
from meterhouse.store.merging import Part
from meterhouse.store.screening import Reason

_MS = timedelta(milliseconds=1)
DAY_MS = timedelta(days=1) // _MS
FULL = 8192  # samples in a block at most: decoded in 40 us, and larger ones are hardly denser
_TOGETHER = 2**14  # samples that are worked on at once: 128 kB a column
_AT_ONCE = 2000  # spans in one query; SQLite takes 32,766 parameters, and a span is three
_COLUMNS = [field.name for field in fields(Rows)]
_WHOLE = {"count", "start", "covered_ms"}


class Granularity(IntEnum):
    """What a block holds. Public numbers: they are in the database."""

    RAW = 0
    MINUTE = 1
    HOUR = 2


WIDTH_MS = {Granularity.MINUTE: 60_000, Granularity.HOUR: 3_600_000}
HOUR_MS = WIDTH_MS[Granularity.HOUR]
SLOT_MS = {Granularity.RAW: DAY_MS, Granularity.MINUTE: DAY_MS, Granularity.HOUR: 32 * DAY_MS}


class Block(NamedTuple):
    """A row of store_block; times in milliseconds since 1970, half-open."""

    id: int
    series: int
    start_ms: int
    end_ms: int
    size: int  # samples or buckets in it
    payload: bytes


class Span(NamedTuple):
    """A stretch of one series that is wanted: from ``start_ms`` to before ``end_ms``."""

    series: int
    start_ms: int
    end_ms: int


New = tuple[int, int, int, int, int, bytes]
"""series, granularity, start_ms, end_ms, count, payload"""


_TOUCHING = (
    # CROSS JOIN: SQLite keeps the order written, span by span through the blocks' index.
    " FROM span CROSS JOIN store_block b WHERE b.series = span.series AND b.granularity = %s"
    " AND b.start_ms < span.high AND b.start_ms > span.low - %s AND b.end_ms > span.low"
)


def touching(cursor: Any, granularity: Granularity, spans: Sequence[Span]) -> Iterator[Block]:
    """Blocks that share time with any of the spans: in order of time within each span.

    Few queries whatever the number of spans. A block that touches two spans comes twice.
    """
    for part in _portions(spans):
        cursor.execute(
            f"WITH span(series, low, high) AS (VALUES {_places(part)})"
            f" SELECT b.id, b.series, b.start_ms, b.end_ms, b.count, b.payload {_TOUCHING}"
            " ORDER BY b.series, b.start_ms",
            [*_flat(part), granularity, SLOT_MS[granularity]],
        )
        yield from map(Block._make, cursor.fetchall())


_AROUND = """
WITH span(series, low, high) AS (VALUES {places})
SELECT b.id, b.series, b.start_ms, b.end_ms, b.count, b.payload
FROM span CROSS JOIN store_block b
WHERE b.series = span.series AND b.granularity = 0
  AND b.start_ms >= COALESCE((SELECT MIN(near.start_ms) FROM (
    SELECT c.start_ms,
      SUM(CASE WHEN c.end_ms <= span.low THEN c.count ELSE 1 END)
        OVER (ORDER BY c.start_ms DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS nearer
    FROM store_block c WHERE c.series = span.series AND c.granularity = 0
     AND c.start_ms < span.low ORDER BY c.start_ms DESC LIMIT {before}) near
    WHERE COALESCE(near.nearer, 0) < {before}), 0)
  AND b.start_ms <= COALESCE((SELECT MAX(near.start_ms) FROM (
    SELECT c.start_ms,
      SUM(c.count)
        OVER (ORDER BY c.start_ms ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS nearer
    FROM store_block c WHERE c.series = span.series AND c.granularity = 0
     AND c.start_ms >= span.high ORDER BY c.start_ms LIMIT {after}) near
    WHERE COALESCE(near.nearer, 0) < {after}), span.high)
ORDER BY b.series, b.start_ms
"""


def around(
    cursor: Any, spans: Sequence[Span], before: int = BEFORE, after: int = AFTER
) -> Iterator[Block]:
    """Raw blocks that touch any of the spans, and those that hold so many readings around each."""
    for part in _portions(spans):
        query = _AROUND.format(places=_places(part), before=before, after=after)
        cursor.execute(query, _flat(part))
        yield from map(Block._make, cursor.fetchall())


def counts(cursor: Any, granularity: Granularity, spans: Sequence[Span]) -> dict[Span, list[int]]:
    """How much each block holds that touches a span."""
    found: dict[Span, list[int]] = {}
    for part in _portions(spans):
        cursor.execute(
            f"WITH span(series, low, high) AS (VALUES {_places(part)})"
            f" SELECT span.series, span.low, span.high, b.count {_TOUCHING}",
            [*_flat(part), granularity, SLOT_MS[granularity]],
        )
        for *span, count in cursor.fetchall():
            found.setdefault(Span(*span), []).append(count)
    return found


def _portions(spans: Sequence[Span]) -> Iterator[Sequence[Span]]:
    for first in range(0, len(spans), _AT_ONCE):
        yield spans[first : first + _AT_ONCE]


def _places(spans: Sequence[Span]) -> str:
    return ", ".join(["(%s, %s, %s)"] * len(spans))


def _flat(spans: Sequence[Span]) -> list[int]:
    return [number for span in spans for number in span]


def last_before(cursor: Any, series: int, moment_ms: int) -> Block | None:
    """The newest raw block of a series that begins before a moment."""
    cursor.execute(
        "SELECT id, series, start_ms, end_ms, count, payload FROM store_block WHERE series = %s"
        " AND granularity = 0 AND start_ms < %s ORDER BY start_ms DESC LIMIT 1",
        (series, moment_ms),
    )
    row = cursor.fetchone()
    return Block._make(row) if row else None


def first_ending_after(cursor: Any, series: int, moment_ms: int) -> Block | None:
    """The oldest raw block of a series that has a sample after a moment."""
    cursor.execute(
        "SELECT id, series, start_ms, end_ms, count, payload FROM store_block WHERE series = %s"
        " AND granularity = 0 AND start_ms > %s AND end_ms > %s ORDER BY start_ms LIMIT 1",
        (series, moment_ms - SLOT_MS[Granularity.RAW], moment_ms + 1),
    )
    row = cursor.fetchone()
    return Block._make(row) if row else None


def write(cursor: Any, new: Sequence[New]) -> None:
    cursor.executemany(
        "INSERT INTO store_block (series, granularity, start_ms, end_ms, count, payload)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        new,
    )


def delete(cursor: Any, ids: Iterable[int]) -> None:
    """Delete blocks; what those held that could not be read is counted."""
    numbers = list(ids)
    cursor.executemany("DELETE FROM store_block WHERE id = %s", [(one,) for one in numbers])
    lost = sum(damage.forget(Table.BLOCK, one) for one in numbers)
    if lost:
        count_refused(cursor, {Reason.DAMAGED: lost})


def of_samples(parts: Sequence[Part]) -> list[New]:
    """Blocks of the samples of many series; no part may be empty."""
    pieces = [piece for part in parts for piece in _cut(part)]
    return [block for some in portions(pieces) for block in _encoded_together(some)]


def _cut(part: Part) -> Iterator[Part]:
    if 0 < len(part.at) <= FULL and part.at[0] // DAY_MS == part.at[-1] // DAY_MS:
        yield part
        return
    for piece in _pieces(part.at, DAY_MS):
        yield Part(part.series, part.at[piece], part.value[piece])


def portions(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Take parts together until they are as much as numpy works on without leaving the cache.

    Arrays of megabytes are given back to the system after every step, and each page of the next
    one has to be asked for again: that took as long as the arithmetic.
    """
    together: list[Part] = []
    size = 0
    for part in parts:
        together.append(part)
        size += len(part.at)
        if size >= _TOGETHER:
            yield together
            together, size = [], 0
    if together:
        yield together


def _encoded_together(pieces: Sequence[Part]) -> Iterator[New]:
    bounds = [0, *accumulate(len(piece.at) for piece in pieces)]
    at = codec.encode_ints(np.concatenate([piece.at for piece in pieces]), bounds)
    value = codec.encode_floats(np.concatenate([piece.value for piece in pieces]), bounds)
    for (series, moments, _), *columns in zip(pieces, at, value, strict=True):
        start, end = int(moments[0]), int(moments[-1]) + 1
        yield series, Granularity.RAW, start, end, len(moments), codec.pack(columns)


def samples(block: Block) -> tuple[Ints, Floats]:
    """The samples of a block; none if it is damaged."""
    found = damage.read(Table.BLOCK, block.id, block.size, partial(_samples, block))
    return found or (np.empty(0, np.int64), np.empty(0))


def _samples(block: Block) -> tuple[Ints, Floats]:
    at_column, value_column = codec.unpack(block.payload, 2)
    at = codec.decode_ints(at_column, block.size)
    value = codec.decode_floats(value_column, block.size)
    if at[0] != block.start_ms or at[-1] != block.end_ms - 1 or len(value) != len(at):
        raise ValueError("its samples are not those that its row names")
    if not np.isfinite(value).all():
        raise ValueError("a value is no number")
    return at, value


def of_rows(granularity: Granularity, parts: Sequence[tuple[int, Rows]]) -> list[New]:
    """Blocks of the buckets of many series; those in which nothing is known are left out."""
    pieces = [
        (series, known.take(piece))
        for series, rows in parts
        for known in [rows.take(_says_something(rows))]
        for piece in _pieces(known.start, SLOT_MS[granularity])
    ]
    if not pieces:
        return []
    bounds = [0, *accumulate(len(rows) for _, rows in pieces)]
    whole = Rows.join([rows for _, rows in pieces])
    columns = [_encoded(name, getattr(whole, name), bounds) for name in _COLUMNS]
    return [
        (
            series,
            granularity,
            int(rows.start[0]),
            int(rows.start[-1]) + WIDTH_MS[granularity],
            len(rows),
            codec.pack(encoded),
        )
        for (series, rows), *encoded in zip(pieces, *columns, strict=True)
    ]


def _says_something(rows: Rows) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    known = (rows.count > 0) | (rows.covered_ms > 0) | (rows.increase > 0)
    return np.asarray(known | ~np.isnan(rows.minimum))


def _encoded(name: str, column: Any, bounds: Sequence[int]) -> Iterator[bytes]:
    return (codec.encode_ints if name in _WHOLE else codec.encode_floats)(column, bounds)


def rows(block: Block, wanted: Collection[str] = frozenset(_COLUMNS)) -> Rows:
    """The buckets of a block; none if it is damaged.

    Columns that are not wanted are not decoded: they hold zeros.
    """
    found = damage.read(Table.BLOCK, block.id, block.size, partial(_rows, block, wanted))
    return Rows.none() if found is None else found


def _rows(block: Block, wanted: Collection[str]) -> Rows:
    columns = zip(_COLUMNS, codec.unpack(block.payload, len(_COLUMNS)), strict=True)
    decoded: dict[str, Any] = {
        name: _column(name, column, block.size) if name in wanted else np.zeros(block.size)
        for name, column in columns
    }
    if any(len(column) != block.size for column in decoded.values()):
        raise ValueError("a column is not as long as its row says")
    if "start" in wanted and decoded["start"][0] != block.start_ms:
        raise ValueError("its buckets are not those that its row names")
    return Rows(**decoded)


def _column(name: str, column: bytes, size: int) -> Ints | Floats:
    return (codec.decode_ints if name in _WHOLE else codec.decode_floats)(column, size)


def _pieces(at: Ints, slot_ms: int) -> Iterator[slice]:
    """Cut at the edges of slots, and what is longer than FULL into even pieces."""
    if not len(at):
        return
    cuts = [0, len(at)]
    if at[0] // slot_ms != at[-1] // slot_ms:
        cuts[1:1] = (np.flatnonzero(np.diff(at // slot_ms)) + 1).tolist()
    for first, last in pairwise(cuts):
        count = -(-(last - first) // FULL)
        bounds = [first + (last - first) * number // count for number in range(count + 1)]
        yield from map(slice, bounds, bounds[1:])
