"""What an energy counter says of the time between its readings."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from tests.store.conftest import DAY, HOUR, MINUTE, NODE, START, House, bridged

from meterhouse.metering.meters import ENERGY
from meterhouse.store import reading, sealing
from meterhouse.store.bridging import MOST_W, between

KWH = 3_600_000.0  # J
SECOND = 1000


def spread(*readings: tuple[int, float], edges: tuple[int, ...]) -> list[tuple[float, int]]:
    at, value = np.array([at for at, _ in readings]), np.array([value for _, value in readings])
    found = between(at.astype(np.int64), value.astype(np.float64), np.array(edges))
    return list(zip(found.amount.tolist(), found.covered_ms.tolist(), strict=True))


def test_a_gap_is_bridged_evenly_and_is_covered_however_long_it_is() -> None:
    found = spread((0, 100), (10 * HOUR, 100 + KWH), edges=(0, HOUR, 4 * HOUR, 12 * HOUR))
    assert found == [(KWH / 10, HOUR), (KWH * 3 / 10, 3 * HOUR), (KWH * 6 / 10, 6 * HOUR)]


def test_before_the_first_reading_and_after_the_last_nothing_is_known() -> None:
    edges = (0, 10 * SECOND, 20 * SECOND, 30 * SECOND)
    assert spread((10_000, 0), (20_000, 5000), edges=edges) == [(0, 0), (5000, 10_000), (0, 0)]
    assert spread(edges=(0, 1)) == [(0, 0)]
    assert spread((5, 1), edges=(0, 10)) == [(0, 0)]


def test_a_counter_that_restarted_counts_from_zero() -> None:
    assert spread((0, 9 * KWH), (10_000, 2000), edges=(0, 10_000)) == [(2000, 10_000)]


def test_a_meter_that_was_exchanged_for_a_used_one_adds_nothing_of_its_former_life() -> None:
    readings = [(0, 6000 * KWH), (10_000, 5000 * KWH), (20_000, 5000 * KWH + 10)]
    assert spread(*readings, (30_000, 5000 * KWH + 30), edges=(0, 10_000, 30_000)) == [
        (0, 0),
        (30, 20_000),
    ]


@pytest.mark.parametrize(
    ("readings", "grown", "covered"),
    [
        ([(0, 544.587493), (3600, 544.587), (3610, 544.587 + 2 / 3600)], 0.0, 0),
        ([(0, 1.5), (10, 1.499), (20, 1.501)], 0.001, 20),
        ([(0, 6000), (3600, 500)], 0.0, 0),
        ([(0, 3.0), (13, 0), (23, 3.001)], 0.001, 23),
        ([(0, 5.0), (10, 5.001), (20, 5.0), (30, 5.002)], 0.002, 30),
        ([(-10, 5.0), (0, 5.0005), (3600, 0.05)], 0.0505, 3610),
        ([(-10, 500), (0, 500.0005), (3600, 50)], 0.0005, 10),  # it drew 180 W, not 50 kW
        ([(0, 5.0), (10, 9e9), (20, 5.001)], 0.001, 20),
        ([(0, 5.0), (3600, 0), (7200, 5.002)], 0.0, 3600),
    ],
)
def test_a_fall_is_judged_by_what_the_probe_draws(
    readings: list[tuple[int, float]], grown: float, covered: int
) -> None:
    """readings: seconds, kWh; grown: kWh; covered: seconds."""
    told = [(at * SECOND, value * KWH) for at, value in readings]
    ((joules, ms),) = spread(*told, edges=(told[0][0], told[-1][0]))
    assert joules / KWH == pytest.approx(grown, abs=1e-9)
    assert ms == covered * SECOND


def test_a_counter_that_plainly_restarts_goes_on_from_zero_however_young_it_was() -> None:
    rise = [(second * SECOND, 200.0 * second) for second in range(0, 30, 10)]
    again = [(second * SECOND, 200.0 * (second - 25)) for second in range(30, 90, 10)]
    assert spread(*rise, *again, edges=(0, 80_000)) == [(4000 + 200 * 55, 80_000)]


def test_whole_kilowatt_hours_are_counted_one_at_a_time() -> None:
    readings = [(second * SECOND, KWH * (second // 4)) for second in range(9)]
    assert spread(*readings, edges=(0, 8000)) == [(2 * KWH, 8000)]


def test_a_jump_that_could_not_have_been_drawn_adds_nothing() -> None:
    high = MOST_W * 10.0
    readings = [(0, 0), (10_000, high), (20_000, 2 * high + 1), (30_000, 2 * high + 2)]
    assert spread(*readings, edges=(0, 10_000, 20_000, 30_000)) == [
        (high, 10_000),
        (0, 0),
        (1, 10_000),
    ]


def test_a_clock_that_was_set_back_does_not_count_anything_twice() -> None:
    """Two runs of readings lie between each other: what goes up and down is not believed."""
    first = [(second * 1000, KWH + 200.0 * second) for second in range(20)]
    again = [(10_500 + second * 1000, KWH + 200.0 * (20 + second)) for second in range(30)]
    found = spread(*sorted(first + again), edges=(0, 60_000))
    assert found[0][0] <= 200 * 50
    assert found[0][1] <= 60_000


@given(
    st.dictionaries(st.integers(0, 10**6), st.integers(0, 10**9), min_size=1, max_size=12),
    st.sets(st.integers(0, 10**6), min_size=2, max_size=6),
)
def test_it_is_what_the_rules_say_of_any_readings(
    readings: dict[int, int], cuts: set[int]
) -> None:
    edges = tuple(sorted(cuts))
    known = {at: float(value) for at, value in readings.items()}
    for (start, end), (joules, covered) in zip(
        pairwise(edges),
        spread(*sorted(known.items()), edges=edges),
        strict=True,
    ):
        want = bridged(known, start, end)
        assert joules == pytest.approx(want[0], rel=1e-9, abs=2e-3)
        assert covered == pytest.approx(want[1], abs=1)
        assert 0 <= covered <= end - start


def queries(work: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        work()
    return len(captured)


@pytest.mark.django_db
def test_many_spans_of_many_counters_take_few_queries(house: House) -> None:
    for number in range(120):
        readings = [(at * HOUR, at * KWH) for at in range(6)]
        house.tell(readings, resource=f"osl/{number}", meter=ENERGY)
    sealing.seal(START + DAY)
    spans = [
        (f"osl/{number}", START + part * HOUR + 1234, START + (part + 1) * HOUR + 1234)
        for number in range(120)
        for part in range(4)
    ]
    few = queries(lambda: reading.increases(spans[:2], "energy"))
    many = queries(lambda: reading.increases(spans, "energy"))
    assert few == many <= 8
    found = reading.increases(spans, "energy")
    assert found.increase.tolist() == pytest.approx([KWH] * len(spans))
    assert found.covered_ms.tolist() == [HOUR] * len(spans)


@pytest.mark.django_db
def test_a_gap_that_ends_late_is_spread_over_hours_that_were_over_long_before(
    house: House,
) -> None:
    def hourly() -> list[float]:
        spans = [(NODE, START + hour * HOUR, START + (hour + 1) * HOUR) for hour in range(6)]
        return [float(each) for each in reading.increases(spans, "energy").increase]

    house.tell([(0, 0), (HOUR, KWH)], meter=ENERGY)
    sealing.seal(START + 5 * HOUR)
    assert hourly() == [KWH, 0, 0, 0, 0, 0]
    house.tell([(5 * HOUR, 3 * KWH), (5 * HOUR + MINUTE, 3 * KWH)], meter=ENERGY)
    for _ in range(2):
        assert hourly() == [KWH, KWH / 2, KWH / 2, KWH / 2, KWH / 2, 0]
        sealing.seal(START + DAY)
    house.tell([(3 * HOUR, KWH)], meter=ENERGY)
    for _ in range(2):
        assert hourly() == [KWH, 0, 0, KWH, KWH, 0]
        sealing.seal(START + DAY)
