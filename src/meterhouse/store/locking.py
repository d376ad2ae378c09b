"""One at a time: sealing and pruning move samples, and must not move the same ones twice."""

from typing import Any

from django.db import connections

_KEY = 0x6D657465  # a number that nothing else locks: "mete"


def alone(cursor: Any, using: str) -> None:
    """Wait until nobody else seals or prunes, and let nobody until this transaction ends."""
    # SQLite has one writer at a time as it is.
    if connections[using].vendor == "postgresql":
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_KEY,))
