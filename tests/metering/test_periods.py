import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import NOON

from meterhouse.metering.periods import Period

HOUR = Period(NOON, NOON + timedelta(hours=1))


def test_a_period_holds_its_start_and_not_its_end() -> None:
    assert HOUR.start in HOUR
    assert HOUR.end not in HOUR


def test_december_is_followed_by_january() -> None:
    assert Period.month(2026, 12).end == Period.month(2027, 1).start


@given(st.lists(st.integers(-30, 90), max_size=8))
def test_the_parts_of_a_split_follow_each_other_and_fill_the_whole(minutes: list[int]) -> None:
    parts = list(HOUR.split(*(NOON + timedelta(minutes=m) for m in minutes)))
    assert parts[0].start == HOUR.start
    assert parts[-1].end == HOUR.end
    assert all(a.end == b.start for a, b in itertools.pairwise(parts))


def test_a_period_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        Period(NOON.replace(tzinfo=None), NOON.replace(tzinfo=None))


def test_a_period_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot end"):
        Period(HOUR.end, HOUR.start)


def test_the_part_of_another_stretch_is_cut_to_the_period() -> None:
    assert HOUR.clip(NOON - timedelta(hours=1), NOON + timedelta(minutes=5)) == Period(
        NOON, NOON + timedelta(minutes=5)
    )
    assert HOUR.clip(HOUR.end, HOUR.end + timedelta(hours=1)) is None
