"""The newest and the oldest readings in the head, found without looking at all of them.

The rows are gone through from the newest (or oldest) on, those of one layout after another, only
until no later row can hold anything newer (older) of the series that are wanted.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from meterhouse.store import heads, packing
from meterhouse.store.holds import EVER


class Reading(NamedTuple):
    """One reading and the head row it came in: of two at one moment the later row's holds."""

    at_ms: int
    row: int
    value: float


class _Outline(NamedTuple):
    id: int
    min_ms: int
    max_ms: int
    size: int
    series: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Newest:
    """Columns, one of each series that was asked for, in that order; at: -1 where none is.

    at:     int64[n], milliseconds since 1970
    row:    int64[n]
    value:  float64[n]
    """

    at: NDArray[np.int64]
    row: NDArray[np.int64]
    value: NDArray[np.float64]

    @classmethod
    def of(cls, size: int) -> "Newest":
        return cls(np.full(size, -1, np.int64), np.full(size, -1, np.int64), np.zeros(size))

    def take(self, places: NDArray[np.intp], samples: heads.Samples, row: int) -> None:
        """Take one row's samples, whose series stand at these places, where they are newer."""
        order = np.argsort(samples.at, kind="stable")  # of several at one place the last is taken
        mine = Newest.of(len(self.at))
        mine.at[places[order]] = samples.at[order]
        mine.value[places[order]] = samples.value[order]
        newer = (mine.at > self.at) | ((mine.at == self.at) & (mine.at >= 0) & (self.row < row))
        self.at[newer], self.row[newer], self.value[newer] = mine.at[newer], row, mine.value[newer]


def newest_of(cursor: Any, ids: NDArray[np.int64], before_ms: int = EVER) -> Newest:
    """The newest readings in the head that were taken before a moment. ids: ascending."""
    found = Newest.of(len(ids))
    for mine, rows in _by_layout(cursor, ids.tolist()):
        places = np.searchsorted(ids, mine)
        rows.sort(key=lambda row: row.max_ms, reverse=True)
        for row in rows:
            if row.min_ms >= before_ms:
                continue
            if (found.at[places] > row.max_ms).all():
                break
            samples = heads.of_row(cursor, row.id, mine)
            samples = samples.only(samples.at < before_ms)
            found.take(np.searchsorted(ids, samples.series), samples, row.id)
    return found


def newest(cursor: Any, ids: Collection[int], before_ms: int = EVER) -> dict[int, Reading]:
    """From id to its newest reading in the head before a moment, of those series that have any."""
    ordered = np.array(sorted(ids), np.int64)
    found = newest_of(cursor, ordered, before_ms)
    known = found.at >= 0
    columns = (ordered[known], found.at[known], found.row[known], found.value[known])
    readings = zip(*(column.tolist() for column in columns), strict=True)
    return {one: Reading(*reading) for one, *reading in readings}


def first_moments(cursor: Any, ids: Collection[int]) -> dict[int, int]:
    """From id to its oldest moment in the head (milliseconds since 1970)."""
    found: dict[int, int] = {}
    for mine, rows in _by_layout(cursor, ids):
        rows.sort(key=lambda row: row.min_ms)
        for row in rows:
            if all(one in found and found[one] <= row.min_ms for one in mine):
                break
            for one, reading in _readings(cursor, row.id, mine):
                found[one] = min(found.get(one, reading.at_ms), reading.at_ms)
    return found


def _by_layout(
    cursor: Any, ids: Collection[int]
) -> Iterator[tuple[Sequence[int], list[_Outline]]]:
    """The rows that hold any of the series, by what they hold, and which of the series."""
    cursor.execute("SELECT id, min_ms, max_ms, count, series FROM store_head")
    layouts: dict[tuple[bytes, int], list[_Outline]] = {}
    for row in map(_Outline._make, cursor.fetchall()):
        layouts.setdefault((row.series, row.size), []).append(row)
    for (blob, size), rows in layouts.items():
        if len(blob) not in {4, 4 * size} or size <= 0:
            continue  # damaged: who reads its samples says so
        series = packing.unpack_series(blob, size)
        mine = series[heads.among(series, ids)].tolist()
        if mine:
            yield mine, rows


def _readings(cursor: Any, row: int, ids: Collection[int]) -> Iterator[tuple[int, Reading]]:
    """Oldest first; of several at one moment the one that holds comes last."""
    samples = heads.of_row(cursor, row, ids)
    order = np.argsort(samples.at, kind="stable")
    columns = (samples.series[order], samples.at[order], samples.value[order])
    for one, at, value in zip(*(column.tolist() for column in columns), strict=True):
        yield one, Reading(at, row, value)
