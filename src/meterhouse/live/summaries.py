"""What a series did in the whole of a period, in a few figures.

Unlike the points of a graph these do not depend on a screen: the average is weighted by how long
each reading stood, and a total is what was added up, with how much of the period is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from meterhouse.live import figures
from meterhouse.live.figures import NOTHING, Figure
from meterhouse.live.graphs import Graph, clipped, graph
from meterhouse.metering.meters import METERS, POWER, Kind
from meterhouse.metering.periods import Period
from meterhouse.store import reading
from meterhouse.store.reading import Buckets, Stored

_HOUR_MS = 3_600_000
_LAST_PX = 4000  # wide enough for the last readings to be drawn one by one


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of a period; ``NOTHING`` where nothing is known.

    total:   of power the energy, of what only grows the increase; None for what does not add up
    covered: 0 to 1, of how much of the period a reading stood
    """

    minimum: Figure
    average: Figure
    maximum: Figure
    last: Figure
    total: Figure | None
    covered: float


def summary(
    series: Stored, drawn: Graph, stretches: Sequence[tuple[int, int]], using: str = "default"
) -> Summary:
    """Sum up a series over the period of its graph, within the stretches (milliseconds)."""
    inside = [
        reading.buckets(series, each, _whole_hours(each), using)
        for each in _within(drawn.period, stretches)
    ]
    covered_s = sum(float(each.covered_ms.sum()) for each in inside) / 1000
    added = _added(series, inside) if covered_s else None
    least, most = _ends(drawn, inside)
    length_s = drawn.period.length.total_seconds()
    return Summary(
        minimum=figures.figure(least, drawn.unit),
        average=figures.figure(added / covered_s, drawn.unit) if added is not None else NOTHING,
        maximum=figures.figure(most, drawn.unit),
        last=figures.figure(_last(series, drawn, stretches, using), drawn.unit),
        total=figures.total(series.series.meter, added) if _adds_up(series) else None,
        covered=min(covered_s / length_s, 1.0) if length_s else 0.0,
    )


def _adds_up(series: Stored) -> bool:
    known = METERS.get(series.series.meter)
    return known is not None and (known.kind is not Kind.GAUGE or known == POWER)


def _added(series: Stored, inside: Sequence[Buckets]) -> float:
    """Value x seconds of a level; the increase of everything else."""
    known = METERS.get(series.series.meter)
    if known is None or known.kind is Kind.GAUGE:
        return sum(float(each.integral.sum()) for each in inside)
    return sum(float(each.increase.sum()) for each in inside)


def _ends(drawn: Graph, inside: Sequence[Buckets]) -> tuple[float | None, float | None]:
    """Least and greatest: of a level's readings, of a rate as it is drawn."""
    if drawn.is_rate:
        low = high = drawn.average
    else:
        low = np.concatenate([each.minimum for each in inside]) if inside else np.empty(0)
        high = np.concatenate([each.maximum for each in inside]) if inside else np.empty(0)
    low, high = low[np.isfinite(low)], high[np.isfinite(high)]
    return (float(low.min()), float(high.max())) if len(low) else (None, None)


def _last(
    series: Stored, drawn: Graph, stretches: Sequence[tuple[int, int]], using: str
) -> float | None:
    """The last reading of the period; where readings are kept no more, the last point drawn."""
    end_ms = min(drawn.period.end_ms, series.last_ms + 1)
    start_ms = max(end_ms - 2 * series.series.hold_ms, 0)
    if start_ms < end_ms:
        newest = graph(series, Period.from_ms(start_ms, end_ms), _LAST_PX, using)
        found = clipped(newest, _moments(drawn.period, stretches)).average
        if np.isfinite(found).any():
            return float(found[np.isfinite(found)][-1])
    known = drawn.average[np.isfinite(drawn.average)]
    return float(known[-1]) if len(known) else None


def _within(period: Period, stretches: Sequence[tuple[int, int]]) -> list[Period]:
    return [Period.from_ms(start, end) for start, end in _moments(period, stretches)]


def _moments(period: Period, stretches: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The stretches cut to the period, those that adjoin put together (milliseconds)."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(stretches):
        start, end = max(first, period.start_ms), min(last, period.end_ms)
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _whole_hours(period: Period) -> timedelta:
    """A width that makes two buckets at most, and lets the store read hours."""
    length_ms = period.end_ms - period.start_ms
    return timedelta(milliseconds=-(-length_ms // _HOUR_MS) * _HOUR_MS)
