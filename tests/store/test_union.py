"""Energy by a counter and by power together, against an oracle that knows only intervals."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import NOON
from tests.store.conftest import DAY, HOUR, MINUTE, NODE, START, House, empty_the_store, grown
from tests.store.test_laws import LAWS

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import ENERGY, POWER, Meter
from meterhouse.store import retention, sealing, union
from meterhouse.store.recorder import Recorder
from meterhouse.store.retention import Policy

pytestmark = pytest.mark.django_db
SPAN = 5 * HOUR
HOLD = 2 * MINUTE
Told = list[tuple[int, float]]
Interval = tuple[int, int, float]
"""From, until (milliseconds), and the watts in it."""

moments = st.one_of(
    st.integers(0, SPAN),
    st.integers(0, SPAN // MINUTE).map(lambda n: n * MINUTE),
    st.integers(HOUR - 5 * MINUTE, HOUR + 5 * MINUTE),
)
watts = st.integers(0, 3000).map(float)
steps = st.sampled_from([0.0, 1000.0, 3600.0, 250_000.0, -5e12, 5e12])
"""Joules from one reading of a counter to the next; the last two cannot be believed."""
powers = st.dictionaries(moments, watts, max_size=40)
runs = st.lists(st.tuples(moments, st.integers(1, 60), st.integers(1, 90_000)), max_size=2)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Told, Told]:
    """Readings of power, now and then and in runs, and of a counter likewise."""
    power = dict(draw(powers))
    for start, count, gap in draw(runs):
        power.update({start + n * gap: float(100 + n) for n in range(count)})
    at = {*draw(st.lists(moments, max_size=12))}
    for start, count, gap in draw(runs):
        at.update(start + n * gap for n in range(count))
    grown = np.cumsum([1e13, *(draw(steps) for _ in range(max(len(at) - 1, 0)))])
    return sorted(power.items()), list(zip(sorted(at), grown.tolist(), strict=False))


def new_house(power: Told, counter: Told, now: int | None) -> None:
    empty_the_store()
    house = House(Recorder(lambda _: None, clock=FixedClock(NOON + timedelta(days=100))))
    tell(house, POWER, power)
    tell(house, ENERGY, counter)
    if now is not None:
        sealing.seal(START + now)


def tell(house: House, meter: Meter, told: Told) -> None:
    if told:
        house.tell(told, meter=meter, hold_ms=HOLD)


def by_counter(told: Told) -> list[Interval]:
    """What a counter says between two readings, as watts; what cannot be believed is not there."""
    return [
        (before, at_ms, added * 1000 / (at_ms - before))
        for before, at_ms, added in grown(dict(told))
    ]


def by_power(told: Told) -> list[Interval]:
    ends = [at_ms for at_ms, _ in told[1:]] + [10**12]
    return [
        (at_ms, min(at_ms + HOLD, end), w) for (at_ms, w), end in zip(told, ends, strict=False)
    ]


def at(moment: int, intervals: list[Interval]) -> float | None:
    return next((w for start, end, w in intervals if start <= moment < end), None)


def plainly(power: Told, counter: Told, start: int, end: int) -> tuple[float, int]:
    """Between any two moments at which anything changes: the counter, else power, else nothing."""
    first, second = by_counter(counter), by_power(power)
    changes = {m for each in (*first, *second) for m in each[:2]}
    joules, covered = 0.0, 0
    for low, high in pairwise(sorted({start, end, *(m for m in changes if start < m < end)})):
        level = at(low, first)
        level = at(low, second) if level is None else level
        if level is not None:
            joules, covered = joules + level * (high - low) / 1000, covered + high - low
    return joules, covered


def asked(*spans: tuple[int, int]) -> union.Known:
    return union.energy([(NODE, START + a, START + b) for a, b in spans])


def spans_of(cuts: list[int]) -> list[tuple[int, int]]:
    """The whole, cut, and then the whole."""
    return [*pairwise(sorted({0, *cuts, SPAN})), (0, SPAN)]


sealed = st.sampled_from([None, 2 * HOUR, SPAN + DAY])
cuttings = st.lists(st.integers(0, SPAN), max_size=5)


@LAWS
@given(histories(), cuttings, sealed)
def test_time_that_both_know_counts_once_wherever_it_is_cut_and_whatever_is_sealed(
    told: tuple[Told, Told], cuts: list[int], now: int | None
) -> None:
    new_house(*told, now)
    spans = spans_of(cuts)
    found = asked(*spans)
    for number, span in enumerate(spans):
        joules, covered = plainly(*told, *span)
        assert found.covered_ms[number] == covered
        assert found.joules[number] == pytest.approx(joules, rel=1e-6, abs=1e-2)
    assert found.covered_ms[:-1].sum() == found.covered_ms[-1]


@LAWS
@given(histories(), cuttings, sealed)
def test_a_grid_of_windows_is_the_same(
    told: tuple[Told, Told], cuts: list[int], now: int | None
) -> None:
    new_house(*told, now)
    edges = np.array(sorted({*range(0, SPAN + 1, HOUR), *cuts}), np.int64)
    grid = union.energy_grid(["nobody", NODE], START + edges)
    for number, span in enumerate(pairwise(edges.tolist())):
        joules, covered = plainly(*told, *span)
        assert grid.covered_ms[:, number].tolist() == [0, covered]
        assert grid.amount[1, number] == pytest.approx(joules, rel=1e-6, abs=1e-2)


@LAWS
@given(histories(), cuttings, st.sampled_from([timedelta(0), timedelta(days=365)]))
def test_without_readings_the_parts_still_sum_to_the_whole(
    told: tuple[Told, Told], cuts: list[int], minute: timedelta
) -> None:
    new_house(*told, SPAN + DAY)
    retention.prune(START + SPAN + 30 * DAY, Policy(raw=timedelta(0), minute=minute))
    found = asked(*spans_of(cuts))
    assert found.covered_ms[:-1].sum() == found.covered_ms[-1]
    assert found.joules[:-1].sum() == pytest.approx(found.joules[-1], rel=1e-9, abs=1e-2)
    _, covered = plainly(*told, 0, SPAN)
    assert found.covered_ms[-1] <= covered, "time known to both is taken to be the same time"
