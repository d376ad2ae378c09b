"""What is known of series: readings, buckets of them, integrals over spans, latest values."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from django.db import connections

from meterhouse.metering.periods import Period
from meterhouse.metering.samples import Series
from meterhouse.store import heads
from meterhouse.store.folding import Floats, Ints, Rows, edges, fold, kind_of

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Stored:
    """A series that has samples, from ``first_ms`` to ``last_ms`` (milliseconds since 1970)."""

    id: int
    series: Series
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """at: int64[n], milliseconds since 1970, ascending, each once; value: float64[n]."""

    at: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """What one series did in each bucket of a period, oldest first; empty buckets too.

    start:      int64[n], milliseconds since 1970: the period's start, then multiples of the width
    count:      int64[n], readings taken
    minimum, maximum, mean: float64[n], of what stood in the bucket, the mean weighted by how long;
                NaN where nothing did
    integral:   float64[n], value x seconds
    increase:   float64[n], how much a cumulative meter grew, what deltas add up to
    covered_ms: int64[n], for how much of the bucket a reading stood
    """

    start: Ints
    count: Ints
    minimum: Floats
    maximum: Floats
    mean: Floats
    integral: Floats
    increase: Floats
    covered_ms: Ints

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True, eq=False)
class Integrals:
    """integral: float64[n], value x seconds; covered_ms: int64[n]. In the order asked for."""

    integral: Floats
    covered_ms: Ints


@dataclass(frozen=True, slots=True)
class Latest:
    series: Series
    at_ms: int
    value: float


def find(
    resource: str | None = None, meter: str | None = None, using: str = "default"
) -> list[Stored]:
    """The series that have samples, of one resource or meter or of all, in order of both."""
    wanted = {"resource": resource, "meter": meter}
    conditions = [f"{column} = %s" for column, value in wanted.items() if value is not None]
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT id, resource, meter, hold_ms, first_ms, last_ms FROM store_series"
            f"{' WHERE ' if conditions else ''}{' AND '.join(conditions)}"
            " ORDER BY resource, meter",
            [value for value in wanted.values() if value is not None],
        )
        rows = cursor.fetchall()
    fresh = _spans(heads.within(0, _FOREVER, using=using))
    return list(_stored(rows, fresh))


_FOREVER = 2**62


def _spans(samples: heads.Samples) -> dict[int, tuple[int, int]]:
    """From series id to its first and last moment."""
    if not len(samples):
        return {}
    order = np.lexsort((samples.at, samples.series))
    ids, first = np.unique(samples.series[order], return_index=True)
    at = samples.at[order]
    last = np.append(first[1:], len(at)) - 1
    return {
        int(number): (int(low), int(high))
        for number, low, high in zip(ids, at[first], at[last], strict=True)
    }


def _stored(rows: Sequence[Any], fresh: dict[int, tuple[int, int]]) -> Iterator[Stored]:
    for number, resource, meter, hold_ms, first_ms, last_ms in rows:
        spans = [fresh[number]] if number in fresh else []
        if first_ms is not None:
            spans.append((first_ms, last_ms))
        if spans:
            first, last = min(s[0] for s in spans), max(s[1] for s in spans)
            yield Stored(number, Series(resource, meter, hold_ms), first, last)


def read(series: Stored | Series, period: Period, using: str = "default") -> Readings:
    """Every reading in a period: oldest first, one a moment, the last recorded of several."""
    known = _known(series, using)
    if known is None:
        return Readings(np.empty(0, np.int64), np.empty(0))
    return Readings(*_raw(known.id, period.start_ms, period.end_ms, using))


def buckets(
    series: Stored | Series, period: Period, width: timedelta, using: str = "default"
) -> Buckets:
    """What a series did in each bucket of a period.

    Buckets begin at multiples of the width since 1970, UTC, whatever the period, so that a graph
    does not wobble as time moves on; the first and last are cut to the period.
    """
    cuts = edges(period.start_ms, period.end_ms, width // _MS)
    return _shown(_rows(_known(series, using), cuts, using))


def _shown(rows: Rows) -> Buckets:
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(rows.covered_ms > 0, rows.integral * 1000 / rows.covered_ms, np.nan)
        mean = np.where(np.isnan(mean), rows.sum / rows.count, mean)
    columns = (rows.start, rows.count, rows.minimum, rows.maximum, mean)
    return Buckets(*columns, rows.integral, rows.increase, rows.covered_ms)


def _rows(known: Stored | None, cuts: Ints, using: str) -> Rows:
    if known is None:
        return fold(np.empty(0, np.int64), np.empty(0), cuts, hold_ms=0, kind=kind_of(""))
    hold_ms, kind = known.series.hold_ms, kind_of(known.series.meter)
    at, value = _raw(known.id, 0, int(cuts[-1]), using)
    return fold(at, value, cuts, hold_ms=hold_ms, kind=kind)


def integrals(
    wanted: Sequence[tuple[str, int, int]], meter: str, using: str = "default"
) -> Integrals:
    """Value x seconds of one meter over many spans (resource, start_ms, end_ms).

    Cutting a span in two and adding gives the same.
    """
    known = {one.series.resource: one for one in find(meter=meter, using=using)}
    rows = [
        _rows(known.get(resource), np.array([start, end], np.int64), using)
        for resource, start, end in wanted
    ]
    return Integrals(
        np.array([row.integral[0] for row in rows], np.float64),
        np.array([row.covered_ms[0] for row in rows], np.int64),
    )


def latest(resources: Collection[str] | None = None, using: str = "default") -> list[Latest]:
    """The newest reading of every series, of some resources or of all, in order of both names."""
    return [
        Latest(one.series, one.last_ms, float(_raw(one.id, one.last_ms, _FOREVER, using)[1][-1]))
        for one in find(using=using)
        if resources is None or one.series.resource in resources
    ]


def _known(series: Stored | Series, using: str) -> Stored | None:
    if isinstance(series, Stored):
        return series
    return next(iter(find(series.resource, series.meter, using)), None)


def _raw(number: int, start_ms: int, end_ms: int, using: str) -> tuple[Ints, Floats]:
    samples = heads.within(start_ms, end_ms, ids=[number], using=using)
    # Stable, so that of several readings at one moment the last recorded is the last.
    order = np.argsort(samples.at, kind="stable")
    at, value = samples.at[order], samples.value[order]
    last = np.append(at[1:] != at[:-1], np.ones(min(len(at), 1), np.bool_))
    return at[last], value[last]
