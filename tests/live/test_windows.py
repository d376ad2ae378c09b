"""Kwapi's six periods."""

from datetime import timedelta

import pytest
from tests.conftest import NOON

from meterhouse.live.windows import WINDOWS, resolution_of, width_of
from meterhouse.metering.periods import Period

KWAPI = {
    "minute": (300, 1),
    "hour": (3600, 10),
    "day": (86_400, 900),
    "week": (604_800, 7200),
    "month": (2_678_400, 21_600),
    "year": (31_622_400, 86_400),
}
"""Length and resolution in seconds; of the year a day instead of Kwapi's week."""


@pytest.mark.parametrize("name", KWAPI)
def test_periods_are_as_long_and_as_fine_as_kwapis(name: str) -> None:
    window = WINDOWS[name]
    seconds = (window.length.total_seconds(), window.resolution.total_seconds())
    assert seconds == KWAPI[name]
    assert 200 < window.length / window.width < 400


def test_another_period_has_buckets_and_an_age_in_proportion() -> None:
    for seconds in (10, 301, 5000, 86_399, 10**6, 3 * 10**8):
        period = Period.last(timedelta(seconds=seconds), now=NOON)
        assert period.length / width_of(period) <= 600
        assert width_of(period) >= timedelta(seconds=1)
    short = resolution_of(Period.last(timedelta(seconds=60), now=NOON))
    long = resolution_of(Period.last(timedelta(days=3000), now=NOON))
    assert (short, long) == (timedelta(seconds=1), timedelta(days=1))
