"""The head: one row for each recorded batch, cheap to write, merged on read, soon sealed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from django.db import connections
from numpy.typing import NDArray

_INSERT = (
    "INSERT INTO store_head (min_ms, max_ms, count, series, at, value)"
    " VALUES (%s, %s, %s, %s, %s, %s)"
)
_SELECT = "SELECT id, min_ms, count, series, at, value FROM store_head"
_EVER = 2**62
_NARROW = 2**32  # a batch that spans less (49 days) keeps its times in 4 bytes each


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

    def only(self, mask: NDArray[np.bool_]) -> "Samples":
        return Samples(self.series[mask], self.at[mask], self.value[mask])


def append(cursor: Any, samples: Samples) -> None:
    """Write samples, at least one, as one row."""
    at = samples.at
    first, last = int(at.min()), int(at.max())
    times = (at - first).astype(np.uint32) if last - first < _NARROW else at
    blobs = (samples.series.tobytes(), times.tobytes(), samples.value.tobytes())
    cursor.execute(_INSERT, (first, last, len(at), *blobs))


def within(
    start_ms: int, end_ms: int, *, ids: Collection[int] | None = None, using: str
) -> Samples:
    """All samples in the head from ``start_ms`` to before ``end_ms``, of all or some series."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"{_SELECT} WHERE max_ms >= %s AND min_ms < %s ORDER BY id", (start_ms, end_ms)
        )
        samples = joined(cursor.fetchall())
    mask = (samples.at >= start_ms) & (samples.at < end_ms)
    if ids is not None:
        mask &= among(samples.series, ids)
    return samples.only(mask)


class Ends(NamedTuple):
    """The first and last moment of one series in the head (milliseconds since 1970)."""

    first_ms: int
    last_ms: int
    last_value: float


def ends(ids: Sequence[int], *, using: str) -> dict[int, Ends]:
    """From id to its ends, of those series that have samples in the head."""
    samples = within(0, _EVER, ids=ids, using=using)
    if not len(samples):
        return {}
    # Stable: of several readings at one moment the last recorded comes last.
    order = np.lexsort((samples.at, samples.series))
    at, value = samples.at[order], samples.value[order]
    found, first = np.unique(samples.series[order], return_index=True)
    last = np.append(first[1:], len(at)) - 1
    columns = (found.tolist(), at[first].tolist(), at[last].tolist(), value[last].tolist())
    return {one: Ends(*rest) for one, *rest in zip(*columns, strict=True)}


def oldest(cursor: Any, samples: int) -> list[tuple[Any, ...]]:
    """The first rows, with so many samples or one row more, to be joined and deleted."""
    cursor.execute("SELECT id, count FROM store_head ORDER BY id")
    numbered = cursor.fetchall()
    counts = np.cumsum([count for _, count in numbered])
    last = numbered[min(int(np.searchsorted(counts, samples)), len(numbered) - 1)][0]
    cursor.execute(f"{_SELECT} WHERE id <= %s ORDER BY id", (last,))
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def delete(cursor: Any, ids: Sequence[int]) -> None:
    cursor.executemany("DELETE FROM store_head WHERE id = %s", [(one,) for one in ids])


def among(series: NDArray[np.uint32], ids: Collection[int]) -> NDArray[np.bool_]:
    """Which of ``series`` are in ``ids``."""
    if len(ids) < 2:
        return np.equal(series, next(iter(ids), 0))
    return np.isin(series, np.fromiter(ids, np.uint32, len(ids)))


def joined(rows: Sequence[Sequence[Any]]) -> Samples:
    """The samples of head rows (id, min_ms, count, series, at, value), in their order."""
    if not rows:
        return Samples(np.empty(0, np.uint32), np.empty(0, np.int64), np.empty(0, np.float64))
    return Samples(
        np.frombuffer(b"".join([row[3] for row in rows]), np.uint32),
        _times(rows),
        np.frombuffer(b"".join([row[5] for row in rows]), np.float64),
    )


def _times(rows: Sequence[Sequence[Any]]) -> NDArray[np.int64]:
    if all(len(row[4]) == 4 * row[2] for row in rows):
        offsets = np.frombuffer(b"".join([row[4] for row in rows]), np.uint32)
        counts = np.fromiter((row[2] for row in rows), np.int64, len(rows))
        firsts = np.fromiter((row[1] for row in rows), np.int64, len(rows))
        return np.repeat(firsts, counts) + offsets
    return np.concatenate([_row_times(*row[:5]) for row in rows])


def _row_times(_id: int, first: int, count: int, _series: bytes, at: bytes) -> NDArray[np.int64]:
    if len(at) == 8 * count:
        return np.frombuffer(at, np.int64)
    return np.frombuffer(at, np.uint32) + np.int64(first)
