"""Which series there are, and the number that stands for each."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from django.db import connections, transaction
from numpy.typing import NDArray

from meterhouse.metering.meters import METERS
from meterhouse.metering.names import is_plain
from meterhouse.metering.samples import Series
from meterhouse.store import packing
from meterhouse.store.holds import EVER

_SERIES_KEPT = 1_000_000  # beyond this the cache starts anew, rather than grow for ever
_TUPLES_KEPT = 1_024
_LOOK_UP_AT_ONCE = 400  # pairs in one query: SQLite takes 32,766 parameters, and plans get slow


class Known(NamedTuple):
    """A tuple of series and the id of each, in order; 0 where the meter is unknown or the
    resource has a name that holds nowhere.

    since:   int64[n], from when on the readings of each have the hold that it is named with;
             EVER where they do not, or nobody has looked
    version: of the holds, when that was so; until it is another it is so still
    each:   0, 1, 2, ...: the key of columns with one sample of each series
    packed: the ids as the head writes them
    """

    series: tuple[Series, ...]
    ids: NDArray[np.uint32]
    all_known: bool
    each: NDArray[np.uint32]
    packed: bytes
    since: NDArray[np.int64]
    since_ms: int
    version: int

    def stands(self, key: NDArray[np.uint32], at: NDArray[np.int64], first_ms: int) -> bool:
        """Whether samples, the first of them then, have the holds they are named with."""
        return first_ms >= self.since_ms or bool((at >= self.since[key]).all())

    def of(self, key: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """The ids of samples by their keys; ``ids`` itself where there is one of each series."""
        if len(key) == len(self.each) and (key == self.each).all():
            return self.ids
        return self.ids[key]


class Catalogue:
    """Gives series their ids, making those that are new. Remembers only what was committed.

    The bus hands out the same tuple object for the same series, batch after batch; then the
    answer costs one look into a dictionary.
    """

    def __init__(self, using: str) -> None:
        self._using = using
        self._ids: dict[Series, int] = {}
        self._tuples: dict[int, Known] = {}

    def remembered(self, series: tuple[Series, ...]) -> Known | None:
        """The ids of series, if this very tuple was committed before."""
        remembered = self._tuples.get(id(series))
        return remembered if remembered and remembered.series is series else None

    def known(self, series: tuple[Series, ...]) -> Known:
        """The ids of series. Call within a transaction: what is new is written."""
        remembered = self.remembered(series)
        if remembered:
            return remembered
        found = self._look_up(series)
        ids = np.fromiter((found.get(one, 0) for one in series), np.uint32, len(series))
        each = np.arange(len(ids), dtype=np.uint32)
        since = np.full(len(ids), EVER, np.int64)
        transaction.on_commit(lambda: self._note(found), using=self._using)
        packed = packing.pack_series(ids)
        return Known(series, ids, bool(ids.all()), each, packed, since, EVER, 0)

    def remember(self, known: Known) -> None:
        """Remember a tuple as soon as this transaction is committed."""
        transaction.on_commit(lambda: self._remember(known), using=self._using)

    def _note(self, found: dict[Series, int]) -> None:
        if len(self._ids) > _SERIES_KEPT:
            self._ids.clear()
        self._ids.update(found)

    def _remember(self, known: Known) -> None:
        if id(known.series) not in self._tuples and len(self._tuples) >= _TUPLES_KEPT:
            self._tuples.pop(next(iter(self._tuples)))
        # The tuple is kept beside its id(), so that no other object can come to have the same.
        self._tuples[id(known.series)] = known

    def _look_up(self, series: tuple[Series, ...]) -> dict[Series, int]:
        found = {one: self._ids[one] for one in series if one in self._ids}
        # In one order everywhere, so that two recorders never wait for each other in a circle.
        fit = (one for one in series if one.meter in METERS and is_plain(one.resource))
        missing = sorted({one for one in fit if one not in found})
        with connections[self._using].cursor() as cursor:
            for first in range(0, len(missing), _LOOK_UP_AT_ONCE):
                found.update(_find_or_make(cursor, missing[first : first + _LOOK_UP_AT_ONCE]))
        return found


def _find_or_make(cursor: Any, series: Sequence[Series]) -> dict[Series, int]:
    there = _select(cursor, series)
    new = {one[:2]: one for one in series if one[:2] not in there}
    if new:
        places = ", ".join(["(%s, %s, %s, 0, 0, 0)"] * len(new))
        cursor.execute(
            "INSERT INTO store_series"
            " (resource, meter, hold_ms, folded_ms, pruned_ms, minutes_pruned_ms)"
            f" VALUES {places} ON CONFLICT (resource, meter) DO NOTHING",
            [field for one in new.values() for field in one],
        )
        there = _select(cursor, series)
    return {one: there[one[:2]] for one in series}


def _select(cursor: Any, series: Sequence[Series]) -> dict[tuple[str, str], int]:
    """From (resource, meter) to id, of those of the given series that exist."""
    places = ", ".join(["%s"] * len(series))
    cursor.execute(
        f"SELECT resource, meter, id FROM store_series WHERE resource IN ({places})",
        [one.resource for one in series],
    )
    return {(resource, meter): number for resource, meter, number in cursor.fetchall()}
