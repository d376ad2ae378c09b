"""Rows of the database that cannot be read: stepped over, and said once each in the log.

A byte that a disk or a program has changed must not keep everything else from being shown and
sealed. What a row held is then missing, and what is known of that time says so: it is not covered.
"""

import logging
import struct
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

import numpy as np

T = TypeVar("T")
_log = logging.getLogger(__name__)
_MOST_NOTED = 100_000

ERRORS = (
    *(RuntimeError, struct.error),  # of pcodec; of a payload that is cut short
    *(ValueError, TypeError, IndexError, KeyError, OverflowError),
)


class Table(StrEnum):
    """Where a row is. The database's names: they are said to people."""

    HEAD = "store_head"
    BLOCK = "store_block"


_noted: dict[tuple[Table, int], int] = {}


def read(table: Table, row: int, size: int, decode: Callable[[], T]) -> T | None:
    """What a row holds; None if it cannot be read.

    size:   how many samples, or buckets, it says to hold
    decode: raises any of ``ERRORS`` if it cannot
    """
    try:
        with np.errstate(all="ignore"):
            return decode()
    except ERRORS as error:
        note(table, row, size, str(error))
        return None


def note(table: Table, row: int, size: int, why: str) -> None:
    """Say once that a row cannot be read."""
    if (table, row) in _noted or len(_noted) >= _MOST_NOTED:
        return
    _noted[table, row] = size
    _log.error(
        "row %d of %s is damaged: %d samples or buckets are left out (%s)", row, table, size, why
    )


def forget(table: Table, row: int) -> int:
    """How much a row said to hold that was noted, and is deleted now; 0: it was not noted."""
    return _noted.pop((table, row), 0)
