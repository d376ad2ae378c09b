from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from meterhouse.web.environment import flag, retentions


def test_raw_samples_are_kept_a_month_minutes_a_year_and_hours_for_ever() -> None:
    assert retentions({}) == (timedelta(days=30), timedelta(days=365), None)


def test_everything_can_be_kept_for_ever() -> None:
    names = ("RAW", "MINUTES", "HOURS")
    kept = retentions({f"METERHOUSE_KEEP_{name}": "forever" for name in names})
    assert kept == (None, None, None)


@pytest.mark.parametrize("text", ["", "0", "-1", "a month", "1.5", "999999999"])
def test_what_is_no_number_of_days_stops_the_start_by_its_name(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="METERHOUSE_KEEP_RAW"):
        retentions({"METERHOUSE_KEEP_RAW": text})


def test_finer_samples_cannot_outlive_coarser_ones() -> None:
    with pytest.raises(ImproperlyConfigured, match="finer"):
        retentions({"METERHOUSE_KEEP_RAW": "400"})


def test_a_flag_is_yes_or_no_and_nothing_else() -> None:
    assert flag({"X": "yes"}, "X")
    assert not flag({}, "X")
    with pytest.raises(ImproperlyConfigured, match="X: '1'"):
        flag({"X": "1"}, "X")
