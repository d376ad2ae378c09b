"""The newest readings, in words for people: what a machine is doing now."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from meterhouse.live import figures
from meterhouse.live.figures import Figure
from meterhouse.live.graphs import PIXELS_A_POINT, graph
from meterhouse.metering import meters
from meterhouse.metering.periods import Period
from meterhouse.store import reading
from meterhouse.store.reading import Latest, Levels, Stored

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
    past:     the last minutes in the same unit, oldest first, gaps left out
    share:    of its whole (memory in use of all memory), 0 to 1; None if it has none
    whole:    that whole
    is_fresh: whether the reading still stands
    """

    resource: str
    meter: str
    title: str
    value: float | None
    past: tuple[float, ...]
    figure: Figure
    at_ms: int
    is_fresh: bool
    share: float | None = None
    whole: Figure | None = None


@dataclass(frozen=True, slots=True)
class Power:
    """watts: None if no reading stands; measured of known: so many meters of those there are."""

    watts: float | None
    measured: int
    known: int

    @property
    def figure(self) -> Figure:
        return figures.figure(self.watts, "W")


def of(
    resources: Collection[str], *, now_ms: int, using: str = "default"
) -> dict[str, list[Newest]]:
    """The newest readings of each of some resources, in the order of the meters' names."""
    latest: dict[str, dict[str, Latest]] = {each: {} for each in resources}
    for one in reading.latest(resources, using, now_ms=now_ms):
        latest[one.series.resource][one.series.meter] = one
    found: dict[str, list[Newest]] = {each: [] for each in resources}
    for stored in reading.find_on(resources, using):
        resource, meter = stored.series.resource, stored.series.meter
        others = latest[resource]
        hidden = {whole for part, whole in WHOLES.items() if part in others}
        if meter in others and meter not in hidden:
            found[resource].append(_newest(stored, others, now_ms, using))
    return found


def power(levels: Levels, *, now_ms: int) -> Power:
    """What is drawn now: the sum of the newest power readings that still stand."""
    standing = levels.standing(now_ms)
    watts = float(standing.sum()) if len(standing) else None
    return Power(watts, len(standing), len(levels))


def _newest(stored: Stored, others: Mapping[str, Latest], now_ms: int, using: str) -> Newest:
    meter = stored.series.meter
    one, unit = others[meter], figures.display_unit(meter)
    past, rate = _past(stored, one, now_ms, using)
    value = rate if figures.is_rate(meter) else one.value
    whole = others.get(WHOLES.get(meter, ""))
    return Newest(
        resource=one.series.resource,
        meter=meter,
        title=figures.title(meter),
        value=value,
        past=past,
        figure=figures.figure(value, unit),
        at_ms=one.at_ms,
        is_fresh=one.stands(now_ms),
        share=value / whole.value if value is not None and whole and whole.value else None,
        whole=figures.figure(whole.value, figures.display_unit(whole.series.meter))
        if whole
        else None,
    )


def _past(
    stored: Stored, one: Latest, now_ms: int, using: str
) -> tuple[tuple[float, ...], float | None]:
    """The last minutes up to now, and the last known value among them.

    A reading older than those minutes has no past and no rate: what it did then is no news.
    """
    period = Period.from_ms(now_ms - PAST_MS, max(now_ms, one.at_ms + 1))
    average = graph(stored, period, PAST_POINTS * PIXELS_A_POINT, using).average
    known = average[np.isfinite(average)].tolist()
    return tuple(known), known[-1] if known else None
