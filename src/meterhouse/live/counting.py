"""The running energy of probes, counted from the store: many probes in few queries."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from meterhouse.live.board import Counted
from meterhouse.live.rows import AHEAD_MS
from meterhouse.metering.meters import POWER
from meterhouse.metering.periods import Period
from meterhouse.store import reading
from meterhouse.store.reading import Latest

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


class Base(NamedTuple):
    """What a probe had used until a moment, in joules, whatever the store still keeps of it."""

    ms: int = 0
    joules: float = 0.0


Bases = Mapping[str, Base]
"""By resource; a probe that has none begins with its first reading."""


def counted(
    resources: Collection[str] | None, bases: Bases, now_ms: int, using: str = "default"
) -> list[Counted]:
    """What the store knows now of some probes, or of all."""
    newest = [
        found
        for each in reading.latest(resources, using, meter=POWER.name)
        for found in _until(each, now_ms, using)
    ]
    begin = [bases.get(each.series.resource, Base()) for each in newest]
    spans = [
        (each.series.resource, min(base.ms, each.at_ms), each.at_ms)
        for each, base in zip(newest, begin, strict=True)
    ]
    since = reading.integrals(spans, POWER.name, using).integral.tolist()
    return [
        Counted(
            each.series.resource,
            each.series.hold_ms,
            each.at_ms,
            each.value,
            base.joules + more,
        )
        for each, base, more in zip(newest, begin, since, strict=True)
    ]


def _until(latest: Latest, now_ms: int, using: str) -> Iterator[Latest]:
    """The newest reading of the past: a clock that was ahead has left some of the future.

    Where none is of the last day, there is nothing to say of now.
    """
    if latest.at_ms <= now_ms + AHEAD_MS:
        yield latest
        return
    past = Period.from_ms(now_ms - _DAY_MS, now_ms + 1)
    found = reading.read(latest.series, past, using)
    if len(found):
        yield replace(latest, at_ms=int(found.at[-1]), value=float(found.value[-1]))


def moved_on(bases: Bases, using: str = "default") -> dict[str, Base]:
    """The bases that have to move, as readings before them cannot change any more.

    What is recorded late is kept as long as raw readings are; so nothing before that changes, and
    minutes and hours of it may go one day.
    """
    due = [
        (state.resource, bases.get(state.resource, Base()), state.pruned_ms)
        for state in reading.recorded(POWER.name, using)
        if state.pruned_ms - bases.get(state.resource, Base()).ms >= _HOUR_MS
    ]
    spans = [(resource, base.ms, until_ms) for resource, base, until_ms in due]
    more = reading.integrals(spans, POWER.name, using).integral.tolist()
    return {
        resource: Base(until_ms, base.joules + joules)
        for (resource, base, until_ms), joules in zip(due, more, strict=True)
    }
