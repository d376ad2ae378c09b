"""Which database: SQLite in the data folder, or PostgreSQL, by one address."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

DATABASE, REPORTS = "METERHOUSE_DATABASE", "METERHOUSE_REPORTS_DATABASE"
POSTGRESQL = {"postgresql", "postgres"}
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # FULL: what the recorder acknowledges must survive a power cut.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; "
    # FAST: what is deleted is wiped where that costs no writing; Debian wipes everything, which
    # doubles what sealing writes.
    "PRAGMA secure_delete=FAST;",
}


def database_settings(data: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Give Django's DATABASES: ``default``, and ``reports``, the same one without writing."""
    address = _address(DATABASE, environment) or f"sqlite://{quote(str(data / 'meterhouse.db'))}"
    parts = urlsplit(address)
    if parts.scheme == "sqlite":
        return _sqlite(unquote(parts.path))
    if parts.scheme in POSTGRESQL:
        return _with_reports(address, _address(REPORTS, environment) or address)
    raise _unknown(DATABASE, address)


def _address(variable: str, environment: Mapping[str, str]) -> str:
    """What the variable says, or the file that the variable with _FILE names; "" if neither."""
    file = environment.get(f"{variable}_FILE")
    if file:
        return Path(file).read_text().strip()
    return environment.get(variable, "")


def _unknown(variable: str, address: str) -> ImproperlyConfigured:
    # Never the whole address: there may be a password in it.
    return ImproperlyConfigured(
        f"{variable}: {urlsplit(address).scheme or address!r} is no database known here; "
        "write sqlite:///absolute/path.db or postgresql://user@host:port/name"
    )


def _sqlite(path: str) -> dict[str, Any]:
    engine = {"ENGINE": "django.db.backends.sqlite3"}
    return {
        "default": {**engine, "NAME": path, "OPTIONS": SQLITE_OPTIONS},
        "reports": {
            **engine,
            "NAME": f"file:{quote(path)}?mode=ro",
            "OPTIONS": {"uri": True, "timeout": 20},
            "TEST": {"MIRROR": "default"},
        },
    }


def _with_reports(address: str, reports: str) -> dict[str, Any]:
    """Both connections; that of reports cannot write even if its role could."""
    if urlsplit(reports).scheme not in POSTGRESQL:
        raise _unknown(REPORTS, reports)
    read_only = {"options": "-c default_transaction_read_only=on"}
    return {
        "default": _postgresql(address),
        "reports": {
            **_postgresql(reports),
            "OPTIONS": read_only,
            "TEST": {"MIRROR": "default"},
        },
    }


def _postgresql(address: str) -> dict[str, Any]:
    parts = urlsplit(address)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
    }
