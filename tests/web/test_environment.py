from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from meterhouse.web.environment import flag, keystone, retentions, seconds


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


def test_seconds_are_a_number_from_one_on() -> None:
    assert seconds({}, "X", 300) == 300_000
    assert seconds({"X": "1"}, "X", 300) == 1000
    for text in ("0", "-1", "1.5", "soon", ""):
        with pytest.raises(ImproperlyConfigured, match="X: "):
            seconds({"X": text}, "X", 300)


def with_keystone(tmp_path: Path, **more: str) -> dict[str, str]:
    (tmp_path / "password").write_text("a secret\n")
    named = {f"METERHOUSE_KEYSTONE_{name}": text for name, text in more.items()}
    return {
        "METERHOUSE_KEYSTONE_URL": "https://keystone.example.org:5000",
        "METERHOUSE_KEYSTONE_USER": "meterhouse",
        "METERHOUSE_KEYSTONE_PASSWORD_FILE": str(tmp_path / "password"),
        **named,
    }


def test_without_an_address_there_is_no_keystone() -> None:
    assert keystone({}) is None


def test_keystone_needs_an_address_an_account_and_its_password(tmp_path: Path) -> None:
    found = keystone(with_keystone(tmp_path))
    assert found
    assert found.account.password.reveal() == "a secret"
    assert (found.account.project, found.role, found.remembered_ms) == (
        "service",
        "admin",
        300_000,
    )
    assert "a secret" not in repr(found)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("URL", "keystone.example.org"),
        ("USER", ""),
        ("PASSWORD_FILE", ""),
        ("PASSWORD_FILE", "nowhere"),
        ("REMEMBER", "long"),
    ],
)
def test_half_a_keystone_stops_the_start_by_its_name(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"METERHOUSE_KEYSTONE_{name}"):
        keystone(with_keystone(tmp_path, **{name: text}))


def test_a_file_without_a_password_is_none(tmp_path: Path) -> None:
    settings = with_keystone(tmp_path)
    (tmp_path / "password").write_text("\n")
    with pytest.raises(ImproperlyConfigured, match="is empty"):
        keystone(settings)
