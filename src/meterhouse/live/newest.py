"""The newest readings, in words for people: what a machine is doing now."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from meterhouse.live import figures
from meterhouse.live.figures import Figure
from meterhouse.live.graphs import PIXELS_A_POINT, graph
from meterhouse.metering import meters
from meterhouse.metering.periods import Period
from meterhouse.store import reading
from meterhouse.store.reading import Latest, Stored

WHOLES = {
    meters.MEMORY_USED.name: meters.MEMORY_TOTAL.name,
    meters.DISK_USED.name: meters.DISK_TOTAL.name,
    meters.CPU_TIME.name: meters.CPU_COUNT.name,
}
"""Of what a meter is a part: that meter is then not shown by itself."""

PAST_MS = 5 * 60_000  # how far back the line beside a reading goes
PAST_POINTS = 60


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest reading of one series, or the rate between its last two.

    value:    in the meter's display unit; None if the rate is not known yet
    share:    of its whole (memory in use of all memory), 0 to 1; None if it has none
    whole:    that whole
    is_fresh: whether the reading still stands
    """

    resource: str
    meter: str
    title: str
    value: float | None
    figure: Figure
    at_ms: int
    is_fresh: bool
    share: float | None = None
    whole: Figure | None = None


def of(resources: Collection[str], *, now_ms: int, using: str = "default") -> list[Newest]:
    """The newest readings of some resources, in the order of the resources' and meters' names."""
    shown = []
    for resource in sorted(resources):
        latest = {one.series.meter: one for one in reading.latest([resource], using)}
        hidden = {whole for part, whole in WHOLES.items() if part in latest}
        shown += [
            _newest(one, latest, now_ms, using)
            for meter, one in latest.items()
            if meter not in hidden
        ]
    return shown


def power(resources: Collection[str] | None, *, now_ms: int, using: str = "default") -> "Power":
    """What is drawn now: the sum of the newest power readings that still stand."""
    watts = [
        one for one in reading.latest(resources, using) if one.series.meter == meters.POWER.name
    ]
    fresh = [one.value for one in watts if _is_fresh(one, now_ms)]
    return Power(sum(fresh) if fresh else None, len(fresh), len(watts))


@dataclass(frozen=True, slots=True)
class Power:
    """watts: None if no reading stands; measured of known: so many meters of those there are."""

    watts: float | None
    measured: int
    known: int

    @property
    def figure(self) -> Figure:
        return figures.figure(self.watts, "W")


def past(series: Stored, *, now_ms: int, using: str = "default") -> list[float]:
    """The last minutes of a series in its display unit, for a line beside its value."""
    period = Period.from_ms(now_ms - PAST_MS, now_ms)
    average = graph(series, period, PAST_POINTS * PIXELS_A_POINT, using).average
    return [float(value) for value in average[np.isfinite(average)]]


def _newest(one: Latest, others: dict[str, Latest], now_ms: int, using: str) -> Newest:
    meter = one.series.meter
    value = rate(one, using) if figures.is_rate(meter) else one.value
    unit = figures.display_unit(meter)
    whole = others.get(WHOLES.get(meter, ""))
    return Newest(
        resource=one.series.resource,
        meter=meter,
        title=figures.title(meter),
        value=value,
        figure=figures.figure(value, unit),
        at_ms=one.at_ms,
        is_fresh=_is_fresh(one, now_ms),
        share=value / whole.value if value is not None and whole and whole.value else None,
        whole=figures.figure(whole.value, figures.display_unit(whole.series.meter))
        if whole
        else None,
    )


def rate(one: Latest, using: str = "default") -> float | None:
    """The increase in each second between the last two readings; None over a gap or a restart."""
    start = max(one.at_ms - one.series.hold_ms, 0)
    found = reading.read(one.series, Period.from_ms(start, one.at_ms + 1), using)
    if len(found) < 2:
        return None
    grown, passed = found.value[-1] - found.value[-2], found.at[-1] - found.at[-2]
    return float(grown * 1000 / passed) if grown >= 0 else None


def _is_fresh(one: Latest, now_ms: int) -> bool:
    return now_ms - one.at_ms < one.series.hold_ms


def series_of(resources: Iterable[str], using: str = "default") -> list[Stored]:
    """All series of some resources."""
    return [found for each in resources for found in reading.find(resource=each, using=using)]
