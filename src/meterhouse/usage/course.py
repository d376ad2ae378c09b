"""What nodes and meters drew over time: exact in each window, and within one as meters read it.

A window is cut where anything changes on a node. What was drawn until the cut is what its meters
really read until then; where readings are thrown away, a window's energy comes evenly.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from meterhouse.usage.stretches import Ints, Mask
from meterhouse.usage.windows import Floats, Windows

Shape = Callable[[Ints, Ints, Ints], tuple[Floats, Floats]]
"""Of rows, windows and moments within them: the part of a window's energy, and of its known time,
that lies before the moment; between 0 and 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Pieces of time in which nothing changes: s of them, in order of row and time.

    Between one row and the next lies one of no length, so that every edge begins one.

    row, window: of each; length: milliseconds
    part, known: which part of its window's energy, and of its known time, is in it
    """

    windows: Windows
    shape: Shape
    row: Ints
    window: Ints
    at_ms: Ints
    length: Ints
    part: Floats
    known: Floats

    @classmethod
    def of(cls, windows: Windows, rows: int, row: Ints, at_ms: Ints, shape: Shape) -> "Course":
        """Cut the windows of so many rows at moments (row, at_ms)."""
        edges = windows.edges
        stride = _stride(edges)
        inside = (at_ms > edges[0]) & (at_ms < edges[-1])
        grid = np.arange(rows)[:, None] * stride + (edges - edges[0])
        more = np.unique(row[inside] * stride + at_ms[inside] - edges[0])
        keys = np.concatenate((grid.ravel(), more))
        keys.sort(kind="stable")
        keys = keys[np.append(True, keys[1:] != keys[:-1])]
        row, since = np.divmod(keys, stride)
        window = np.searchsorted(edges, since + edges[0], side="right") - 1
        at_ms = since + edges[0]
        cut = edges[window] != at_ms
        before = _before(windows, shape, row, window, at_ms)
        return cls(
            windows=windows,
            shape=shape,
            row=row,
            window=np.minimum(window, len(windows) - 1),
            at_ms=at_ms,
            length=(length := np.append(np.where(row[1:] == row[:-1], np.diff(since), 0), 0)),
            part=_parts(before[0], cut, length),
            known=_parts(before[1], cut, length),
        )

    def of_windows(self, amount: Floats | Ints, *, known: bool = False) -> Floats:
        """What of an amount[rows, n] is in each piece: as energy comes, or as time is known."""
        result: Floats = amount[self.row, self.window] * (self.known if known else self.part)
        return result

    def summed(self, amount: Floats | Ints, rows: int) -> Floats:
        """An amount of pieces in windows: float64[rows, n]."""
        size = rows * len(self.windows)
        place = self.row * len(self.windows) + self.window
        return np.bincount(place, amount, size).astype(np.float64).reshape(rows, -1)

    def weighed(self, row: Ints, weight: Ints, start_ms: Ints, end_ms: Ints) -> Ints:
        """The weight of all stretches that lie over each piece; they begin and end at edges."""
        change = np.zeros(len(self.row) + 1, np.int64)
        np.add.at(change, self.find(row, start_ms), weight)
        np.add.at(change, self.find(row, end_ms), -weight)
        result: Ints = np.cumsum(change)[:-1]
        return result

    def find(self, row: Ints, at_ms: Ints) -> Ints:
        """The piece that a moment lies in, or that begins there."""
        edges = self.windows.edges
        stride = _stride(edges)
        keys = self.row * stride + self.at_ms - edges[0]
        key = row * stride + np.clip(at_ms, edges[0], edges[-1]) - edges[0]
        result: Ints = np.searchsorted(keys, key, side="right") - 1
        return result

    def between(
        self, row: Ints, start_ms: Ints, end_ms: Ints, *amounts: tuple[Floats, str]
    ) -> list[Floats]:
        """What stretches get of amounts of pieces, that come in them as energy ("part"), as time
        is known ("known"), or evenly ("time").
        """
        ends = [_Place.of(self, row, at) for at in (start_ms, end_ms)]
        found = []
        for amount, how in amounts:
            if not amount.any():
                found.append(np.zeros(len(row)))
                continue
            # Of 64 bits and not 53: the sum of all rows is huge beside what one stretch gets.
            until = np.concatenate(([0], np.cumsum(amount, dtype=np.longdouble)))
            first, last = (
                until[place.piece] + amount[place.piece] * getattr(place, how) for place in ends
            )
            found.append((last - first).astype(np.float64))
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where moments lie: in which piece, and which part of it is before them."""

    piece: Ints
    part: Floats
    known: Floats
    time: Floats

    @classmethod
    def of(cls, course: Course, row: Ints, at_ms: Ints) -> "_Place":
        piece = course.find(row, at_ms)
        since = np.clip(at_ms, course.windows.edges[0], course.windows.edges[-1])
        since = since - course.at_ms[piece]
        time = since / np.maximum(course.length[piece], 1)
        part, known = time.copy(), time.copy()
        inside = np.flatnonzero(since > 0)
        if len(inside):
            part[inside], known[inside] = _within(course, piece[inside], at_ms[inside])
        return cls(piece, part, known, time)


def _within(course: Course, piece: Ints, at_ms: Ints) -> tuple[Floats, Floats]:
    """Which part of a piece lies before a moment in it."""
    key = piece * _stride(course.windows.edges) + at_ms - course.at_ms[piece]
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    some, at_ms = piece[first], at_ms[first]
    row, window = course.row[some], course.window[some]
    begin = course.shape(row, window, course.at_ms[some])
    until = course.shape(row, window, at_ms)
    even = (at_ms - course.at_ms[some]) / course.length[some]
    found = []
    for before, reached, size in zip(begin, until, (course.part, course.known), strict=True):
        part = np.divide(reached - before, size[some], out=even.copy(), where=size[some] > 0)
        found.append(np.clip(part, 0.0, 1.0)[place])
    return found[0], found[1]


def _stride(edges: Ints) -> int:
    return int(edges[-1] - edges[0]) + 1


def _before(
    windows: Windows, shape: Shape, row: Ints, window: Ints, at_ms: Ints
) -> tuple[Floats, Floats]:
    """Which part of its window lies before each edge: 0 where one begins."""
    before, known = np.zeros(len(row)), np.zeros(len(row))
    cut: Ints = np.flatnonzero(windows.edges[window] != at_ms)
    if len(cut):
        before[cut], known[cut] = shape(row[cut], window[cut], at_ms[cut])
    return before, known


def _parts(before: Floats, cut: Mask, length: Ints) -> Floats:
    """The part of a window in each piece, from what lies before each edge."""
    until = np.append(np.where(cut[1:], before[1:], 1.0), 0.0)
    return np.where(length > 0, np.maximum(until - before, 0.0), 0.0)


def evenly(windows: Windows) -> Shape:
    """Everything comes evenly within a window."""

    def shape(row: Ints, window: Ints, at_ms: Ints) -> tuple[Floats, Floats]:
        part = (at_ms - windows.edges[window]) / windows.length[window]
        return part, part.copy()

    return shape
