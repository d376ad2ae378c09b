from datetime import timedelta

import pytest
from tests.conftest import NOON

from meterhouse.metering.clock import FixedClock, SystemClock
from meterhouse.metering.periods import Period, from_ms, to_ms


def test_the_machines_clock_tells_one_time_in_two_forms() -> None:
    clock = SystemClock()
    before, moment, after = clock.now_ms(), clock.now(), clock.now_ms()
    assert moment.utcoffset() == timedelta()
    assert before <= to_ms(moment) <= after


def test_another_clock_may_stand_in_for_the_machines(
    clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_before = SystemClock()
    monkeypatch.setattr(SystemClock, "source", clock)
    clock.move(timedelta(days=400))
    assert asked_before.now() == SystemClock().now() == NOON + timedelta(days=400)
    assert asked_before.now_ms() == to_ms(NOON) + 400 * 86_400_000


def test_a_fixed_clock_moves_only_when_it_is_moved() -> None:
    clock = FixedClock(NOON)
    clock.move(timedelta(minutes=5))
    assert clock.now() == NOON + timedelta(minutes=5)
    assert clock.now_ms() == to_ms(NOON) + 300_000


def test_milliseconds_and_moments_are_the_same_thing() -> None:
    assert from_ms(to_ms(NOON)) == NOON
    assert Period.from_ms(0, 1000).length == timedelta(seconds=1)
    assert Period.last(timedelta(days=30), now=NOON).end == NOON
