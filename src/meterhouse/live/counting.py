"""The running energy of probes, counted from the store: many probes in few queries."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from meterhouse.live.board import Counted, Counter
from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.store import reading
from meterhouse.store.reading import Latest
from meterhouse.store.states import State
from meterhouse.usage import metered

_HOUR_MS = 3_600_000


Span = tuple[str, int, int]


class Base(NamedTuple):
    """What a probe had used until a moment, in joules, whatever the store still keeps of it."""

    ms: int = 0
    joules: float = 0.0


Bases = Mapping[str, Base]
"""By resource; a probe that has none begins with its first own reading. What was brought from
elsewhere of the time before is not counted: whoever takes differences would bill it all at once.
"""


def counted(
    resources: Collection[str] | None, bases: Bases, now_ms: int, using: str = "default"
) -> list[Counted]:
    """What the store knows now of some probes, or of all."""
    newest = reading.latest(resources, using, meter=POWER.name, now_ms=now_ms)
    resources = [each.series.resource for each in newest]
    reaches = _reaches(resources, now_ms, using)
    own = {state.resource: state for state in reading.recorded(POWER.name, using)}
    begin = [_base(bases, own[resource]) for resource in resources]
    parts = _parts(
        [
            (each.series.resource, base.ms, each.at_ms)
            for each, base in zip(newest, begin, strict=True)
        ],
        reaches,
        using,
    )
    return [
        _counted(each, reaches.get(each.series.resource), base.joules + before, after)
        for each, base, (before, after) in zip(newest, begin, parts, strict=True)
    ]


def _base(bases: Bases, state: State) -> Base:
    base = bases.get(state.resource, Base())
    return base._replace(ms=max(base.ms, state.own_ms or 0))


class _Reach(NamedTuple):
    """Of an energy counter its first reading, and its newest of the past."""

    first_ms: int
    last_ms: int
    value: float


def _reaches(resources: Collection[str], now_ms: int, using: str) -> dict[str, _Reach]:
    found = reading.find(meter=ENERGY.name, using=using)
    firsts = {one.series.resource: one.first_ms for one in found}
    wanted = firsts.keys() & set(resources)
    if not wanted:
        return {}
    return {
        newest.series.resource: _Reach(firsts[newest.series.resource], newest.at_ms, newest.value)
        for newest in reading.latest(wanted, using, meter=ENERGY.name, now_ms=now_ms)
    }


def _counted(each: Latest, reach: _Reach | None, anchor: float, after: float) -> Counted:
    resource, _, hold_ms = each.series
    counter = Counter(reach.last_ms, reach.value, anchor) if reach else None
    return Counted(resource, hold_ms, each.at_ms, each.value, anchor + after, counter)


def _parts(
    spans: Sequence[Span], reaches: Mapping[str, _Reach], using: str
) -> list[tuple[float, float]]:
    """Joules of spans, up to the newest reading of their energy counters and after it.

    Cut where the counter begins and ends, so that no part is one that it covers half.
    """
    cuts: list[Span] = []
    for resource, begin, end_ms in spans:
        start_ms = min(begin, end_ms)
        reach = reaches.get(resource)
        first_ms = max(reach.first_ms, start_ms) if reach else start_ms
        last_ms = max(reach.last_ms, first_ms) if reach else first_ms
        until_ms = max(end_ms, last_ms)
        cuts += [
            (resource, start_ms, first_ms),
            (resource, first_ms, last_ms),
            (resource, last_ms, until_ms),
        ]
    joules = _energy(cuts, using)
    return [
        (before + counted, after)
        for before, counted, after in zip(joules[::3], joules[1::3], joules[2::3], strict=True)
    ]


def _energy(spans: Sequence[Span], using: str) -> list[float]:
    """Joules in each span, by the rule of the house."""
    found: list[float] = (metered.energy_of(spans, using).millijoules / 1000).tolist()
    return found


def moved_on(bases: Bases, using: str = "default") -> dict[str, Base]:
    """The bases that have to move, as readings before them cannot change any more.

    What is recorded late is kept as long as raw readings are; so nothing before that changes, and
    minutes and hours of it may go one day.
    """
    due = [
        (state.resource, base, state.pruned_ms)
        for state in reading.recorded(POWER.name, using)
        for base in [_base(bases, state)]
        if state.pruned_ms - base.ms >= _HOUR_MS
    ]
    reaches = {
        one.series.resource: _Reach(one.first_ms, one.last_ms, 0.0)
        for one in reading.find(meter=ENERGY.name, using=using)
    }
    within = {
        resource: reaches[resource]._replace(last_ms=min(reaches[resource].last_ms, until_ms))
        for resource, _, until_ms in due
        if resource in reaches and reaches[resource].first_ms < until_ms
    }
    spans = [(resource, base.ms, until_ms) for resource, base, until_ms in due]
    parts = _parts(spans, within, using)
    return {
        resource: Base(until_ms, base.joules + before + after)
        for (resource, base, until_ms), (before, after) in zip(due, parts, strict=True)
    }
