"""A series as a graph: few enough points for the screen, and never a line over a gap.

Where the readings themselves are few enough, they are the points; otherwise each point is a
bucket with the least, the average and the greatest of what stood in it. What only grows is shown
as its increase in each second.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from meterhouse.live import figures
from meterhouse.metering.meters import METERS, Kind
from meterhouse.metering.periods import Period
from meterhouse.store import bridging, reading
from meterhouse.store.reading import Buckets, Readings, Stored

Floats = NDArray[np.float64]

PIXELS_A_POINT = 2
READINGS_SHOWN = 1500
"""So many single readings are drawn as they are, whatever the width."""

_LADDER_S = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200, 86_400, 7 * 86_400),
)
"""Widths of buckets that people can name; the coarser ones are whole minutes and hours, as the
store keeps them."""

_HOLD_INTERVALS = 3  # how many intervals a reading stands for (sources.configuration)


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Columns of equal length for a graph; NaN where nothing is known.

    unit:     what the values are in: a display unit of ``figures``
    width_ms: of a bucket; 0 where each point is one reading
    at:       float64[n], seconds since 1970, ascending
    """

    meter: str
    resource: str
    title: str
    unit: str
    is_rate: bool
    period: Period
    width_ms: int
    at: Floats
    minimum: Floats
    average: Floats
    maximum: Floats


def graph(series: Stored, period: Period, width_px: int, using: str = "default") -> Graph:
    """Draw a series over a period, for a screen so many pixels wide."""
    if _may_show_readings(series, period):
        at, value = _readings(series, period, using)
        return _graph(series, period, 0, at, value, value, value)
    width = bucket_width(period, width_px, series.series.hold_ms)
    buckets = reading.buckets(series, period, width, using)
    return _graph(series, period, width // timedelta(milliseconds=1), *_columns(series, buckets))


def _may_show_readings(series: Stored, period: Period) -> bool:
    """Whether they are all there, and few enough; what deltas add up to is no reading."""
    there = period.start_ms >= series.raw_ms
    return (
        there and _kind(series) is not Kind.DELTA and _expected(series, period) <= READINGS_SHOWN
    )


def bucket_width(period: Period, width_px: int, hold_ms: int) -> timedelta:
    """The narrowest width on the ladder that gives no more points than the screen can show.

    Never narrower than the hold of a reading: there would be nothing new in most buckets.
    """
    points = max(width_px // PIXELS_A_POINT, 50)
    least = max(period.length.total_seconds() / points, hold_ms / 1000)
    seconds = next((step for step in _LADDER_S if step >= least), _LADDER_S[-1])
    while seconds < least:
        seconds *= 2
    return timedelta(seconds=seconds)


def _expected(series: Stored, period: Period) -> float:
    """About how many readings a period holds, as far as the series reaches."""
    start, end = max(period.start_ms, series.first_ms), min(period.end_ms, series.last_ms)
    return _HOLD_INTERVALS * max(end - start, 0) / series.series.hold_ms


def _readings(series: Stored, period: Period, using: str) -> tuple[Floats, Floats]:
    """Single readings, with a hole wherever none stood."""
    longest_ms = series.longest_hold_ms
    longer = Period.from_ms(max(period.start_ms - longest_ms, 0), period.end_ms)
    found = reading.read(series, longer, using)
    at, value, hold_ms = found.at, found.value, found.hold_ms
    if _kind(series) is Kind.CUMULATIVE:
        value, at = _rates(series, found), at[1:]
        hold_ms = hold_ms[1:]
    inside = at >= period.start_ms
    return _with_holes(at[inside], value[inside], hold_ms[inside], period.end_ms)


def _rates(series: Stored, found: Readings) -> Floats:
    """Increase in each second between readings; NaN over a gap. A restart counts from zero."""
    at, value = found.at, found.value
    ceiling = bridging.CEILINGS.get(series.series.meter)
    if ceiling:
        step, passed = bridging.steps(at, value, ceiling)
    else:
        step, passed = np.diff(value), np.diff(at)
        step = np.where(step < 0, np.maximum(value[1:], 0), step)
    known = (passed > 0) & (passed <= found.hold_ms[:-1])
    rates: Floats = np.where(known, step * 1000 / np.maximum(passed, 1), np.nan)
    return rates


def _with_holes(
    at: NDArray[np.int64], value: Floats, hold_ms: NDArray[np.int64], end_ms: int
) -> tuple[Floats, Floats]:
    """Put a NaN after every reading that the next one, or the end, does not follow in time."""
    holes = np.flatnonzero(np.diff(at, append=end_ms) > hold_ms) + 1
    filled = np.insert(at, holes, at[holes - 1] + hold_ms[holes - 1])
    return filled / 1000, np.insert(value, holes, np.nan)


def _columns(series: Stored, buckets: Buckets) -> tuple[Floats, Floats, Floats, Floats]:
    at = buckets.start / 1000
    if _kind(series) is Kind.GAUGE:
        return at, buckets.minimum, buckets.mean, buckets.maximum
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = buckets.increase * 1000 / buckets.covered_ms
    rate[buckets.covered_ms == 0] = np.nan
    whole = slice(1, -1) if len(rate) > 2 else slice(None)  # cut buckets would mislead
    return at[whole], rate[whole], rate[whole], rate[whole]


def _graph(series: Stored, period: Period, width_ms: int, *columns: Floats) -> Graph:
    name = series.series.meter
    return Graph(
        name,
        series.series.resource,
        figures.title(name),
        figures.display_unit(name),
        figures.is_rate(name),
        period,
        width_ms,
        *columns,
    )


def _kind(series: Stored) -> Kind:
    known = METERS.get(series.series.meter)
    return known.kind if known else Kind.GAUGE


def clipped(whole: Graph, stretches: Sequence[tuple[int, int]]) -> Graph:
    """The same graph with nothing in it but what lies wholly in the stretches (milliseconds)."""
    start = (whole.at * 1000).astype(np.int64)
    end = start + whole.width_ms
    inside = np.zeros(len(start), np.bool_)
    for first, last in stretches:
        inside |= (start >= first) & (end <= last) & (start < last)
    return replace(
        whole,
        minimum=np.where(inside, whole.minimum, np.nan),
        average=np.where(inside, whole.average, np.nan),
        maximum=np.where(inside, whole.maximum, np.nan),
    )
