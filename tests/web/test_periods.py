"""Periods as an address says them."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.conftest import NOON

from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import Period, to_ms
from meterhouse.web.pages.periods import (
    covering,
    exactly,
    graph_period,
    question,
    report_period,
)


def day(month: int, number: int = 1, year: int = 2026) -> datetime:
    return datetime(year, month, number, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "period"),
    [
        ("last-24h", Period(NOON - timedelta(days=1), NOON)),
        ("last-30d", Period(NOON - timedelta(days=30), NOON)),
        ("this-month", Period(day(5), day(6))),
        ("last-month", Period(day(4), day(5))),
        ("this-year", Period(day(1), day(1, 1, 2027))),
        ("last-year", Period(day(1, 1, 2025), day(1))),
    ],
)
def test_a_preset_is_a_period(name: str, period: Period) -> None:
    assert report_period({"period": name}, now=NOON).period == period


def test_months_end_where_years_do() -> None:
    december = day(12, 31)
    assert report_period({"period": "this-month"}, now=december).period.end == day(1, 1, 2027)
    assert report_period({"period": "last-month"}, now=day(1, 2)).period == Period(
        day(12, 1, 2025), day(1)
    )


def test_a_report_covers_the_last_thirty_days_if_nothing_is_said() -> None:
    assert report_period({}, now=NOON).name == "last-30d"


def test_two_dates_are_a_period_without_the_last_day() -> None:
    chosen = report_period({"from": "2026-04-01", "to": "2026-05-01"}, now=NOON)
    assert chosen.period == Period(day(4), day(5))


def test_moments_may_carry_their_own_zone() -> None:
    query = {"from": "2026-05-01T10:00:00+02:00", "to": "2026-05-01T09:00"}
    period = graph_period(query, now=NOON).period
    assert period.start.isoformat() == "2026-05-01T08:00:00+00:00"
    assert period.length == timedelta(hours=1)


def test_moments_may_be_milliseconds() -> None:
    query = {"from": str(to_ms(NOON) - 60_000), "to": str(to_ms(NOON))}
    assert graph_period(query, now=NOON).period == Period(NOON - timedelta(minutes=1), NOON)


def test_a_graph_without_an_end_ends_now() -> None:
    assert graph_period({"from": "2026-04-30"}, now=NOON).period.end == NOON


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"last": "fortnight"}, "last"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-05-01", "to": "2026-04-01"}, "to"),
        ({"from": "2026-05-01", "to": "2026-05-01"}, "to"),
        ({"from": "1066-10-14", "to": "2026-05-01"}, "ten years"),
        ({"from": "2000-01-01", "to": "2026-05-01"}, "ten years"),
        ({"from": "99999999999999999999"}, "from"),
    ],
)
def test_what_is_no_period_is_a_mistake_that_names_the_word(
    query: dict[str, str], word: str
) -> None:
    with pytest.raises(Mistake, match=word):
        graph_period(query, now=NOON)


def test_an_unknown_preset_is_a_mistake() -> None:
    with pytest.raises(Mistake, match="period"):
        report_period({"period": "next-week"}, now=NOON)


@pytest.mark.parametrize(
    ("age", "name"),
    [
        (timedelta(minutes=3), "hour"),
        (timedelta(hours=1), "hour"),
        (timedelta(hours=2), "day"),
        (timedelta(days=3), "week"),
        (timedelta(days=300), "week"),
    ],
)
def test_a_series_is_shown_over_the_shortest_period_that_covers_it(
    age: timedelta, name: str
) -> None:
    chosen = covering(to_ms(NOON - age), to_ms(NOON), now=NOON)
    assert chosen.name == name
    assert chosen.period.end == NOON
    assert question(chosen) == {"last": name}


def test_what_ended_long_ago_is_shown_up_to_its_end() -> None:
    end = NOON - timedelta(days=60)
    chosen = covering(to_ms(end - timedelta(days=30)), to_ms(end), now=NOON)
    assert chosen.name == ""
    assert chosen.period == Period.last(timedelta(days=7), now=end + timedelta(seconds=1))
    assert question(chosen)["to"] == f"{end + timedelta(seconds=1):%FT%T}"


def test_an_exact_period_holds_all_of_it() -> None:
    half = timedelta(milliseconds=500)
    found = exactly(Period(NOON + half, NOON + timedelta(seconds=2) + half))
    assert found == {"from": f"{NOON:%FT%T}", "to": f"{NOON + timedelta(seconds=3):%FT%T}"}


def test_an_end_without_a_start_is_a_mistake() -> None:
    with pytest.raises(Mistake, match="from when"):
        graph_period({"to": "2026-05-01"}, now=NOON)


def test_a_report_that_says_only_its_end_is_a_mistake() -> None:
    with pytest.raises(Mistake, match="from when"):
        report_period({"to": "2026-05-01"}, now=NOON)
