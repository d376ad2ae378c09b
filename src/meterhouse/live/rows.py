"""Power readings of one batch by slot, and what is done with them a column at a time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meterhouse.store.screening import AHEAD_MS as LATEST_MS
from meterhouse.store.screening import EARLIEST_MS, LARGEST

AHEAD_MS = 5_000
"""Clocks that differ by less are in step."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Columns of equal length, in the order they were read.

    number: grows with every batch, in the order they came
    slot:   intp[n], of a board; below 0: of no probe
    at:     int64[n], milliseconds since 1970
    watts:  float64[n]
    """

    number: int
    slot: NDArray[np.intp]
    at: NDArray[np.int64]
    watts: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.slot)

    def only(self, which: "NDArray[np.bool_] | NDArray[np.intp]") -> "Rows":
        return Rows(self.number, self.slot[which], self.at[which], self.watts[which])

    def believed(self, now_ms: int) -> "Rows":
        """Those of probes that can be meant, as the recorder judges them too."""
        good = self.slot >= 0
        good &= (self.at >= EARLIEST_MS) & (self.at <= now_ms + LATEST_MS)
        good &= np.abs(self.watts) <= LARGEST  # false for what is not a number
        return self.only(good)


def in_order(rows: Rows) -> Rows:
    """By slot, then by time; of several at one moment the last, which is the one that holds."""
    if (np.diff(rows.slot) > 0).all():
        return rows
    rows = rows.only(np.lexsort((rows.at, rows.slot)))
    slot, at = rows.slot, rows.at
    holds = np.append((slot[1:] != slot[:-1]) | (at[1:] != at[:-1]), True)
    return rows.only(holds)


def grown(column: NDArray[Any]) -> NDArray[Any]:
    """The column with room for as many again."""
    room = np.zeros(max(64, len(column)), column.dtype)
    return np.concatenate([column, room])
