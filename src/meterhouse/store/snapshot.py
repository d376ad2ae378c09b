"""Several queries that see the store at one moment, while others write."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

_BEGIN = {"sqlite": "BEGIN", "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"}


@contextmanager
def snapshot(using: str) -> Iterator[Any]:
    """A cursor whose queries see no change in between, and that keeps nobody from writing.

    Within a transaction of the caller's it is the caller's; PostgreSQL may then show sealing
    half-way: what is read from the head first and from blocks after is still complete.
    """
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.in_atomic_block:
            yield cursor
            return
        # Not atomic(): on SQLite that is set to wait for writers.
        cursor.execute(_BEGIN[connection.vendor])
        try:
            yield cursor
        finally:
            cursor.execute("ROLLBACK")
