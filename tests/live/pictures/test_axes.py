"""Axes have round steps."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import NOON

from meterhouse.live.pictures.axes import moments, watts
from meterhouse.metering.periods import Period


@pytest.mark.parametrize(
    ("most", "labels"),
    [
        (212.4, ["0", "50 W", "100 W", "150 W", "200 W", "250 W"]),
        (1.9, ["0", "0.5 W", "1.0 W", "1.5 W", "2.0 W"]),
        (8860, ["0", "2 kW", "4 kW", "6 kW", "8 kW", "10 kW"]),
        (360_000, ["0", "100 kW", "200 kW", "300 kW", "400 kW"]),
        (0, ["0", "0.2 W", "0.4 W", "0.6 W", "0.8 W", "1.0 W", "1.2 W"]),
    ],
)
def test_watts_are_marked_in_round_numbers(most: float, labels: list[str]) -> None:
    assert [mark.label for mark in watts(most, 4)] == labels


@given(st.floats(1e-3, 1e12))
def test_the_axis_holds_what_is_drawn(most: float) -> None:
    marks = watts(most, 4)
    assert marks[0].at == 0
    assert marks[-1].at >= most
    assert 2 <= len(marks) <= 9


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        (timedelta(minutes=5), ["11:55", "11:56", "11:57", "11:58", "11:59", "12:00"]),
        (timedelta(hours=12), ["05-01", "02:00", "04:00", "06:00", "08:00", "10:00", "12:00"]),
        (timedelta(days=7), ["04-25", "04-26", "04-27", "04-28", "04-29", "04-30", "05-01"]),
        (
            timedelta(days=366),
            ["2025-05", "2025-07", "2025-09", "2025-11", "2026-01", "2026-03", "2026-05"],
        ),
    ],
)
def test_moments_are_marked_at_round_times_of_utc(length: timedelta, labels: list[str]) -> None:
    period = Period.last(length, now=NOON)
    marks = moments(period.start_ms, period.end_ms, 7)
    assert [mark.label for mark in marks] == labels


@given(st.integers(10, 10**9), st.integers(1, 30))
def test_there_are_never_more_moments_than_fit(length_s: int, most: int) -> None:
    end = 1_800_000_000_000
    marks = moments(end - length_s * 1000, end, most)
    assert len(marks) <= most + 1
    assert all(end - length_s * 1000 <= mark.at <= end for mark in marks)
