"""When listings were complete: kept day by day, asked for neighbours and for silences.

A list stands for what exists until the next one comes, but at most its hold: three times the
usual distance, and at least an hour. Beyond it the source was silent.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from django.db import connections
from numpy.typing import NDArray

from meterhouse.inventory.facts import FOREVER, ListingInfo, Watch
from meterhouse.inventory.runs import Moment
from meterhouse.metering.periods import Period

DAY_MS = 86_400_000
HOLD_DISTANCES = 3
"""How many usual distances a list stands for."""

SHORTEST_HOLD_MS = 3_600_000
USUAL_OF = 16
"""The usual distance is the median of so many before; a listing's first ones share theirs."""

_AROUND = """
SELECT day, moments FROM (SELECT day, moments FROM inventory_sighting
  WHERE listing_id = %s AND day <= %s ORDER BY day DESC LIMIT 2) AS earlier
UNION ALL
SELECT day, moments FROM (SELECT day, moments FROM inventory_sighting
  WHERE listing_id = %s AND day > %s ORDER BY day LIMIT 1) AS later
"""

_KEEP = """
INSERT INTO inventory_sighting (listing_id, day, moments) VALUES (%s, %s, %s)
ON CONFLICT (listing_id, day) DO UPDATE SET moments = excluded.moments
"""

_WATCHED = """
SELECT listing.source, listing.kind, sighting.day, sighting.moments
FROM inventory_listing AS listing JOIN (
  SELECT listing_id, day, moments,
    ROW_NUMBER() OVER (PARTITION BY listing_id, day < %s ORDER BY day DESC) AS back,
    ROW_NUMBER() OVER (PARTITION BY listing_id, day > %s ORDER BY day) AS forth
  FROM inventory_sighting
) AS sighting ON sighting.listing_id = listing.id
WHERE sighting.day BETWEEN %s AND %s
   OR (sighting.day < %s AND sighting.back <= %s)
   OR (sighting.day > %s AND sighting.forth <= %s)
ORDER BY listing.source, listing.kind, sighting.day
"""


_LAST = """
SELECT listing.source, listing.kind, sighting.day, sighting.moments,
  listing.repeated, listing.late, listing.problem
FROM inventory_listing AS listing
LEFT JOIN (
  SELECT listing_id, MAX(day) AS day FROM inventory_sighting GROUP BY listing_id
) AS newest ON newest.listing_id = listing.id
LEFT JOIN inventory_sighting AS sighting
  ON sighting.listing_id = listing.id AND sighting.day = newest.day
ORDER BY listing.source, listing.kind
"""


class Moments:
    """The complete moments of one listing around one moment. One query to read, one to add."""

    def __init__(self, listing_id: int, at_ms: int, using: str = "default") -> None:
        self._listing, self._at, self._using = listing_id, at_ms, using
        self._day = at_ms // DAY_MS
        with connections[using].cursor() as cursor:
            cursor.execute(_AROUND, [listing_id, self._day, listing_id, self._day])
            days = {int(day): _unpack(int(day), packed) for day, packed in cursor.fetchall()}
        self._today = days.get(self._day, np.empty(0, np.int64))
        self._all = _joined([days[day] for day in sorted(days)])

    def __contains__(self, at_ms: int) -> bool:
        return bool(np.isin(at_ms, self._all))

    def moment(self, *, complete: bool) -> Moment:
        earlier, later = self._all[self._all < self._at], self._all[self._all > self._at]
        before = int(earlier[-1]) if len(earlier) else None
        after = int(later[0]) if len(later) else FOREVER
        return Moment(self._at, before, after, complete)

    def add(self) -> None:
        """Keep that the listing was complete at this moment."""
        offsets = np.append(self._today, self._at) - self._day * DAY_MS
        packed = np.sort(offsets).astype("<u4").tobytes()
        with connections[self._using].cursor() as cursor:
            cursor.execute(_KEEP, [self._listing, self._day, packed])


def _unpack(day: int, packed: bytes) -> NDArray[np.int64]:
    return np.frombuffer(packed, "<u4").astype(np.int64) + day * DAY_MS


def _joined(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def listings(using: str = "default") -> tuple[ListingInfo, ...]:
    """Every listing there is, by source and kind. One query."""
    with connections[using].cursor() as cursor:
        cursor.execute(_LAST)
        return tuple(
            ListingInfo(
                source, kind, None if day is None else int(_unpack(day, packed)[-1]), *rest
            )
            for source, kind, day, packed, *rest in cursor.fetchall()
        )


def watches(period: Period, using: str = "default") -> tuple[Watch, ...]:
    """How each listing was watched in a period, by source and kind."""
    found: dict[tuple[str, str], list[NDArray[np.int64]]] = {}
    for source, kind, day, packed in _days(period, using):
        found.setdefault((source, kind), []).append(_unpack(day, packed))
    return tuple(
        _watch(source, kind, _joined(parts), period) for (source, kind), parts in found.items()
    )


def _watch(source: str, kind: str, moments: NDArray[np.int64], period: Period) -> Watch:
    # Moments before the period are there if there are any: otherwise the first is the first ever.
    begun = int(moments[0]) if len(moments) and moments[0] > period.start_ms else 0
    return Watch(source, kind, silences(moments, period), begun)


def _days(period: Period, using: str) -> list[tuple[Any, ...]]:
    """The days of the period, and as many before and after as the usual distance needs."""
    first, last = period.start_ms // DAY_MS, period.end_ms // DAY_MS
    with connections[using].cursor() as cursor:
        given = [first, last, first, last, first, USUAL_OF + 1, last, USUAL_OF // 2 + 1]
        cursor.execute(_WATCHED, given)
        return list(cursor.fetchall())


def silences(moments: NDArray[np.int64], period: Period) -> tuple[tuple[int, int], ...]:
    """The stretches of a period that no list stands for.

    moments: int64[n] ascending: all of the period, USUAL_OF + 1 before it and half as many after
             it, or all there are

    Additive: cutting the period in two cuts the stretches, and changes nothing else.
    """
    start, end = period.start_ms, period.end_ms
    if not len(moments):
        return ((start, end),) if start < end else ()
    edges = [(0, int(moments[0])), *_beyond_hold(moments)]
    clipped = ((max(a, start), min(b, end)) for a, b in edges)
    return tuple((a, b) for a, b in clipped if a < b)


def _beyond_hold(moments: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    distances = np.diff(moments)
    for index in np.flatnonzero(distances > SHORTEST_HOLD_MS):
        hold = _hold(distances, int(index))
        if distances[index] > hold:
            yield int(moments[index]) + hold, int(moments[index + 1])
    yield int(moments[-1]) + _hold(distances, len(distances)), FOREVER


def _hold(distances: NDArray[np.int64], index: int) -> int:
    """For how long the list before ``distances[index]`` stands."""
    before = distances[max(0, index - USUAL_OF) : index]
    usual = before if len(before) >= USUAL_OF // 4 else distances[: USUAL_OF // 2]
    if not len(usual):
        return SHORTEST_HOLD_MS
    return max(SHORTEST_HOLD_MS, HOLD_DISTANCES * int(np.median(usual)))
