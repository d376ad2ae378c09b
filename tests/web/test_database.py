import sqlite3
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from meterhouse.web.database import database_settings


def test_without_a_word_it_is_sqlite_in_the_data_folder_whatever_the_folder_is_called(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "a b?c%20d#e"
    folder.mkdir()
    settings = database_settings(folder, {})
    assert settings["default"]["NAME"] == str(folder / "meterhouse.db")
    sqlite3.connect(settings["default"]["NAME"]).execute(
        "CREATE TABLE t (i INTEGER)"
    ).connection.close()
    reports = sqlite3.connect(settings["reports"]["NAME"], uri=True)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reports.execute("INSERT INTO t VALUES (1)")
    reports.close()


def test_an_address_with_a_password_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "address"
    file.write_text("postgresql://alice:p%40ss@db.example:5433/house\n")
    default = database_settings(tmp_path, {"METERHOUSE_DATABASE_FILE": str(file)})["default"]
    found = [default[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")]
    assert found == ["alice", "p@ss", "db.example", "5433", "house"]


def test_reports_may_have_a_role_of_their_own_and_never_write(tmp_path: Path) -> None:
    addresses = {
        "METERHOUSE_DATABASE": "postgresql://alice@/house",
        "METERHOUSE_REPORTS_DATABASE": "postgresql://reader@/house",
    }
    settings = database_settings(tmp_path, addresses)
    assert (settings["default"]["USER"], settings["reports"]["USER"]) == ("alice", "reader")
    assert "read_only" in settings["reports"]["OPTIONS"]["options"]


@pytest.mark.parametrize("variable", ["METERHOUSE_DATABASE", "METERHOUSE_REPORTS_DATABASE"])
def test_an_odd_address_is_refused_by_its_variable_without_its_password(
    variable: str, tmp_path: Path
) -> None:
    addresses = {"METERHOUSE_DATABASE": "postgresql://a@/b", variable: "oracle://a:secret@b/c"}
    with pytest.raises(ImproperlyConfigured, match=f"{variable}: 'oracle'") as refused:
        database_settings(tmp_path, addresses)
    assert "secret" not in str(refused.value)
