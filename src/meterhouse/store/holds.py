"""For how long readings stand, where that changed: the table of dated holds.

A reading stands as long as it was told when it was recorded. Most series always have one hold:
theirs is in store_series and they have no row here. Of one whose hold changed, each row says from
when on readings have which hold, up to the next row; the last one is what store_series has.
"""

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
EVER = np.iinfo(np.int64).max


class Dated(NamedTuple):
    """The holds of one series, as columns of equal length, at least one, in order of time.

    since: from which moment on readings have a hold (milliseconds since 1970); the first one is
           also that of all before it
    hold:  milliseconds
    """

    since: tuple[int, ...]
    hold: tuple[int, ...]

    def at(self, moments: "Ints | int") -> Ints:
        """The hold of readings taken at some moments."""
        place = np.searchsorted(np.array(self.since[1:], np.int64), moments, side="right")
        found: Ints = np.array(self.hold, np.int64)[place]
        return found

    def reach(self, moment_ms: int) -> int:
        """The earliest moment at which a reading can have been taken that stands at this one."""
        inner = self.since[1:]
        rows = zip((-EVER, *inner), (*inner, EVER), self.hold, strict=True)
        return min(
            (
                max(since, moment_ms - hold)
                for since, end, hold in rows
                if since <= moment_ms < end + hold
            ),
            default=moment_ms,
        )

    def laid(self, start_ms: int, end_ms: int, hold_ms: int) -> "Dated":
        """The same with one hold from a moment to before another, or for EVER."""
        first = (0, *self.since[1:])
        before = [row for row in zip(first, self.hold, strict=True) if row[0] < start_ms]
        after = [row for row in zip(first, self.hold, strict=True) if row[0] > end_ms]
        rows = [*before, (start_ms, hold_ms)]
        if end_ms < EVER:
            rows += [(end_ms, int(self.at(end_ms))), *after]
        kept = rows[:1] + [late for early, late in pairwise(rows) if early[1] != late[1]]
        return Dated(*zip(*kept, strict=True))


_WRITTEN = {"sqlite": "GROUP_CONCAT({0})", "postgresql": "STRING_AGG({0}, ',')"}


def column(cursor: Any) -> str:
    """SQL: all holds of a row of store_series as one text, which ``read`` reads."""
    written = _WRITTEN[cursor.db.vendor].format("h.since_ms || ' ' || h.hold_ms")
    return f"(SELECT {written} FROM store_hold h WHERE h.series = store_series.id)"


@lru_cache(maxsize=1024)  # series of one source change at one moment, and are written alike
def read(text: str | None) -> Dated | None:
    """What ``column`` wrote; None of a series that always had one hold."""
    if text is None:
        return None
    rows = sorted(tuple(map(int, row.split())) for row in text.split(","))
    return Dated(*zip(*rows, strict=True))


LAST = "COALESCE((SELECT MAX(h.since_ms) FROM store_hold h WHERE h.series = store_series.id), 0)"
"""SQL: from when on the readings of a row of store_series have their newest hold."""


def in_force(cursor: Any, meter: str, ids: Ints, at: Ints, newest: Ints) -> Ints:
    """The holds of one reading each of all series of a meter.

    ids:    ascending
    newest: their newest holds
    """
    cursor.execute(
        "SELECT h.series, h.since_ms, h.hold_ms FROM store_hold h"
        " JOIN store_series s ON s.id = h.series WHERE s.meter = %s ORDER BY h.series, h.since_ms",
        [meter],
    )
    series, since, hold = np.array(cursor.fetchall(), np.int64).T
    place = np.searchsorted(ids, series)
    holds = newest.copy()
    is_first = np.append(True, series[1:] != series[:-1])
    reached = is_first | (at[place] >= since)
    holds[place[reached]] = hold[reached]  # of several rows of a series the last one stays
    return holds


def save(cursor: Any, changed: Mapping[int, tuple[Dated, Dated]]) -> None:
    """Write what the holds of series, as they are in the table, become."""
    gone, new = [], []
    for series, (before, after) in changed.items():
        old, rows = ([*zip(one.since, one.hold, strict=True)] for one in (before, after))
        gone += [(series, since_ms) for since_ms, _ in set(old) - set(rows)]
        new += [(series, *row) for row in sorted(set(rows) - set(old))]
    cursor.executemany("DELETE FROM store_hold WHERE series = %s AND since_ms = %s", gone)
    cursor.executemany(
        "INSERT INTO store_hold (series, since_ms, hold_ms) VALUES (%s, %s, %s)", new
    )
    cursor.executemany(
        "UPDATE store_series SET hold_ms = %s WHERE id = %s",
        [(after.hold[-1], series) for series, (_, after) in changed.items()],
    )


VERSION = "(SELECT COALESCE(MAX(id), 0) FROM store_hold)"
"""SQL: a number that changes whenever a hold does; ids are not given twice."""


def version(cursor: Any) -> int:
    cursor.execute(f"SELECT {VERSION}")
    (number,) = cursor.fetchone()
    return int(number)


def lock(cursor: Any) -> None:
    """Let nobody else change holds until this transaction ends."""
    # SQLite has one writer at a time as it is.
    if cursor.db.vendor == "postgresql":
        cursor.execute("LOCK TABLE store_hold IN SHARE ROW EXCLUSIVE MODE")


_FORGET = """
DELETE FROM store_hold WHERE EXISTS (
  SELECT 1 FROM store_series s JOIN store_hold later ON later.series = s.id
  WHERE s.id = store_hold.series AND later.since_ms > store_hold.since_ms
    AND later.since_ms <= s.pruned_ms)
"""
_BEGIN = """
UPDATE store_hold SET since_ms = 0 WHERE since_ms > 0 AND NOT EXISTS (
  SELECT 1 FROM store_hold earlier
  WHERE earlier.series = store_hold.series AND earlier.since_ms < store_hold.since_ms)
"""


def forget(cursor: Any) -> None:
    """Throw away the holds of readings that were all pruned."""
    cursor.execute(_FORGET)
    if cursor.rowcount:
        cursor.execute(_BEGIN)
