"""Readings of one meter in one batch by slot, and what is done with them a column at a time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meterhouse.store.screening import AHEAD_MS as LATEST_MS
from meterhouse.store.screening import EARLIEST_MS, IN_STEP_MS, LARGEST


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Columns of equal length, in the order they were read.

    slot:   intp[n], of a board; below 0: of no probe
    at:     int64[n], milliseconds since 1970
    value:  float64[n]
    hold:   int64[n], for how long each stands when no next one comes (milliseconds)
    """

    slot: NDArray[np.intp]
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    hold: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.slot)

    def only(self, which: "NDArray[np.bool_] | NDArray[np.intp]") -> "Rows":
        return Rows(self.slot[which], self.at[which], self.value[which], self.hold[which])

    def believed(self, now_ms: int) -> "Rows":
        """Those of probes that can be meant, as the recorder judges them too."""
        good = self.slot >= 0
        good &= (self.at >= EARLIEST_MS) & (self.at <= now_ms + LATEST_MS)
        good &= np.abs(self.value) <= LARGEST  # false for what is not a number
        return self.only(good)

    def split(self, now_ms: int) -> "tuple[Rows, Rows]":
        """Those of the past, and those that lie in the future."""
        ahead = self.at > now_ms + IN_STEP_MS
        return (self.only(~ahead), self.only(ahead)) if ahead.any() else (self, self.only(ahead))


def in_order(rows: Rows) -> Rows:
    """By slot, then by time; of several at one moment the last, which is the one that holds."""
    if (np.diff(rows.slot) > 0).all():
        return rows
    rows = rows.only(np.lexsort((rows.at, rows.slot)))
    slot, at = rows.slot, rows.at
    holds = np.append((slot[1:] != slot[:-1]) | (at[1:] != at[:-1]), True)
    return rows.only(holds)


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Readings in order, each with the one before it: for the first of a slot, the board's.

    slots:     intp[m], each once
    last:      bool[n], which is the last of its slot
    before_at: int64[n]; 0: there is none
    before:    float64[n]
    """

    slots: NDArray[np.intp]
    starts: NDArray[np.intp]
    last: NDArray[np.bool_]
    before_at: NDArray[np.int64]
    before: NDArray[np.float64]
    _slot: NDArray[np.intp]
    _is_first: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Rows, newest_at: NDArray[np.int64], newest: NDArray[np.float64]) -> "Chain":
        """rows: as ``in_order`` gives them, at least one; the others are the board's columns."""
        slot = rows.slot
        is_first = np.append(True, slot[1:] != slot[:-1])
        starts = np.flatnonzero(is_first)
        return cls(
            slot[starts],
            starts,
            np.append(is_first[1:], True),
            np.where(is_first, newest_at[slot], np.append(0, rows.at[:-1])),
            np.where(is_first, newest[slot], np.append(0.0, rows.value[:-1])),
            slot,
            is_first,
        )

    def before_of(self, column: NDArray[np.int64], newest: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of the reading before each what a column of the rows, or of the board, has."""
        return np.where(self._is_first, newest[self._slot], np.append(0, column[:-1]))

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of each slot."""
        return np.add.reduceat(values, self.starts)


def grown(column: NDArray[Any]) -> NDArray[Any]:
    """The column with room for as many again."""
    room = np.zeros(max(64, len(column)), column.dtype)
    return np.concatenate([column, room])
