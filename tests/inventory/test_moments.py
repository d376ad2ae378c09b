"""When sources were silent."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.inventory.cast import MIRROR, NOW, QUARTER, T0, at, snapshot

from meterhouse.inventory import reading
from meterhouse.inventory.facts import ListingInfo
from meterhouse.inventory.keep import keep
from meterhouse.inventory.moments import silences
from meterhouse.inventory.scope import Scope
from meterhouse.metering.periods import Period

HOUR = 3_600_000
DAY = 24 * HOUR


def gaps(moments: list[int], start: int, end: int) -> list[tuple[int, int]]:
    """Silences, in milliseconds since T0."""
    found = silences(np.array(moments, np.int64) + T0, Period.from_ms(T0 + start, T0 + end))
    return [(a - T0, b - T0) for a, b in found]


QUARTERS = [n * QUARTER for n in range(96)]


def test_a_source_that_is_read_every_quarter_of_an_hour_has_no_gap() -> None:
    assert gaps(QUARTERS, 0, DAY) == []


def test_before_the_first_list_nobody_watched() -> None:
    assert gaps(QUARTERS, -HOUR, HOUR) == [(-HOUR, 0)]


def test_a_list_stands_for_an_hour_at_least() -> None:
    missing = [at for at in QUARTERS if not 4 * HOUR < at < 8 * HOUR]
    assert gaps(missing, 0, DAY) == [(5 * HOUR, 8 * HOUR)]
    assert gaps([at for at in QUARTERS if not 4 * HOUR < at < 5 * HOUR], 0, DAY) == []


def test_a_list_stands_for_three_usual_distances() -> None:
    daily = [n * DAY for n in range(30)]
    assert gaps(daily, 0, 30 * DAY) == []
    assert gaps([at for at in daily if not 10 < at // DAY < 15], 0, 30 * DAY) == [
        (13 * DAY, 15 * DAY)
    ]


def test_after_the_last_list_the_hold_runs_out() -> None:
    last = QUARTERS[-1]
    assert gaps(QUARTERS, 0, last + 2 * HOUR) == [(last + HOUR, last + 2 * HOUR)]
    assert gaps(QUARTERS, last + 2 * HOUR, last + 3 * HOUR) == [(last + 2 * HOUR, last + 3 * HOUR)]


def test_one_list_stands_for_an_hour() -> None:
    assert gaps([0], 0, 2 * HOUR) == [(HOUR, 2 * HOUR)]


def test_no_list_covers_nothing() -> None:
    assert gaps([], 0, HOUR) == [(0, HOUR)]
    assert gaps([], 0, 0) == []


@given(
    st.sets(st.integers(0, 400), max_size=40),
    st.integers(-50, 450),
    st.integers(0, 300),
    st.integers(0, 300),
)
def test_cutting_the_period_in_two_changes_no_silence(
    taken: set[int], start: int, first: int, second: int
) -> None:
    moments = sorted(each * QUARTER for each in taken)
    begin, middle = start * QUARTER, (start + first) * QUARTER
    end = middle + second * QUARTER
    whole = sum(b - a for a, b in gaps(moments, begin, end))
    parts = [*gaps(moments, begin, middle), *gaps(moments, middle, end)]
    assert sum(b - a for a, b in parts) == whole
    assert all(a < b for a, b in parts)
    assert all(one[1] <= other[0] for one, other in pairwise(parts))


@pytest.mark.django_db
def test_watches_are_told_by_source_and_kind() -> None:
    quarters = [n for n in range(200) if not 100 < n < 120]
    for n in quarters:
        keep([snapshot("instance", at(n), [])])
    keep([snapshot("node", at(0), [], source="other")])
    cloud, other = reading.sightings(Period(NOW, NOW + timedelta(days=2)))
    assert (cloud.source, cloud.kind) == ("cloud", "instance")
    assert cloud.gaps == ((at(104), at(120)),)
    assert (other.source, other.kind, other.gaps) == ("other", "node", ((at(4), at(192)),))


@pytest.mark.django_db
def test_an_incomplete_list_does_not_watch() -> None:
    keep([snapshot("instance", at(0), [], complete=False)])
    (watch,) = reading.sightings(Period.from_ms(at(0), at(8))) or [None]
    assert watch is None


@pytest.mark.django_db
def test_what_is_loaded_for_a_period_says_the_same_as_all_there_is() -> None:
    moments = [at(4 * n) for n in range(0, 24 * 40, 5)] + [at(4 * 24 * 45 + n) for n in range(50)]
    for each in moments:
        keep([snapshot("instance", each, [])])
    all_of_it = np.array(sorted(moments), np.int64)
    for days in range(-2, 50, 3):
        period = Period(NOW + timedelta(days=days), NOW + timedelta(days=days + 2))
        (watch,) = reading.sightings(period)
        assert watch.gaps == silences(all_of_it, period)


@pytest.mark.django_db
def test_a_listing_tells_how_its_snapshots_came() -> None:
    for n in (0, 200, 100, 100):
        keep([snapshot("instance", at(n), [])])
    keep([snapshot("node", at(0), [], complete=False)])
    assert reading.listings(Scope.all()) == (
        ListingInfo("cloud", "instance", at(200), 1, 1, ""),
        ListingInfo("cloud", "node", None, 0, 0, ""),
    )
    assert reading.listings(Scope.none()) == ()


@pytest.mark.django_db
def test_a_resource_that_another_lists_first_is_a_problem_of_the_second() -> None:
    keep([snapshot("instance", at(0), [MIRROR])])
    keep([snapshot("instance", at(0), [MIRROR], source="other")])
    assert [each.problem for each in reading.listings(Scope.all())] == [
        "",
        '1 listed by another source first, such as "cloud/mirror"',
    ]


@pytest.mark.django_db
def test_a_watch_says_when_it_began_if_that_was_in_the_period() -> None:
    for quarter in range(4, 12):
        keep([snapshot("instance", at(quarter), [])])
    (first,) = reading.sightings(Period.from_ms(at(0), at(8)))
    assert first.begun_ms == at(4)
    (later,) = reading.sightings(Period.from_ms(at(8), at(12)))
    assert later.begun_ms == 0
