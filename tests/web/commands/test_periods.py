from datetime import timedelta

import pytest
from tests.conftest import NOON

from meterhouse.metering.errors import Mistake
from meterhouse.web.commands.report import format_for, parse_period


def test_without_dates_a_report_is_about_the_last_thirty_days() -> None:
    period = parse_period(None, None, now=NOON)
    assert period.end == NOON
    assert period.length == timedelta(days=30)


def test_a_date_is_its_first_moment_in_utc() -> None:
    period = parse_period("2026-04-01", "2026-05-01", now=NOON)
    assert period.length == timedelta(days=30)
    assert period.start.isoformat() == "2026-04-01T00:00:00+00:00"


def test_a_moment_with_a_zone_is_taken_at_its_word() -> None:
    period = parse_period("2026-04-01T02:00+02:00", "2026-05-01", now=NOON)
    assert period.start.isoformat() == "2026-04-01T00:00:00+00:00"


def test_what_is_no_date_is_named_with_its_option() -> None:
    with pytest.raises(Mistake, match=r"--from 'yesterday' is no date"):
        parse_period("yesterday", None, now=NOON)


def test_a_period_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(Mistake, match="must be before"):
        parse_period("2026-05-02", "2026-05-01", now=NOON)


@pytest.mark.parametrize(
    ("asked", "output", "found"),
    [
        (None, None, "csv"),
        (None, "-", "csv"),
        (None, "a.PDF", "pdf"),
        (None, "a.txt", "csv"),
        ("json", None, "json"),
        ("json", "a.txt", "json"),
        ("json", "a.json", "json"),
    ],
)
def test_a_file_says_its_format(asked: str | None, output: str | None, found: str) -> None:
    assert format_for(asked, output) == found


def test_a_format_and_a_file_that_disagree_are_refused() -> None:
    with pytest.raises(Mistake, match=r"a\.pdf would hold csv"):
        format_for("csv", "a.pdf")
