"""For how long a reading stands is its own: what a source is told later changes nothing before."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import NOON
from tests.store.conftest import (
    CPU_SECONDS,
    DAY,
    HOUR,
    MINUTE,
    NODE,
    START,
    House,
    bridged,
    empty_the_store,
    plainly,
    stood,
)

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import CPU_TIME, POWER, Meter
from meterhouse.metering.periods import Period
from meterhouse.metering.samples import Columns, Sample, Series
from meterhouse.store import bulk, hold_changes, reading, retention, sealing
from meterhouse.store.grid import grid
from meterhouse.store.recorder import Recorder
from meterhouse.store.retention import Policy
from meterhouse.store.statistics import statistics

pytestmark = pytest.mark.django_db
LAWS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SPAN = 30 * HOUR  # over a midnight
S = 1000


class Told(NamedTuple):
    """A batch: readings (moment after START, value) with one hold."""

    readings: list[tuple[int, float]]
    hold_ms: int


class Sealed(NamedTuple):
    at: int


@dataclass
class Known:
    """What must be known of one series: from moment to value, and to that reading's own hold."""

    value: dict[int, float] = field(default_factory=dict)
    hold: dict[int, int] = field(default_factory=dict)

    def take(self, told: Told) -> None:
        for at, value in told.readings:
            self.value[START + at], self.hold[START + at] = value, told.hold_ms


moments = st.one_of(
    st.integers(0, SPAN),
    st.integers(0, SPAN // HOUR).map(lambda n: n * HOUR),
    st.integers(12 * HOUR - 10 * MINUTE, 12 * HOUR + 10 * MINUTE),  # midnight: START is noon
)
values = st.integers(0, 3000).map(lambda tenths: tenths / 10)
told = st.builds(
    Told,
    st.lists(st.tuples(moments, values), min_size=1, max_size=12),
    st.sampled_from([10 * S, 2 * MINUTE, 10 * MINUTE, 5 * HOUR]),
)
steps = st.lists(
    st.one_of(told, told, st.builds(Sealed, st.integers(0, SPAN + DAY))), min_size=1, max_size=8
)
cuts = st.lists(st.integers(0, SPAN), max_size=4)
History = list[Told | Sealed]


def new_house() -> House:
    empty_the_store()
    return House(Recorder(lambda _: None, clock=FixedClock(NOON + timedelta(days=100))))


def play(history: History, meter: Meter = POWER) -> tuple[House, Known]:
    house, known = new_house(), Known()
    for step in history:
        if isinstance(step, Sealed):
            sealing.seal(START + step.at)
        else:
            house.tell(step.readings, meter=meter, hold_ms=step.hold_ms)
            known.take(step)
    return house, known


def check_buckets(known: Known, meter: Meter, end: int, width: int) -> None:
    period = Period.from_ms(START, START + end)
    found = reading.buckets(Series(NODE, meter.name, 1), period, timedelta(milliseconds=width))
    ends = [*found.start[1:].tolist(), START + end]
    for number, (start, until) in enumerate(zip(found.start.tolist(), ends, strict=True)):
        want = plainly(known.value, start, until, hold_ms=known.hold, kind=meter.kind)
        if meter == CPU_TIME:  # what it grew is spread, and time in doubt is not covered
            seconds, _ = bridged(known.value, start, until, CPU_SECONDS)
            covered = stood(known.value, start, until, known.hold, CPU_SECONDS)
            want = replace(want, increase=seconds, covered_ms=covered)
        assert found.count[number] == want.count
        assert found.covered_ms[number] == want.covered_ms <= until - start
        for name in ("minimum", "maximum", "integral", "increase"):
            got = getattr(found, name)[number]
            assert got == pytest.approx(getattr(want, name), rel=1e-6, abs=1e-3, nan_ok=True)


def figures(known: Known, start: int, end: int) -> tuple[float, int]:
    want = plainly(known.value, start, end, hold_ms=known.hold, kind=POWER.kind)
    return want.integral, want.covered_ms


@LAWS
@given(steps, st.sampled_from([POWER, CPU_TIME]), st.sampled_from([MINUTE, HOUR, DAY, 90_000]))
def test_each_reading_stands_for_its_own_hold_whatever_was_sealed(
    history: History, meter: Meter, width: int
) -> None:
    _, known = play(history, meter)
    check_buckets(known, meter, SPAN, width)


@LAWS
@given(steps, cuts)
def test_integrals_are_those_of_each_readings_own_hold(history: History, at: list[int]) -> None:
    _, known = play(history)
    edges = sorted({0, *at, SPAN})
    spans = [(NODE, START + a, START + b) for a, b in pairwise(edges)]
    found = reading.integrals(spans, "power")
    table = grid([NODE], "power", np.array(edges, np.int64) + START)
    levels = list(bulk.levels(spans, "power", timedelta(hours=1)))
    for number, (_, start, end) in enumerate(spans):
        integral, covered_ms = figures(known, start, end)
        assert found.covered_ms[number] == table.covered_ms[0, number] == covered_ms
        assert levels[number].covered_ms.sum() == covered_ms
        for got in (
            found.integral[number],
            table.amount[0, number],
            levels[number].integral.sum(),
        ):
            assert got == pytest.approx(integral, rel=1e-6, abs=1e-3)


@LAWS
@given(history=steps, later=st.lists(told, min_size=1, max_size=3), sealed=st.booleans())
def test_another_hold_changes_nothing_that_was_read_before(
    *, history: History, later: list[Told], sealed: bool
) -> None:
    """Whatever is told then with whatever hold; sealed or not."""
    house, known = play(history)
    change = max(known.value, default=START) + 1
    spans = [(NODE, START, change), (NODE, START + HOUR, change)]
    before = reading.integrals(spans, "power")
    for one in later:
        moved = [(change - START + at, value) for at, value in one.readings]
        house.tell(moved, hold_ms=one.hold_ms)
        if sealed:
            sealing.seal(START + 3 * SPAN)
    after = reading.integrals(spans, "power")
    assert after.covered_ms.tolist() == before.covered_ms.tolist()
    assert after.integral == pytest.approx(before.integral, rel=1e-6, abs=1e-3)


@LAWS
@given(steps)
def test_readings_and_the_newest_are_given_with_their_holds(history: History) -> None:
    _, known = play(history)
    found = reading.read(Series(NODE, "power", 1), Period.from_ms(START, START + SPAN + 1))
    assert dict(zip(found.at.tolist(), found.hold_ms.tolist(), strict=True)) == known.hold
    if known.hold:
        newest = known.hold[max(known.hold)]
        assert [one.series.hold_ms for one in reading.latest([NODE])] == [newest]
        assert reading.newest("power").hold_ms.tolist() == [newest]
        assert reading.find(NODE)[0].longest_hold_ms >= max(known.hold.values())


@LAWS
@given(steps, told)
def test_pruning_changes_no_hour_and_forgets_the_holds_of_what_is_gone(
    history: History, late: Told
) -> None:
    house, known = play(history)
    sealing.seal(START + SPAN + DAY)
    retention.prune(START + SPAN + DAY, Policy(raw=timedelta(0), minute=timedelta(days=365)))
    check_buckets(known, POWER, SPAN, HOUR)
    # What is told of the pruned time now is refused, and must not leave a hold behind.
    house.tell(late.readings, hold_ms=late.hold_ms)
    house.tell([(3 * SPAN, 5.0)], hold_ms=20 * S)
    sealing.seal(START + 4 * SPAN)
    retention.prune(START + 10 * SPAN, Policy(raw=timedelta(0), minute=timedelta(days=365)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM store_hold WHERE since_ms < %s", [START + 3 * SPAN])
        assert cursor.fetchone()[0] <= 1


@LAWS
@given(several=st.lists(told, min_size=2, max_size=4), sealed=st.booleans())
def test_one_batch_may_name_a_series_with_several_holds(
    *, several: list[Told], sealed: bool
) -> None:
    house, known = new_house(), Known()
    taken: set[int] = set()
    parts = []
    for one in several:  # of two readings at one moment nobody can tell which comes first
        new = {at: value for at, value in one.readings if at not in taken}
        taken |= new.keys()
        known.take(Told(list(new.items()), one.hold_ms))
        samples = [Sample(POWER, NODE, value, START + at) for at, value in new.items()]
        parts.append(Columns.of(samples, hold_ms=one.hold_ms))
    house.send(Columns.join(parts))
    if sealed:
        sealing.seal(START + SPAN + DAY)
    check_buckets(known, POWER, SPAN, HOUR)


def coverage(start: int, end: int) -> float:
    found = reading.integrals([(NODE, START + start, START + end)], "power")
    return float(found.covered_ms[0] / (end - start))


@pytest.mark.parametrize("sealed", [False, True])
def test_a_shorter_interval_takes_nothing_away_from_what_was_read(
    house: House, *, sealed: bool
) -> None:
    """100 W, read every 300 s, then every 10 s: it was 0.0250 kWh, and it stays that."""
    house.tell([(0, 100.0), (300 * S, 100.0), (600 * S, 100.0)], hold_ms=900 * S)
    spans = [(NODE, START, START + 900 * S)]
    assert reading.integrals(spans, "power").integral[0] / 3.6e6 == pytest.approx(0.0250)
    house.tell([(900 * S, 100.0)], hold_ms=30 * S)
    if sealed:
        sealing.seal(START + DAY)
    assert reading.integrals(spans, "power").integral[0] / 3.6e6 == pytest.approx(0.0250)


@pytest.mark.parametrize("sealed", [False, True])
def test_a_longer_interval_covers_no_gap_of_before(house: House, *, sealed: bool) -> None:
    house.tell([(0, 100.0), (HOUR // 2, 100.0)], hold_ms=612 * S)
    assert coverage(0, HOUR) == pytest.approx(0.34)
    house.tell([(HOUR, 100.0)], hold_ms=3 * HOUR)
    if sealed:
        sealing.seal(START + DAY)
    assert coverage(0, HOUR) == pytest.approx(0.34)
    assert coverage(HOUR, 4 * HOUR) == 1.0


def test_hours_in_which_a_reading_stands_are_closed_though_later_ones_stand_shorter(
    house: House,
) -> None:
    house.tell([(0, 100.0)], hold_ms=5 * HOUR)
    sealing.seal(START + 2 * HOUR + 10 * MINUTE)
    house.tell([(30 * HOUR, 100.0)], hold_ms=10 * S)  # waits in the head
    assert sealing.seal(START + 10 * HOUR).hours >= 3
    assert reading.integrals([(NODE, START, START + DAY)], "power").covered_ms[0] == 5 * HOUR


def test_a_reading_that_still_stands_is_not_pruned_because_later_ones_stand_shorter(
    house: House,
) -> None:
    house.tell([(0, 100.0)], hold_ms=5 * HOUR)
    sealing.seal(START + 2 * HOUR + 10 * MINUTE)
    house.tell([(4 * HOUR, 100.0)], hold_ms=10 * S)
    retention.prune(START + 3 * HOUR, Policy(raw=timedelta(0), minute=timedelta(0)))
    assert reading.integrals([(NODE, START, START + 4 * HOUR)], "power").covered_ms[0] == 4 * HOUR


def rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM store_hold")
        return int(cursor.fetchone()[0])


def test_a_series_that_always_had_one_hold_has_no_row(house: House) -> None:
    for second in range(5):
        house.tell([(second * S, 1.0)])
    assert rows() == 0


def test_a_replay_of_before_a_change_writes_nothing(house: House) -> None:
    house.tell([(0, 1.0)], hold_ms=30 * S)
    house.tell([(HOUR, 1.0)], hold_ms=60 * S)
    assert rows() == 2
    for second in range(1, 20):
        house.tell([(second * S, 1.0)], hold_ms=30 * S)
    assert rows() == 2


def test_late_readings_between_two_others_are_one_stretch(house: House) -> None:
    house.tell([(0, 1.0), (HOUR, 1.0)], hold_ms=30 * S)
    for second in range(1, 20):
        house.tell([(second * S, 1.0)], hold_ms=60 * S)
    assert rows() == 3


@pytest.mark.parametrize("sealed_every", [5, 1000])
def test_two_readers_that_take_turns_do_not_write_for_ever(
    house: House, sealed_every: int
) -> None:
    most = hold_changes.MOST_A_DAY
    tuples = [(Series(NODE, "power", 30 * S),), (Series(NODE, "power", 60 * S),)]
    key = np.zeros(1, np.uint32)
    for second in range(most + 50):
        at = np.array([START + second * S])
        house.send(Columns(tuples[second % 2], key, at, np.ones(1)))
        if second % sealed_every == 0:
            sealing.seal(START + second * S + DAY)
    assert rows() == most + 1  # of the day, and of all before
    assert statistics().samples == most + 50
    found = reading.read(Series(NODE, "power", 1), Period.from_ms(START, START + HOUR))
    assert found.hold_ms[:most].tolist() == [30 * S, 60 * S] * (most // 2)


@pytest.mark.django_db(transaction=True)
def test_every_figure_of_a_database_from_before_stays_what_it_was(house: House) -> None:
    house.tell([(at * MINUTE, 100.0) for at in range(0, 120, 7)], hold_ms=5 * MINUTE)
    spans = [(NODE, START, START + HOUR), (NODE, START, START + 3 * HOUR)]
    before = reading.integrals(spans, "power")
    call_command("migrate", "store", "0003", verbosity=0)
    call_command("migrate", "store", verbosity=0)
    after = reading.integrals(spans, "power")
    assert after.integral.tolist() == before.integral.tolist()
    assert after.covered_ms.tolist() == before.covered_ms.tolist()
    house.tell([(3 * HOUR, 1.0)], hold_ms=MINUTE)
    assert reading.integrals(spans, "power").covered_ms.tolist() == before.covered_ms.tolist()
