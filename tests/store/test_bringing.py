"""What was measured elsewhere, put before a series' own readings: once, and never over them."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import NOON
from tests.store.conftest import (
    DAY,
    HOUR,
    MINUTE,
    NODE,
    POWER_OF_NODE,
    START,
    House,
    empty_the_store,
)

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.periods import Period
from meterhouse.store import reading, retention, sealing
from meterhouse.store.blocks import Granularity
from meterhouse.store.bringing import Brought, NotMeasured, bring
from meterhouse.store.past import Past, laid
from meterhouse.store.recorder import Recorder
from meterhouse.store.retention import Policy
from meterhouse.store.screening import Reason
from meterhouse.store.statistics import statistics

pytestmark = pytest.mark.django_db
RAW, MINUTES, HOURS = Granularity
FIRST = 34 * MINUTE + 56_000
"""When the node is read for the first time, after START, which is noon."""

Stretch = tuple[int, int, float]


def past(*stretches: Stretch, step: int = 0) -> Past:
    """Stretches (start, end, watts), milliseconds after START. step: 0: as long as each is."""
    start, end = (np.array([s[n] for s in stretches], np.int64) + START for n in (0, 1))
    watts = np.array([s[2] for s in stretches], np.float64)
    return Past(start, end, np.full(len(start), step) if step else end - start, watts)


def bring_in(found: Past, policy: Policy = retention.DEFAULT, days: int = 1) -> Brought:
    return bring(NODE, "power", found, now_ms=START + days * DAY, policy=policy)


def joules(start: int, end: int) -> tuple[float, int]:
    found = reading.integrals([(NODE, START + start, START + end)], "power")
    return float(found.integral[0]), int(found.covered_ms[0])


def stored() -> list[object]:
    """Everything the store holds of series and blocks."""
    rows: list[object] = []
    with connection.cursor() as cursor:
        for table in ("series", "block", "head"):
            cursor.execute(f"SELECT * FROM store_{table} ORDER BY id")  # noqa: S608 - from above
            rows += [
                tuple(bytes(f) if isinstance(f, memoryview) else f for f in r) for r in cursor
            ]
    return rows


@pytest.fixture
def measured(house: House) -> House:
    """A node that is read for the first time at FIRST, each second for ten minutes: 50 W."""
    house.tell([(FIRST + second * 1000, 50) for second in range(600)])
    return house


OWN = 50 * (599 + 5)  # the last reading stands for its hold


@pytest.mark.usefixtures("measured")
def test_what_was_known_before_is_known_now() -> None:
    done = bring_in(past((-10 * HOUR, -2 * HOUR, 100), (-HOUR, 0, 200)))
    assert joules(-10 * HOUR, 0) == (9 * 100 * 3600 - 3600 * 100 + 3600 * 200, 9 * HOUR)
    assert joules(-2 * HOUR, -HOUR) == (0, 0)  # a gap adds nothing, and is not covered
    assert joules(-90 * MINUTE, -30 * MINUTE) == (200 * 1800, 30 * MINUTE)
    assert joules(0, HOUR) == (OWN, 604_000)
    assert (done.integral, done.covered_ms) == (8 * 360_000 + 720_000, 9 * HOUR)
    assert (done.start_ms, done.end_ms, done.own_ms) == (START - 10 * HOUR, START, START + FIRST)
    assert (done.own, done.known, done.too_old) == (0, 0, 0)


@pytest.mark.usefixtures("measured")
def test_a_graph_of_that_time_shows_means_least_and_greatest() -> None:
    bring_in(past((-2 * HOUR, -90 * MINUTE, 100), (-90 * MINUTE, -HOUR, 300), (-HOUR, 0, 10)))
    period = Period.from_ms(START - 2 * HOUR, START)
    found = reading.buckets(POWER_OF_NODE, period, timedelta(hours=1))
    assert found.mean.tolist() == [200, 10]
    assert (found.minimum.tolist(), found.maximum.tolist()) == ([100, 10], [300, 10])
    assert found.count.tolist() == [0, 0]  # none of it was read here
    (series,) = reading.find(NODE)
    assert (series.first_ms, series.own_ms) == (START - 2 * HOUR, START + FIRST)


@pytest.mark.usefixtures("measured")
def test_a_week_in_one_mean_is_spread_evenly_over_its_hours() -> None:
    bring_in(past((-8 * DAY, -DAY, 70)))
    period = Period.from_ms(START - 8 * DAY, START - DAY)
    found = reading.buckets(POWER_OF_NODE, period, timedelta(hours=1))
    assert found.mean.tolist() == [70] * 168
    assert statistics().blocks[MINUTES] == 0


@pytest.mark.usefixtures("measured")
def test_what_is_finer_than_an_hour_becomes_minutes() -> None:
    steps = [(at, at + 15 * MINUTE, 100.0 + at / MINUTE) for at in range(-HOUR, 0, 15 * MINUTE)]
    bring_in(past((-9 * HOUR, -3 * HOUR, 5), *steps))
    period = Period.from_ms(START - HOUR, START)
    found = reading.buckets(POWER_OF_NODE, period, timedelta(minutes=15))
    assert found.mean.tolist() == [40, 55, 70, 85]
    assert statistics().blocks[MINUTES] == 1
    assert joules(-9 * HOUR - 7 * MINUTE, -8 * HOUR + 7 * MINUTE) == (5 * 67 * 60, 67 * MINUTE)


@pytest.mark.usefixtures("measured")
def test_the_hour_of_the_first_reading_gets_readings_up_to_it() -> None:
    done = bring_in(past((-HOUR, FIRST + HOUR, 200)))
    held = FIRST // 5000 * 5000  # in steps of a hold back from the first reading
    assert joules(0, FIRST) == (200 * held / 1000, held)
    assert joules(FIRST, HOUR) == (OWN, 604_000)
    assert (done.own, done.covered_ms) == (HOUR, HOUR + held)
    assert done.end_ms == START + FIRST


@pytest.mark.usefixtures("measured")
def test_a_step_that_is_not_known_to_its_end_stands_for_nothing() -> None:
    bring_in(past((FIRST - 60_000, FIRST - 33_000, 200), (FIRST - 13_000, FIRST - 9000, 200)))
    assert joules(0, FIRST) == (200 * 25, 25_000)


@pytest.mark.usefixtures("measured")
def test_own_readings_win() -> None:
    done = bring_in(past((FIRST, FIRST + DAY, 999)))
    assert joules(-DAY, DAY) == (OWN, 604_000)
    assert (done.own, done.covered_ms) == (DAY, 0)
    assert statistics().blocks == {RAW: 0, MINUTES: 0, HOURS: 0}


@pytest.mark.parametrize("sealed", [False, True])
def test_twice_is_once(measured: House, *, sealed: bool) -> None:
    if sealed:
        sealing.seal(START + DAY)
    found = past((-40 * DAY, -2 * DAY, 100), (-DAY, FIRST + HOUR, 120), step=15 * MINUTE)
    first = bring_in(found)
    before = stored()
    second = bring_in(found)
    assert stored() == before
    assert (second.covered_ms, second.integral) == (0, 0)
    assert second.known == 38 * DAY + DAY + FIRST
    assert second.own == first.own == HOUR


def test_half_a_run_leaves_nothing(measured: House) -> None:
    before, found = stored(), past((-40 * DAY, FIRST, 100), step=MINUTE)
    with transaction.atomic():
        bring_in(found)
        assert stored() != before
        transaction.set_rollback(True)
    assert stored() == before
    assert bring_in(found).covered_ms > 40 * DAY


@pytest.mark.usefixtures("measured")
def test_another_past_fills_what_the_first_left_open() -> None:
    bring_in(past((-40 * HOUR, -30 * HOUR, 100), (-5 * HOUR, 0, 100), step=MINUTE))
    done = bring_in(past((-50 * HOUR, 0, 7), step=MINUTE))
    assert joules(-40 * HOUR, -30 * HOUR) == (10 * 360_000, 10 * HOUR)
    assert joules(-30 * HOUR, -5 * HOUR) == (25 * 7 * 3600, 25 * HOUR)
    assert joules(-30 * HOUR - 30 * MINUTE, -29 * HOUR) == (100 * 1800 + 7 * 3600, 90 * MINUTE)
    assert joules(-50 * HOUR, 0) == (15 * 360_000 + 35 * 7 * 3600, 50 * HOUR)
    assert (done.known, done.covered_ms) == (15 * HOUR, 35 * HOUR)


def test_nothing_changes_when_readings_are_sealed_and_thrown_away(measured: House) -> None:
    bring_in(past((-3 * DAY, FIRST, 100), step=15 * MINUTE))
    spans = [(-3 * DAY, 0), (-DAY - 7 * MINUTE, 3 * HOUR), (0, HOUR), (-HOUR, 20 * MINUTE)]
    before = [joules(*span) for span in spans]
    sealing.seal(START + DAY)
    assert [joules(*span) for span in spans] == before
    measured.tell([(5 * DAY, 50)])
    sealing.seal(START + 6 * DAY)
    retention.prune(START + 60 * DAY)
    assert statistics().blocks[RAW] == 0
    assert [joules(*span) for span in spans] == before
    measured.tell([(70 * DAY + second * 1000, 50) for second in range(10)])
    sealing.seal(START + 71 * DAY)
    retention.prune(START + 500 * DAY)
    assert statistics().blocks[MINUTES] == 0
    assert joules(-3 * DAY, HOUR) == pytest.approx(joules_sum(before[0], before[2]))


def joules_sum(*parts: tuple[float, int]) -> tuple[float, int]:
    return sum(part[0] for part in parts), sum(part[1] for part in parts)


def test_a_house_that_has_thrown_readings_away_already_takes_a_past_too(measured: House) -> None:
    measured.tell([(2 * DAY, 50)])
    sealing.seal(START + 3 * DAY)
    retention.prune(START + 500 * DAY)
    own = joules(0, 3 * DAY)
    done = bring_in(past((-DAY, FIRST, 100), step=15 * MINUTE), days=500)
    assert joules(-DAY, 0) == (DAY / 1000 * 100, DAY)
    assert joules(0, 3 * DAY) == own  # its first hour is closed, and stays as it is
    assert (done.known, done.covered_ms) == (FIRST, DAY)


def test_late_readings_of_the_first_hour_are_worked_in_and_older_ones_refused(
    measured: House,
) -> None:
    bring_in(past((-HOUR, FIRST, 100), step=MINUTE))
    before = joules(0, HOUR)
    measured.tell([(-10 * MINUTE, 1e6), (603_000, 600)])
    sealing.seal(START + DAY)
    assert joules(-HOUR, 0) == (360_000, HOUR)
    # It stands until the next of those brought, which come every five seconds: at 606.
    assert joules(0, HOUR)[0] == before[0] + 500 * 3
    assert joules(0, HOUR)[1] == before[1]
    assert statistics().refused == {Reason.PRUNED: 1}


def test_what_is_read_rarely_has_hours_only(house: House) -> None:
    house.tell([(FIRST, 50), (FIRST + 15 * MINUTE, 50)], hold_ms=45 * MINUTE)
    bring_in(past((-DAY, FIRST, 100), step=15 * MINUTE))
    assert statistics().blocks == {RAW: 0, MINUTES: 0, HOURS: 1}
    sealing.seal(START + DAY)
    assert statistics().blocks[MINUTES] == 0
    assert joules(-90 * MINUTE, -30 * MINUTE) == (360_000, HOUR)


@pytest.mark.usefixtures("measured")
def test_what_retention_would_throw_away_is_left_out_and_told() -> None:
    month, week = timedelta(days=30), timedelta(days=7)
    found = past((-50 * DAY, 0, 100), step=MINUTE)
    done = bring_in(found, Policy(week, week, month), days=1)
    assert done.too_old == 21 * DAY
    assert joules(-50 * DAY, 0) == (29 * DAY / 10, 29 * DAY)
    with connection.cursor() as cursor:
        cursor.execute("SELECT MIN(start_ms) FROM store_block WHERE granularity = 1")
        assert cursor.fetchone() == (START - 6 * DAY,)
    assert retention.prune(START + DAY, Policy(week, week, month)) == 0


def test_what_was_never_read_here_has_no_place_for_a_past(house: House) -> None:
    with pytest.raises(NotMeasured):
        bring_in(past((-HOUR, 0, 100)))
    house.tell([(0, 1)], resource="osl/other")
    with pytest.raises(NotMeasured):
        bring_in(past((-HOUR, 0, 100)))


@pytest.mark.usefixtures("measured")
def test_nothing_brings_nothing() -> None:
    assert bring_in(past()).covered_ms == 0
    assert reading.find(NODE)[0].first_ms == START + FIRST


def pasts() -> st.SearchStrategy[list[Stretch]]:
    """Stretches of whole seconds within three days before and a day after START."""
    moments = st.lists(st.integers(-3 * 86_400, 86_400), min_size=2, max_size=24, unique=True).map(
        sorted
    )
    watts = st.lists(st.integers(0, 2000).map(lambda n: n / 10), min_size=24, max_size=24)
    return st.builds(
        lambda at, w: [
            (1000 * a, 1000 * b, w[n]) for n, (a, b) in enumerate(pairwise(at)) if w[n] > 20
        ],
        moments,
        watts,
    )


def plainly(stretches: Sequence[Stretch], start: int, end: int) -> tuple[float, int]:
    inside = [(max(min(b, end) - max(a, start), 0), w) for a, b, w in stretches]
    return sum(w * ms / 1000 for ms, w in inside), sum(ms for ms, _ in inside)


@given(stretches=pasts(), cuts=st.lists(st.integers(-80, 30), min_size=2, max_size=6, unique=True))
def test_every_bucket_holds_what_the_stretches_say(
    stretches: list[Stretch], cuts: list[int]
) -> None:
    edges = np.array(sorted(cuts), np.int64) * HOUR + START
    rows = laid(past(*stretches), edges)
    for number, (start, end) in enumerate(pairwise(edges)):
        said = plainly(stretches, int(start) - START, int(end) - START)
        assert (rows.integral[number], rows.covered_ms[number]) == pytest.approx(said)


@settings(max_examples=30)
@given(stretches=pasts(), own=st.integers(0, 7199), is_sealed=st.booleans())
def test_hours_before_and_readings_after_are_told_apart_whatever_they_are(
    stretches: list[Stretch], own: int, *, is_sealed: bool
) -> None:
    empty_the_store()
    house = House(Recorder(lambda _: None, clock=FixedClock(NOON + timedelta(days=100))))
    house.tell([(own * 1000 + second * 1000, 50) for second in range(10)])
    if is_sealed:
        sealing.seal(START + DAY)
    begin = own * 1000 // HOUR * HOUR
    for _ in range(2):
        bring_in(past(*stretches, step=15 * MINUTE))
        for hour in range(-72, begin // HOUR):
            said = plainly(stretches, hour * HOUR, hour * HOUR + HOUR)
            assert joules(hour * HOUR, hour * HOUR + HOUR) == pytest.approx(said)
        assert joules(own * 1000, DAY) == (50 * 14, 14_000)
        seam, known = joules(begin, own * 1000), plainly(stretches, begin, own * 1000)
        assert seam[1] <= known[1]
        sealing.seal(START + 2 * DAY)


def test_a_clock_that_was_ahead_keeps_no_reading_out(house: House) -> None:
    house.tell([(20 * HOUR, 50)])
    done = bring(NODE, "power", past((-DAY, DAY, 100)), now_ms=START + FIRST, policy=Policy())
    assert done.own_ms == START + FIRST
    house.tell([(FIRST + 1000, 50), (FIRST + 2000, 50)])
    sealing.seal(START + 2 * DAY)
    assert joules(FIRST, 2 * HOUR) == (50 * 6, 6000)
    assert statistics().refused == {}
