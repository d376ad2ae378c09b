"""Which database: SQLite in the data folder, or PostgreSQL, by one address."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

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
    address = _address(data, environment)
    parts = urlsplit(address)
    if parts.scheme == "sqlite":
        return _sqlite(unquote(parts.path))
    if parts.scheme in {"postgresql", "postgres"}:
        return _postgresql(address)
    raise ImproperlyConfigured(
        f"METERHOUSE_DATABASE: {parts.scheme or address!r} is no database known here; "
        "write sqlite:///absolute/path.db or postgresql://user@host:port/name"
    )


def _address(data: Path, environment: Mapping[str, str]) -> str:
    file = environment.get("METERHOUSE_DATABASE_FILE")
    if file:
        return Path(file).read_text().strip()
    return environment.get("METERHOUSE_DATABASE") or f"sqlite://{data / 'meterhouse.db'}"


def _sqlite(path: str) -> dict[str, Any]:
    engine = {"ENGINE": "django.db.backends.sqlite3"}
    return {
        "default": {**engine, "NAME": path, "OPTIONS": SQLITE_OPTIONS},
        "reports": {
            **engine,
            "NAME": f"file:{path}?mode=ro",
            "OPTIONS": {"uri": True, "timeout": 20},
            "TEST": {"MIRROR": "default"},
        },
    }


def _postgresql(address: str) -> dict[str, Any]:
    parts = urlsplit(address)
    common = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
    }
    read_only = {"options": "-c default_transaction_read_only=on"}
    return {
        "default": common,
        "reports": {**common, "OPTIONS": read_only, "TEST": {"MIRROR": "default"}},
    }
