"""What lies in a data folder is shut to others, and nothing else is."""

from pathlib import Path

import pytest

from meterhouse.station.privacy import keep_private, write_private


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder that was open to all."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o755)
    return folder


def test_a_data_folder_and_its_database_are_shut(data: Path) -> None:
    for name in ("secret.key", "meterhouse.db", "meterhouse.db-wal", "site.toml"):
        (data / name).touch()
        (data / name).chmod(0o644)
    keep_private(data)
    assert mode(data) == 0o700
    assert mode(data / "meterhouse.db") == mode(data / "meterhouse.db-wal") == 0o600
    assert mode(data / "secret.key") == mode(data / "site.toml") == 0o644


def test_an_empty_folder_is_shut_before_anything_is_in_it(data: Path) -> None:
    keep_private(data)
    assert mode(data) == 0o700


def test_what_others_share_is_left_alone(data: Path) -> None:
    keep_private(data / "absent")
    (data / "theirs").touch()
    keep_private(data)
    assert mode(data) == 0o755
    (data / "secret.key").touch()
    data.chmod(0o1777)
    keep_private(data)
    assert mode(data) == 0o1777


def test_a_private_file_is_its_owners_only(data: Path) -> None:
    write_private(data / "x", b"secret")
    assert (mode(data / "x"), (data / "x").read_bytes()) == (0o600, b"secret")
