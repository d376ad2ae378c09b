"""Energy of resources that have a counter and power readings: time that both know counts once.

The counter counts where it is known, and power only in the time that the counter leaves open,
with what really stood then. Hours that the counter knows wholly, or not at all, need no more than
their sums; only hours that it knows in part are looked into, reading by reading. Where readings
are thrown away, minutes answer (else hours), and the time that both know is taken to be the same
time as far as possible.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.store import raw, reading, reckoning, states
from meterhouse.store.blocks import HOUR_MS, WIDTH_MS, Granularity, Span
from meterhouse.store.folding import Floats, Ints, Rows, edges, gather, nothing, share
from meterhouse.store.grid import Grid, grid
from meterhouse.store.reading import Flags, Integrals
from meterhouse.store.reckoning import Fresh, Question
from meterhouse.store.snapshot import snapshot
from meterhouse.store.states import State

Spans = Sequence[tuple[str, int, int]]
RAW, MINUTE, HOUR = Granularity
_SUMS = frozenset({"start", "integral", "increase", "covered_ms"})
_SPANS_AT_ONCE = 1000
_MOST_MS = 2_000_000_000  # of readings looked into at once: at 1 Hz some hundred megabytes


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """joules: float64[n]; covered_ms: int64[n]. In the order asked for."""

    joules: Floats
    covered_ms: Ints


def filled(
    first: Floats, first_ms: Ints, second: Floats, second_ms: Ints, length_ms: Ints
) -> tuple[Floats, Ints]:
    """Joules and milliseconds of two meters of which nothing is known but their sums.

    What both know is the same time as far as possible: the second one, at its mean, adds no more
    time than it knows beyond the first.
    """
    first_ms, second_ms, length_ms = map(np.asarray, (first_ms, second_ms, length_ms))
    gap_ms = np.clip(second_ms - first_ms, 0, np.maximum(length_ms - first_ms, 0))
    # A part of a millisecond that was rounded away has its joules all the same.
    part = np.where(second_ms > 0, gap_ms / np.maximum(second_ms, 1), first_ms == 0)
    joules: Floats = first + second * part
    return joules, np.minimum(first_ms + gap_ms, length_ms)


def energy(spans: Spans, using: str = "default", power: Integrals | None = None) -> Known:
    """Energy over spans (resource, start_ms, end_ms). Few queries, whatever their number.

    power: the integral of power over each span, of who has read it already
    """
    power = power or reading.integrals(spans, POWER.name, using)
    grown = reading.increases(spans, ENERGY.name, using)
    length = np.array([max(end - start, 0) for _, start, end in spans], np.int64)
    sums = (grown.increase, grown.covered_ms, power.integral, power.covered_ms, length)
    joules, covered = filled(*sums)
    with snapshot(using) as cursor:
        pairs = _pairs(cursor)
        starts = np.array([start for _, start, _ in spans], np.int64)
        ends = np.array([end for _, _, end in spans], np.int64)
        kept = np.array([_kept(pairs, resource) for resource, _, _ in spans], np.int64)
        mixed = _is_mixed(grown.covered_ms, power.covered_ms, length)
        rows = np.flatnonzero(mixed | _is_shared_out(starts, ends, kept))
        asked = [_Window(pairs[spans[row][0]], *spans[row][1:]) for row in rows.tolist()]
        joules[rows], covered[rows] = _exact(cursor, asked)
    return Known(joules, covered)


def energy_grid(resources: Sequence[str], cuts: Ints, using: str = "default") -> Grid:
    """The same of k resources in the n windows between n + 1 cuts, as ``grid`` has one meter."""
    power = grid(resources, POWER.name, cuts, using)
    grown = grid(resources, ENERGY.name, cuts, using)
    sums = (grown.amount, grown.covered_ms, power.amount, power.covered_ms, np.diff(cuts))
    joules, covered = filled(*sums)
    with snapshot(using) as cursor:
        pairs = _pairs(cursor)
        kept = np.array([_kept(pairs, resource) for resource in resources], np.int64)
        mixed = _is_mixed(grown.covered_ms, power.covered_ms, np.diff(cuts))
        place = np.nonzero(mixed | _is_shared_out(cuts[:-1], cuts[1:], kept[:, None]))
        asked = [
            _Window(pairs[resources[row]], int(cuts[n]), int(cuts[n + 1]))
            for row, n in zip(*(each.tolist() for each in place), strict=True)
        ]
        joules[place], covered[place] = _exact(cursor, asked)
    return Grid(joules, covered)


def _is_mixed(counter_ms: Ints, power_ms: Ints, length: Ints) -> Flags:
    result: Flags = (counter_ms > 0) & (counter_ms < length) & (power_ms > 0)
    return result


def _is_shared_out(start_ms: Ints, end_ms: Ints, kept_ms: Ints) -> Flags:
    """Whether a span begins or ends within an hour of which readings may be gone."""
    is_part = (start_ms % HOUR_MS != 0) & (start_ms < kept_ms)
    result: Flags = is_part | ((end_ms % HOUR_MS != 0) & (end_ms // HOUR_MS * HOUR_MS < kept_ms))
    return result & (start_ms < end_ms)


class _Pair(NamedTuple):
    """A resource's counter and its power."""

    counter: State
    power: State

    @property
    def kept_ms(self) -> int:
        """From when on every reading of both is there."""
        return max(each.pruned_ms for each in self)

    @property
    def minutes_ms(self) -> int:
        """From when on there are minutes of both, or readings in their stead."""
        return max(min(each.pruned_ms, each.minutes_pruned_ms) for each in self)


class _Window(NamedTuple):
    pair: _Pair
    start_ms: int
    end_ms: int


def _pairs(cursor: Any) -> dict[str, _Pair]:
    """The resources that have both."""
    counters, powers = (
        {state.resource: state for state in states.where(cursor, "meter = %s", [meter.name])}
        for meter in (ENERGY, POWER)
    )
    return {key: _Pair(counters[key], powers[key]) for key in counters.keys() & powers.keys()}


def _kept(pairs: dict[str, _Pair], resource: str) -> int:
    return pairs[resource].kept_ms if resource in pairs else 0


def _exact(cursor: Any, windows: Sequence[_Window]) -> tuple[Floats, Ints]:
    joules, covered = np.zeros(len(windows)), np.zeros(len(windows), np.int64)
    order = sorted(range(len(windows)), key=lambda n: (windows[n].pair.power.id, windows[n][1]))
    for first in range(0, len(order), _SPANS_AT_ONCE):
        numbers = order[first : first + _SPANS_AT_ONCE]
        for number, more, ms in _of_part(cursor, [windows[number] for number in numbers]):
            joules[numbers[number]] += more
            covered[numbers[number]] += ms
    return joules, covered


def _of_part(cursor: Any, windows: Sequence[_Window]) -> "Answers":
    """The number of a window, and joules and milliseconds that belong to it."""
    fresh = _fresh(cursor, windows)
    unsure: list[_Stretch] = []
    for number, hours in enumerate(_by_hour(cursor, windows, fresh)):
        yield number, *hours.sure
        for run in hours.runs:
            unsure += _levels(number, windows[number].pair, *run)
    for granularity in Granularity:
        mine = [each for each in unsure if each.granularity is granularity]
        for part in _portions(mine):
            work_out = _by_reading if granularity is RAW else _by_row
            yield from work_out(cursor, part, fresh)


def _fresh(cursor: Any, windows: Sequence[_Window]) -> Fresh:
    """What the head holds of the hours that the windows touch."""
    asked = [
        Question(state, _floor(start_ms, HOUR_MS), _ceil(end_ms, HOUR_MS), HOUR)
        for pair, start_ms, end_ms in windows
        for state in pair
    ]
    return reckoning.fresh(cursor, asked)


def _floor(moment_ms: int, width_ms: int) -> int:
    return moment_ms // width_ms * width_ms


def _ceil(moment_ms: int, width_ms: int) -> int:
    return -(-moment_ms // width_ms) * width_ms


class _Hours(NamedTuple):
    """Of a window: joules and milliseconds that are sure, and stretches to be looked into."""

    sure: tuple[float, int]
    runs: list[tuple[int, int]]


def _by_hour(cursor: Any, windows: Sequence[_Window], fresh: Fresh) -> Iterator[_Hours]:
    cuts = [edges(start_ms, end_ms, HOUR_MS) for _, start_ms, end_ms in windows]
    asked = [
        (Question(state, start_ms, end_ms, HOUR), inner)
        for (pair, start_ms, end_ms), inner in zip(windows, cuts, strict=True)
        for state in pair
    ]
    answers = reckoning.rows_of(cursor, asked, fresh, _SUMS)
    for window, inner in zip(windows, cuts, strict=True):
        yield _sorted_out(window.pair, inner, next(answers), next(answers))


def _sorted_out(pair: _Pair, cuts: Ints, counter: Rows, power: Rows) -> _Hours:
    length = np.diff(cuts)
    joules, covered = _united(counter, power, length)
    mixed = _is_mixed(counter.covered_ms, power.covered_ms, length)
    mixed |= _is_shared_out(cuts[:-1], cuts[1:], np.array([pair.kept_ms]))
    ends = np.flatnonzero(np.diff(np.concatenate(([0], mixed.astype(np.int64), [0]))))
    runs = cuts[ends].reshape(-1, 2).tolist()
    sure = float(joules[~mixed].sum()), int(covered[~mixed].sum())
    return _Hours(sure, [(start, end) for start, end in runs])


def _united(counter: Rows, power: Rows, length: Ints) -> tuple[Floats, Ints]:
    return filled(counter.increase, counter.covered_ms, power.integral, power.covered_ms, length)


class _Stretch(NamedTuple):
    """A stretch of a window, its pair, and what both are there in."""

    number: int
    pair: _Pair
    start_ms: int
    end_ms: int
    granularity: Granularity


def _levels(number: int, pair: _Pair, start_ms: int, end_ms: int) -> Iterator[_Stretch]:
    """The parts of a stretch that hours, minutes, and readings answer."""
    minutes_ms = min(max(start_ms, min(pair.minutes_ms, pair.kept_ms)), end_ms)
    kept_ms = min(max(minutes_ms, pair.kept_ms), end_ms)
    for first, last, granularity in (
        (start_ms, minutes_ms, HOUR),
        (minutes_ms, kept_ms, MINUTE),
        (kept_ms, end_ms, RAW),
    ):
        for begin in range(first, last, _MOST_MS):
            yield _Stretch(number, pair, begin, min(begin + _MOST_MS, last), granularity)


def _portions(stretches: Sequence[_Stretch]) -> Iterator[Sequence[_Stretch]]:
    """Some at a time, so that memory is bounded; at least one."""
    first, length = 0, 0
    for number, each in enumerate(stretches, 1):
        length += each.end_ms - each.start_ms
        if length >= _MOST_MS or number == len(stretches):
            yield stretches[first:number]
            first, length = number, 0


Answers = Iterator[tuple[int, float, int]]


def _by_reading(cursor: Any, stretches: Sequence[_Stretch], fresh: Fresh) -> Answers:
    """Cut where the counter was read, so that each piece is known to it wholly or not at all."""
    cuts = list(_readings(cursor, stretches, fresh))
    for number, inner, counter, power in _rows(cursor, stretches, cuts, fresh):
        left_open = 1 - counter.covered_ms / np.diff(inner)
        joules = counter.increase.sum() + (power.integral * left_open).sum()
        more_ms = np.rint(power.covered_ms * left_open).astype(np.int64)
        yield number, float(joules), int((counter.covered_ms + more_ms).sum())


def _readings(cursor: Any, stretches: Sequence[_Stretch], fresh: Fresh) -> Iterator[Ints]:
    """The ends of each stretch and when its counter was read between them."""
    asked = [
        (each.pair.counter, Span(each.pair.counter.id, each.start_ms, each.end_ms))
        for each in stretches
    ]
    shelf = raw.shelf_for(cursor, asked)
    for state, span in asked:
        at = raw.standing(cursor, state, span, shelf, fresh)[0]
        inside = at[(at > span.start_ms) & (at < span.end_ms)]
        yield np.concatenate(([span.start_ms], inside, [span.end_ms])).astype(np.int64)


def _by_row(cursor: Any, stretches: Sequence[_Stretch], fresh: Fresh) -> Answers:
    """The rule of sums for whole minutes or hours, each shared out to the part asked for."""
    cuts = [_whole(each, WIDTH_MS[each.granularity]) for each in stretches]
    answers = _rows(cursor, stretches, cuts, fresh)
    for each, (number, inner, counter, power) in zip(stretches, answers, strict=True):
        joules, covered = _united(counter, power, np.diff(inner))
        rows = replace(nothing(inner), integral=joules, covered_ms=covered)
        ends = np.array([each.start_ms, each.end_ms], np.int64)
        part = gather(share(rows, WIDTH_MS[each.granularity], ends), ends)
        yield number, float(part.integral[0]), int(part.covered_ms[0])


def _whole(stretch: _Stretch, width_ms: int) -> Ints:
    """The edges of the minutes or hours that a stretch touches."""
    first, last = _floor(stretch.start_ms, width_ms), _ceil(stretch.end_ms, width_ms)
    return np.arange(first, last + 1, width_ms, dtype=np.int64)


def _rows(
    cursor: Any, stretches: Sequence[_Stretch], cuts: Sequence[Ints], fresh: Fresh
) -> Iterator[tuple[int, Ints, Rows, Rows]]:
    """Each window's number and cuts, with its counter and its power between them."""
    asked = [
        (Question(state, int(inner[0]), int(inner[-1]), each.granularity), inner)
        for each, inner in zip(stretches, cuts, strict=True)
        for state in each.pair
    ]
    answers = reckoning.rows_of(cursor, asked, fresh, _SUMS)
    for each, inner in zip(stretches, cuts, strict=True):
        yield each.number, inner, next(answers), next(answers)
