"""What holds whatever is recorded, in whatever order, sealed whenever and pruned whenever."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.conftest import NOON
from tests.store.conftest import (
    CPU_SECONDS,
    DAY,
    HOUR,
    MINUTE,
    NODE,
    START,
    House,
    Plain,
    bridged,
    empty_the_store,
    plainly,
    stood,
)

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import CPU_TIME, ENERGY, POWER, Meter
from meterhouse.metering.periods import Period
from meterhouse.metering.samples import Series
from meterhouse.store import reading, retention, sealing
from meterhouse.store.recorder import Recorder
from meterhouse.store.retention import Policy

pytestmark = pytest.mark.django_db
LAWS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SPAN = 30 * HOUR  # over a midnight
FAST, SLOW = 2 * MINUTE, 10 * MINUTE  # holds with which minutes are made, and are not

moments = st.one_of(
    st.integers(0, SPAN),
    st.integers(0, SPAN // MINUTE).map(lambda n: n * MINUTE),
    st.integers(11 * HOUR, 13 * HOUR),  # around midnight: START is noon
)
values = st.one_of(
    st.integers(0, 3000).map(lambda tenths: tenths / 10),
    st.floats(-1e6, 1e6, allow_nan=False, width=32).map(float),
)
batches = st.lists(st.tuples(moments, values), min_size=1, max_size=30)
steps = st.lists(st.one_of(batches, st.integers(0, SPAN + DAY)), min_size=1, max_size=6)
"""Batches of readings, and moments (after START) at which sealing runs in between."""
meters = st.sampled_from([POWER, CPU_TIME, ENERGY])
History = list[list[tuple[int, float]] | int]


def new_house() -> House:
    empty_the_store()
    return House(Recorder(lambda _: None, clock=FixedClock(NOON + timedelta(days=100))))


def play(history: History, meter: Meter, hold: int) -> dict[int, float]:
    """Record and seal in turn; return what must be known then."""
    house, known = new_house(), {}
    for step in history:
        if isinstance(step, int):
            sealing.seal(START + step)
        else:
            house.tell(step, meter=meter, hold_ms=hold)
            known.update({START + at: value for at, value in step})
    return known


def buckets(meter: Meter, start: int, end: int, width: int) -> reading.Buckets:
    period = Period.from_ms(START + start, START + end)
    return reading.buckets(Series(NODE, meter.name, FAST), period, timedelta(milliseconds=width))


def worked(plain: Plain, known: dict[int, float], start: int, until: int, hold: int) -> Plain:
    """The same of CPU time: what it grew is spread, and time in doubt is not covered."""
    seconds, _ = bridged(known, start, until, CPU_SECONDS)
    covered = stood(known, start, until, hold, CPU_SECONDS)
    return replace(plain, increase=seconds, covered_ms=covered)


def check_buckets(
    found: reading.Buckets, known: dict[int, float], meter: Meter, end: int, hold: int
) -> None:
    ends = [*found.start[1:].tolist(), START + end]
    for number, (start, until) in enumerate(zip(found.start.tolist(), ends, strict=True)):
        want = plainly(known, start, until, hold_ms=hold, kind=meter.kind)
        assert found.count[number] == want.count
        if meter == ENERGY:
            joules, covered = bridged(known, start, until)
            assert found.increase[number] == pytest.approx(joules, rel=1e-6, abs=2e-3)
            assert found.covered_ms[number] == pytest.approx(covered, abs=1)
            assert 0 <= found.covered_ms[number] <= until - start
            continue
        if meter == CPU_TIME:
            want = worked(want, known, start, until, hold)
        assert found.covered_ms[number] == want.covered_ms <= until - start
        for name in ("minimum", "maximum", "integral", "increase"):
            got = getattr(found, name)[number]
            assert got == pytest.approx(getattr(want, name), rel=1e-6, abs=1e-3, nan_ok=True)


@pytest.mark.parametrize("hold", [FAST, SLOW])
@LAWS
@given(steps, meters, st.sampled_from([MINUTE, 5 * MINUTE, HOUR, DAY, 90_000]))
def test_buckets_are_what_the_rules_say_whatever_was_sealed(
    hold: int, history: History, meter: Meter, width: int
) -> None:
    known = play(history, meter, hold)
    check_buckets(buckets(meter, 0, SPAN, width), known, meter, SPAN, hold)


@pytest.mark.parametrize("hold", [FAST, SLOW])
@LAWS
@given(steps, meters, st.integers(0, SPAN), st.integers(1, SPAN))
def test_a_period_may_begin_and_end_anywhere(
    hold: int, history: History, meter: Meter, start: int, length: int
) -> None:
    known = play(history, meter, hold)
    found = buckets(meter, start, start + length, 2 * HOUR)
    check_buckets(found, known, meter, start + length, hold)


@pytest.mark.parametrize("hold", [FAST, SLOW])
@LAWS
@given(steps)
def test_every_reading_is_kept_once_and_the_last_recorded_holds(
    hold: int, history: History
) -> None:
    known = play(history, POWER, hold)
    found = reading.read(Series(NODE, "power", FAST), Period.from_ms(START, START + SPAN + 1))
    assert dict(zip(found.at.tolist(), found.value.tolist(), strict=True)) == known
    assert (np.diff(found.at) > 0).all()


@pytest.mark.parametrize("hold", [FAST, SLOW])
@LAWS
@given(steps, st.lists(st.integers(0, SPAN), max_size=4))
def test_integrals_add_up_wherever_a_span_is_cut(
    hold: int, history: History, cuts: list[int]
) -> None:
    known = play(history, POWER, hold)
    edges = sorted({0, *cuts, SPAN})
    spans = [(NODE, START + a, START + b) for a, b in pairwise(edges)]
    whole = reading.integrals([(NODE, START, START + SPAN)], "power")
    parts = reading.integrals(spans, "power")
    want = plainly(known, START, START + SPAN, hold_ms=hold, kind=POWER.kind)
    assert parts.covered_ms.sum() == whole.covered_ms[0] == want.covered_ms
    assert parts.integral.sum() == pytest.approx(whole.integral[0], rel=1e-6, abs=1e-3)
    assert whole.integral[0] == pytest.approx(want.integral, rel=1e-6, abs=1e-3)


@pytest.mark.parametrize("hold", [FAST, SLOW])
@LAWS
@given(batches, st.randoms(), st.integers(0, SPAN + DAY))
def test_order_and_repetition_change_nothing(
    hold: int, told: list[tuple[int, float]], random: Random, now: int
) -> None:
    told = list(dict(told).items())
    answers = []
    for repeats in (1, 3):
        house = new_house()
        for _ in range(repeats):
            random.shuffle(told)
            for one in told[: len(told) // 2], told[len(told) // 2 :]:
                if one:
                    house.tell(one, hold_ms=hold)
                sealing.seal(START + now)
        answers.append(columns(buckets(POWER, 0, SPAN, HOUR)))
    for first, second in zip(*answers, strict=True):
        assert first == pytest.approx(second, rel=1e-6, abs=1e-3, nan_ok=True)


def columns(found: reading.Buckets) -> list[NDArray[np.float64]]:
    whole = [found.count.astype(float), found.covered_ms.astype(float)]
    return [*whole, found.minimum, found.maximum, found.integral]


@pytest.mark.parametrize("hold", [FAST, SLOW])
@LAWS
@given(steps, meters, st.sampled_from([timedelta(0), timedelta(days=365)]))
def test_pruning_changes_no_hour(
    hold: int, history: History, meter: Meter, minute: timedelta
) -> None:
    known = play(history, meter, hold)
    sealing.seal(START + SPAN + DAY)
    before = buckets(meter, 0, SPAN, HOUR)
    retention.prune(START + SPAN + DAY, Policy(raw=timedelta(0), minute=minute))
    after = buckets(meter, 0, SPAN, HOUR)
    check_buckets(after, known, meter, SPAN, hold)
    assert columns(before)[0].tolist() == columns(after)[0].tolist()
    # Spans that do not lie on hours share out what is left, and still add up.
    cut = START + 3 * HOUR + 12_345
    spans = [(NODE, START, cut), (NODE, cut, START + SPAN), (NODE, START, START + SPAN)]
    if meter in {ENERGY, CPU_TIME}:
        grown = reading.increases(spans, meter.name)
        assert abs(grown.covered_ms[0] + grown.covered_ms[1] - grown.covered_ms[2]) <= 2
        assert grown.increase[:2].sum() == pytest.approx(grown.increase[2], rel=1e-6, abs=1e-2)
        return
    found = reading.integrals(spans, meter.name)
    assert found.covered_ms[0] + found.covered_ms[1] == found.covered_ms[2]
    assert found.integral[0] + found.integral[1] == pytest.approx(found.integral[2], abs=1e-3)


@pytest.mark.parametrize("hold", [FAST, SLOW])
@LAWS
@given(steps, meters)
def test_the_latest_reading_is_the_latest(hold: int, history: History, meter: Meter) -> None:
    known = play(history, meter, hold)
    found = {one.at_ms: one.value for one in reading.latest([NODE])}
    assert found == ({max(known): known[max(known)]} if known else {})
    stored = [(one.first_ms, one.last_ms) for one in reading.find(resource=NODE)]
    assert stored == ([(min(known), max(known))] if known else [])


@pytest.mark.parametrize("hold", [FAST, SLOW])
@LAWS
@given(steps)
def test_what_a_counter_grew_is_never_negative(hold: int, history: History) -> None:
    play(history, CPU_TIME, hold)
    assert (buckets(CPU_TIME, 0, SPAN, HOUR).increase >= 0).all()


@pytest.mark.parametrize("hold", [FAST, SLOW])
@LAWS
@given(steps, st.lists(st.integers(0, SPAN), max_size=4))
def test_what_a_counter_counted_adds_up_wherever_a_span_is_cut(
    hold: int, history: History, cuts: list[int]
) -> None:
    known = play(history, ENERGY, hold)
    edges = sorted({0, *cuts, SPAN})
    spans = [(NODE, START + a, START + b) for a, b in pairwise(edges)]
    whole = reading.increases([(NODE, START, START + SPAN)], "energy")
    parts = reading.increases(spans, "energy")
    joules, covered = bridged(known, START, START + SPAN)
    assert abs(parts.covered_ms.sum() - whole.covered_ms[0]) <= 3 * len(spans)
    assert whole.covered_ms[0] == pytest.approx(covered, abs=3)
    assert parts.increase.sum() == pytest.approx(whole.increase[0], rel=1e-6, abs=1e-2)
    assert whole.increase[0] == pytest.approx(joules, rel=1e-6, abs=1e-2)
