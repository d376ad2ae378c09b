"""What is known of series: readings, buckets of them, integrals over spans, latest values."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import compress
from typing import Any

import numpy as np
from django.db import connections
from numpy.typing import NDArray

from meterhouse.metering.periods import Period
from meterhouse.metering.samples import Series
from meterhouse.store import ends, holds, raw, reckoning, states
from meterhouse.store.blocks import DAY_MS, HOUR_MS, Granularity, Span
from meterhouse.store.folding import Floats, Ints, Rows, edges, nothing
from meterhouse.store.holds import EVER
from meterhouse.store.planning import coarsest
from meterhouse.store.reckoning import Question
from meterhouse.store.screening import IN_STEP_MS
from meterhouse.store.snapshot import snapshot
from meterhouse.store.states import State, hour_of

Flags = NDArray[np.bool_]

_MS = timedelta(milliseconds=1)
_SPANS_AT_ONCE = 1000  # in one fetch: bounds the memory, at 1 Hz to some hundred megabytes


@dataclass(frozen=True, slots=True)
class Stored:
    """A series that has samples, from ``first_ms`` to ``last_ms`` (milliseconds since 1970).

    own_ms: from when on they were recorded here; what is known before was brought from elsewhere
    raw_ms: from when on every one of them is there; before, perhaps only minutes or hours
    longest_hold_ms: of all its readings; ``series`` has that of the newest
    """

    id: int
    series: Series
    first_ms: int
    last_ms: int
    own_ms: int
    raw_ms: int
    longest_hold_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Columns of one series.

    at:      int64[n], milliseconds since 1970, ascending, each once
    value:   float64[n]
    hold_ms: int64[n], for how long each stands when no next one comes
    """

    at: Ints
    value: Floats
    hold_ms: Ints

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
    covered_ms: int64[n], for how much of the bucket a reading stood, or a counter is known
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


@dataclass(frozen=True, slots=True, eq=False)
class Increases:
    """increase: float64[n], in the meter's unit; covered_ms: int64[n]. In the order asked for."""

    increase: Floats
    covered_ms: Ints


@dataclass(frozen=True, slots=True)
class Latest:
    series: Series
    at_ms: int
    value: float

    def stands(self, now_ms: int) -> bool:
        """Whether it stands now; what lies in the future does not."""
        return -IN_STEP_MS <= now_ms - self.at_ms < self.series.hold_ms


def find(
    resource: str | None = None, meter: str | None = None, using: str = "default"
) -> list[Stored]:
    """The series that have samples, of one resource or meter or of all, in order of both."""
    with snapshot(using) as cursor:
        return _stored(cursor, _named(cursor, resource, meter))


def find_on(resources: Collection[str], using: str = "default") -> list[Stored]:
    """The series that have samples, of some resources, in order of them and of meters."""
    with snapshot(using) as cursor:
        return _stored(cursor, _of_resources(cursor, resources))


def _stored(cursor: Any, known: Sequence[State]) -> list[Stored]:
    newest = ends.newest(cursor, [state.id for state in known])
    oldest = ends.first_moments(cursor, _may_begin_in_head(cursor, known))
    return [
        Stored(
            state.id,
            _series(state),
            min(firsts),
            max(lasts),
            min(firsts) if state.own_ms is None else state.own_ms,
            state.pruned_ms,
            state.longest_hold_ms,
        )
        for state in known
        for firsts in [_present(state.first_ms, oldest.get(state.id))]
        for lasts in [
            _present(state.last_ms, newest[state.id].at_ms if state.id in newest else None)
        ]
        if firsts and lasts
    ]


def recorded(meter: str, using: str = "default") -> tuple[State, ...]:
    """What is known of every series of a meter, the one that was recorded first first."""
    with connections[using].cursor() as cursor:
        return tuple(states.where(cursor, "meter = %s ORDER BY id", [meter]))


def resources(meter: str, using: str = "default") -> tuple[str, ...]:
    """The resources of every series of a meter, the one that was recorded first first."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT resource FROM store_series WHERE meter = %s ORDER BY id", [meter])
        return tuple(resource for (resource,) in cursor.fetchall())


def _may_begin_in_head(cursor: Any, known: Sequence[State]) -> list[int]:
    """Series of which the head may hold something older than all that is sealed."""
    cursor.execute("SELECT MIN(min_ms) FROM store_head")
    (oldest,) = cursor.fetchone()
    return [
        state.id
        for state in known
        if oldest is not None and (state.first_ms is None or oldest < state.first_ms)
    ]


def _present(*moments: int | None) -> list[int]:
    return [moment for moment in moments if moment is not None]


def _named(cursor: Any, resource: str | None, meter: str | None) -> list[State]:
    wanted = {"resource": resource, "meter": meter}
    conditions = [f"{column} = %s" for column, value in wanted.items() if value is not None]
    values = [value for value in wanted.values() if value is not None]
    return states.where(
        cursor, f"{' AND '.join(conditions) or '1 = 1'} ORDER BY resource, meter", values
    )


def _series(state: State, at_ms: int | None = None) -> Series:
    """A series with the hold of its newest readings, or of one taken at a moment."""
    hold_ms = state.hold_ms if at_ms is None else state.hold_at(at_ms)
    return Series(state.resource, state.meter, hold_ms)


def having(meters: Sequence[str], using: str = "default") -> dict[str, frozenset[str]]:
    """For each of the meters the resources that ever had it. One query."""
    places = ", ".join(["%s"] * len(meters))
    with snapshot(using) as cursor:
        cursor.execute(
            f"SELECT meter, resource FROM store_series WHERE meter IN ({places})", list(meters)
        )
        rows = cursor.fetchall()
    return {meter: frozenset(one for each, one in rows if each == meter) for meter in meters}


def extent(meters: Sequence[str], using: str = "default") -> Period | None:
    """From when until when anything was recorded of some meters, in whole hours; None if nothing.

    Of what is not sealed yet, that of all meters: it may be longer than it need be, never shorter.
    """
    places = ", ".join(["%s"] * len(meters))
    with snapshot(using) as cursor:
        cursor.execute(
            "SELECT MIN(first_ms), MAX(last_ms), MAX(own_ms), MAX(hold_ms) FROM store_series"
            f" WHERE meter IN ({places})",
            list(meters),
        )
        first, last, own, hold_ms = cursor.fetchone()
        cursor.execute("SELECT MIN(min_ms), MAX(max_ms) FROM store_head")
        oldest, newest = cursor.fetchone()
    begun, ended = _present(first, oldest), _present(last, own, newest)
    if not begun or not ended:
        return None
    # A reading may stand for longer than its series says by now.
    end = max(ended) + max(hold_ms or 0, DAY_MS)
    return Period.from_ms(hour_of(min(begun)), hour_of(end + HOUR_MS))


def read(series: Stored | Series, period: Period, using: str = "default") -> Readings:
    """Every reading in a period: oldest first, one a moment, the last recorded of several."""
    with snapshot(using) as cursor:
        state = _state(cursor, series)
        if state is None:
            return Readings(*raw.NOTHING, np.empty(0, np.int64))
        span = Span(state.id, period.start_ms, period.end_ms)
        question = Question(state, span.start_ms, span.end_ms, Granularity.RAW)
        fresh = reckoning.fresh(cursor, [question])
        sealed = raw.within(raw.shelf(cursor, [span]), span)
        at, value = raw.with_fresh(sealed, state, span, fresh)
        return Readings(at, value, np.broadcast_to(state.holds_at(at), len(at)))


def buckets(
    series: Stored | Series, period: Period, width: timedelta, using: str = "default"
) -> Buckets:
    """What a series did in each bucket of a period.

    Buckets begin at multiples of the width since 1970, UTC, whatever the period, so that a graph
    does not wobble as time moves on; the first and last are cut to the period. Read from minutes
    or hours where the width is a multiple of those, whatever the period's ends.
    """
    width_ms = width // _MS
    cuts = edges(period.start_ms, period.end_ms, width_ms)
    with snapshot(using) as cursor:
        state = _state(cursor, series)
        if state is None or period.start_ms == period.end_ms:
            return _shown(nothing(cuts[: 1 if period.start_ms == period.end_ms else None]))
        question = Question(state, period.start_ms, period.end_ms, coarsest(width_ms))
        fresh = reckoning.fresh(cursor, [question])
        return _shown(reckoning.rows(cursor, question, cuts, fresh))


def _shown(rows: Rows) -> Buckets:
    with np.errstate(divide="ignore", invalid="ignore"):
        over_time = rows.integral * 1000 / rows.covered_ms
        mean = np.where(rows.covered_ms > 0, over_time, rows.sum / rows.count)
    columns = (rows.start, rows.count, rows.minimum, rows.maximum, mean)
    return Buckets(*columns, rows.integral, rows.increase, rows.covered_ms)


def integrals(
    wanted: Sequence[tuple[str, int, int]], meter: str, using: str = "default"
) -> Integrals:
    """Value x seconds of one meter over many spans (resource, start_ms, end_ms).

    Cutting a span in two and adding gives the same. Few queries, whatever the number of spans.
    """
    return Integrals(*_over(wanted, meter, reckoning.integrals, using))


def increases(
    wanted: Sequence[tuple[str, int, int]], meter: str, using: str = "default"
) -> Increases:
    """How much one cumulative meter grew over many spans (resource, start_ms, end_ms).

    Cutting a span in two and adding gives the same. Few queries, whatever the number of spans.
    """
    return Increases(*_over(wanted, meter, reckoning.increases, using))


_Answers = Callable[[Any, Sequence[Question], reckoning.Fresh], Iterator[tuple[float, int]]]


def _over(
    wanted: Sequence[tuple[str, int, int]], meter: str, work_out: _Answers, using: str
) -> tuple[Floats, Ints]:
    amount, covered = np.zeros(len(wanted)), np.zeros(len(wanted), np.int64)
    with snapshot(using) as cursor:
        known = {state.resource: state for state in _named(cursor, None, meter)}
        asked = [
            (number, Question(known[resource], start_ms, end_ms, Granularity.HOUR))
            for number, (resource, start_ms, end_ms) in enumerate(wanted)
            if resource in known and start_ms < end_ms
        ]
        # Spans of one series together, so that each block is fetched and decoded once.
        asked.sort(key=lambda one: (one[1].state.id, one[1].start_ms))
        fresh = reckoning.fresh(cursor, [question for _, question in asked])
        for first in range(0, len(asked), _SPANS_AT_ONCE):
            part = asked[first : first + _SPANS_AT_ONCE]
            questions = [question for _, question in part]
            answers = work_out(cursor, questions, fresh)
            for (number, _), answer in zip(part, answers, strict=True):
                amount[number], covered[number] = answer
    return amount, covered


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """Newest readings of one meter, as columns of equal length.

    hold_ms: int64[n], for how long such a reading stands
    at:      int64[n], milliseconds since 1970
    value:   float64[n]
    """

    resources: Sequence[str]
    hold_ms: Ints
    at: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.resources)

    def of(self, resources: Collection[str]) -> "Levels":
        which = np.array([each in resources for each in self.resources], np.bool_)
        kept = tuple(compress(self.resources, which.tolist()))
        return Levels(kept, self.hold_ms[which], self.at[which], self.value[which])

    def stands(self, now_ms: int) -> Flags:
        """Which of the readings stand still; what lies in the future does not."""
        passed = now_ms - self.at
        return (passed < self.hold_ms) & (passed >= -IN_STEP_MS)

    def standing(self, now_ms: int) -> Floats:
        """The values of those."""
        return self.value[self.stands(now_ms)]


_SEALED = f"""
SELECT id, resource, hold_ms, COALESCE(last_ms, -1), COALESCE(last_value, 0), {holds.LAST}
FROM store_series WHERE meter = %s ORDER BY id
"""


def newest(meter: str, using: str = "default", *, now_ms: int | None = None) -> Levels:
    """The newest reading of every series of a meter, for sums of thousands.

    now_ms: what lies after it is not the newest; None: the newest of all, whatever its moment
    """
    before_ms = _before(now_ms)
    with snapshot(using) as cursor:
        cursor.execute(_SEALED, [meter])
        rows = cursor.fetchall()
        ids, resources, *columns = zip(*rows, strict=True) if rows else ((),) * 6
        numbers = np.array(ids, np.int64)
        fresh = ends.newest_of(cursor, numbers, before_ms)
        hold_ms, at, value, since = (np.array(column) for column in columns)
        _step_back(cursor, numbers, at, value, before_ms)
        is_fresh = fresh.at >= at
        at, value = np.where(is_fresh, fresh.at, at), np.where(is_fresh, fresh.value, value)
        if ((at >= 0) & (at < since)).any():
            hold_ms = holds.in_force(cursor, meter, numbers, at, hold_ms)
    whole = Levels(resources, hold_ms, at, value)
    return whole if (at >= 0).all() else whole.of(set(compress(resources, (at >= 0).tolist())))


def _before(now_ms: int | None) -> int:
    """Before when the newest reading was taken, if it is not of the future."""
    return EVER if now_ms is None else now_ms + IN_STEP_MS + 1


def _step_back(cursor: Any, ids: Ints, at: Ints, value: Floats, before_ms: int) -> None:
    """Put the newest sealed readings before a moment in place of those after it; -1: none."""
    ahead = np.flatnonzero(at >= before_ms)
    if not len(ahead):
        return
    earlier = raw.newest_before(cursor, ids[ahead].tolist(), before_ms)
    for place in ahead.tolist():
        at[place], value[place] = earlier.get(int(ids[place]), (-1, 0.0))


def latest(
    resources: Collection[str] | None = None,
    using: str = "default",
    *,
    meter: str | None = None,
    now_ms: int | None = None,
) -> list[Latest]:
    """The newest reading of every series, of some resources or of all, in order of both names.

    meter:  of that meter only
    now_ms: what lies after it is not the newest; None: the newest of all, whatever its moment
    """
    before_ms = _before(now_ms)
    with snapshot(using) as cursor:
        known = [s for s in _of_resources(cursor, resources) if meter in {None, s.meter}]
        newest = ends.newest(cursor, [state.id for state in known], before_ms)
        sealed = _sealed(cursor, known, before_ms)
    found = []
    for state in known:
        fresh, (at_ms, value) = newest.get(state.id), sealed.get(state.id, (-1, 0.0))
        if fresh and fresh.at_ms >= at_ms:
            found.append(Latest(_series(state, fresh.at_ms), fresh.at_ms, fresh.value))
        elif at_ms >= 0:
            found.append(Latest(_series(state, at_ms), at_ms, value))
    return found


def _sealed(cursor: Any, known: Sequence[State], before_ms: int) -> dict[int, tuple[int, float]]:
    """The moment and value of the newest sealed reading of each series before a moment."""
    found = {
        state.id: (state.last_ms, state.last_value)
        for state in known
        if state.last_ms is not None and state.last_value is not None
    }
    ahead = [one for one, (at_ms, _) in found.items() if at_ms >= before_ms]
    if not ahead:
        return found
    past = {one: last for one, last in found.items() if last[0] < before_ms}
    return past | raw.newest_before(cursor, ahead, before_ms)


def _of_resources(cursor: Any, resources: Collection[str] | None) -> list[State]:
    if resources is None:
        return _named(cursor, None, None)
    wanted, found = sorted(resources), []
    for first in range(0, len(wanted), _SPANS_AT_ONCE):
        part = wanted[first : first + _SPANS_AT_ONCE]
        places = ", ".join(["%s"] * len(part))
        found += states.where(cursor, f"resource IN ({places}) ORDER BY resource, meter", part)
    return found


def _state(cursor: Any, series: Stored | Series) -> State | None:
    if isinstance(series, Stored):
        return states.by_id(cursor, [series.id]).get(series.id)
    return next(iter(_named(cursor, series.resource, series.meter)), None)
