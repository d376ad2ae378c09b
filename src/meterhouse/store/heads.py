"""The head: one row for each recorded batch, cheap to write, merged on read, soon sealed."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from meterhouse.store import damage, packing
from meterhouse.store.damage import Table
from meterhouse.store.holds import VERSION

_INSERT = (
    "INSERT INTO store_head (min_ms, max_ms, count, series, at, value)"
    f" SELECT %s, %s, %s, %s, %s, %s WHERE {VERSION} = %s"
)
_SELECT = "SELECT id, min_ms, max_ms, count, series, at, value FROM store_head"


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples of many series, as columns of equal length, in the order they were recorded.

    series: uint32[n], ids
    at:     int64[n], milliseconds since 1970
    value:  float64[n]
    """

    series: NDArray[np.uint32]
    at: NDArray[np.int64]
    value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.at)

    def only(self, which: "NDArray[np.bool_] | NDArray[np.intp]") -> "Samples":
        return Samples(self.series[which], self.at[which], self.value[which])


class Row(NamedTuple):
    """A row of store_head."""

    id: int
    min_ms: int
    max_ms: int
    size: int
    series: bytes
    at: bytes
    value: bytes

    @property
    def layout(self) -> tuple[object, ...]:
        """The same for rows that are unpacked together."""
        return self.series, self.size, len(self.at), len(self.value), self.value[:1]

    @property
    def is_sound(self) -> bool:
        """Whether it can be unpacked; said once in the log if not."""
        lengths = len(self.series), len(self.at), len(self.value)
        if packing.fits(self.size, *lengths, bytes(self.value[:1])):
            return True
        damage.note(Table.HEAD, self.id, self.size, "its columns are not as long as it says")
        return False


class Span(NamedTuple):
    """The first and last moment of some samples."""

    first_ms: int
    last_ms: int

    @classmethod
    def of(cls, samples: Samples) -> "Span":
        return cls(int(samples.at.min()), int(samples.at.max()))


def insertion(
    samples: Samples, span: Span, version: int, packed: bytes | None = None
) -> tuple[str, tuple[object, ...]]:
    """The statement that writes samples, at least one, as one row.

    It writes none if their holds have been changed since it was made.

    version: of the holds (``holds.version``)
    packed:  their ids, if somebody has them so
    """
    blobs = (
        packed or packing.pack_series(samples.series),
        packing.pack_times(samples.at, *span),
        packing.pack_values(samples.value),
    )
    return _INSERT, (*span, len(samples), *blobs, version)


def within(cursor: Any, start_ms: int, end_ms: int, ids: Collection[int]) -> Samples:
    """The samples of some series in the head from ``start_ms`` to before ``end_ms``."""
    cursor.execute(f"{_SELECT} WHERE max_ms >= %s AND min_ms < %s ORDER BY id", (start_ms, end_ms))
    samples = joined(list(map(Row._make, cursor.fetchall())), ids)
    return samples.only((samples.at >= start_ms) & (samples.at < end_ms))


def of_row(cursor: Any, row: int, ids: Collection[int]) -> Samples:
    """The samples of some series in one row."""
    cursor.execute(f"{_SELECT} WHERE id = %s", (row,))
    return joined(list(map(Row._make, cursor.fetchall())), ids)


def oldest(cursor: Any, samples: int) -> list[Row]:
    """The first rows, with so many samples or one row more, to be joined and deleted."""
    cursor.execute("SELECT id, count FROM store_head ORDER BY id")
    numbered = cursor.fetchall()
    counts = np.cumsum([count for _, count in numbered])
    last = numbered[min(int(np.searchsorted(counts, samples)), len(numbered) - 1)][0]
    cursor.execute(f"{_SELECT} WHERE id <= %s ORDER BY id", (last,))
    return list(map(Row._make, cursor.fetchall()))


def every(cursor: Any) -> Iterator[Row]:
    """All rows, one after the other."""
    cursor.execute(f"{_SELECT} ORDER BY id")
    yield from map(Row._make, cursor)


def delete(cursor: Any, rows: Sequence[Row]) -> None:
    cursor.executemany("DELETE FROM store_head WHERE id = %s", [(row.id,) for row in rows])


def joined(rows: Sequence[Row], ids: Collection[int] | None = None) -> Samples:
    """The samples of rows, of all series or of some, in the order they were recorded."""
    layouts: dict[object, list[int]] = {}
    for number, row in enumerate(rows):
        layouts.setdefault(row.layout, []).append(number)
    parts, order = [], []
    for numbers in layouts.values():
        first = rows[numbers[0]]
        if not first.is_sound:
            continue
        series = packing.unpack_series(first.series, first.size)
        places = np.arange(len(series)) if ids is None else np.flatnonzero(among(series, ids))
        if len(places):
            parts.append(_unpacked([rows[number] for number in numbers], series, places))
            order.append(np.repeat(numbers, len(places)))
    return _in_order(parts, order)


def _unpacked(rows: Sequence[Row], series: NDArray[np.uint32], places: Any) -> Samples:
    """The samples at some places of rows of one layout."""
    size = rows[0].size
    if len(places) == size:
        places = slice(None)
    at = packing.unpack_times([r.at for r in rows], [r.min_ms for r in rows], size, places)
    value = packing.unpack_values([row.value for row in rows], size, places)
    return Samples(np.tile(series[places], len(rows)), at.ravel(), value.ravel())


def _in_order(parts: Sequence[Samples], order: Sequence[NDArray[np.intp]]) -> Samples:
    if not parts:
        return Samples(np.empty(0, np.uint32), np.empty(0, np.int64), np.empty(0, np.float64))
    if len(parts) == 1:
        return parts[0]
    whole = Samples(
        np.concatenate([part.series for part in parts]),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.value for part in parts]),
    )
    return whole.only(np.argsort(np.concatenate(order), kind="stable"))


def among(series: NDArray[np.uint32], ids: Collection[int]) -> NDArray[np.bool_]:
    """Which of ``series`` are in ``ids``."""
    if len(ids) < 2:
        return np.equal(series, next(iter(ids), 0))
    return np.isin(series, np.fromiter(ids, np.uint32, len(ids)))
