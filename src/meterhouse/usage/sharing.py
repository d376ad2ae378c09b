"""A node's energy, split over the instances on it and its idle share. Pure arithmetic.

Window by window (docs/energy.md): by CPU time where every instance on the node has it, above what
the node draws idle; else by vCPUs allocated of the node's, between any two changes of what is on
it. What no instance gets is the idle share. While no instance that can draw power is on a node,
what it draws is its own.
"""

from dataclasses import dataclass

import numpy as np

from meterhouse.usage.course import Course
from meterhouse.usage.stretches import Ints, Mask
from meterhouse.usage.windows import Floats, Windows, ratio


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Stretches in which n instances that can draw power were on nodes, each with its size.

    node: index of the node; vcpus; start_ms, end_ms
    cpu:  index into Work's rows, -1 where nothing is known of its CPU time
    """

    node: Ints
    vcpus: Ints
    cpu: Ints
    start_ms: Ints
    end_ms: Ints

    def __len__(self) -> int:
        return len(self.node)

    def take(self, which: Ints, start_ms: Ints, end_ms: Ints) -> "Placed":
        """Some of them, in other stretches."""
        return Placed(self.node[which], self.vcpus[which], self.cpu[which], start_ms, end_ms)


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """CPU time of instances in each window: seconds[i, w], and covered_ms[i, w] of it."""

    seconds: Floats
    covered_ms: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """What k nodes drew and could hold, in each window: float64[k, w]; and meters behind them.

    drawn, measured_ms: millijoules, and over how long they are known
    capacity:           int64[s], vCPUs in each piece of time, 0 where its size is not known
    idle_w:             what a node draws when nothing runs on it, NaN where nobody knows
    """

    drawn: Floats
    measured_ms: Floats
    capacity: Ints
    idle_w: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """How it was split.

    each:              what a vCPU gets of each piece of time where vCPUs decide
    worked:            what CPU time decides
    idle, idle_by_cpu, own: float64[s]
    busy:              bool[s], whether an instance is there
    """

    course: Course
    known_ms: Floats
    each: Floats
    worked: "Worked"
    idle: Floats
    idle_by_cpu: Floats
    own: Floats
    busy: Mask

    def of(self, placed: Placed) -> tuple[Floats, Floats, Floats]:
        """What placed stretches get, over how long that is known, and how much by CPU time."""
        span = (placed.node, placed.start_ms, placed.end_ms)
        given, seen = self.course.between(*span, (self.each, "part"), (self.known_ms, "known"))
        worked = self.worked.of_placed(placed)
        return given * placed.vcpus + worked, seen, worked


def share(course: Course, nodes: Nodes, placed: Placed, work: Work | None) -> Shared:
    """Split what each node drew; stretches begin and end at the course's edges."""
    span = (placed.node, placed.start_ms, placed.end_ms)
    sizes = course.weighed(placed.node, placed.vcpus, *span[1:])
    busy = sizes > 0
    drawn, known_ms = (
        course.of_windows(nodes.drawn),
        course.of_windows(nodes.measured_ms, known=True),
    )
    decided = _worked(course.windows, nodes, placed, work)
    by_cpu = busy & decided[course.row, course.window]
    whole = np.maximum(nodes.capacity, sizes)
    by_size = np.where(busy & ~by_cpu, drawn, 0.0)
    idle_w = np.nan_to_num(nodes.idle_w)[course.row, course.window]
    floor = np.where(by_cpu, np.minimum(idle_w * known_ms, drawn), 0.0)
    beyond = np.where(by_cpu, drawn - floor, 0.0)
    worked = Worked.of(course.windows, course.summed(beyond, len(nodes.drawn)), placed, work)
    by_time = floor + np.where(worked.total[course.row, course.window] > 0, 0.0, beyond)
    return Shared(
        course=course,
        known_ms=known_ms,
        each=ratio(by_size, whole),
        worked=worked,
        idle=by_size * (1 - ratio(sizes, whole)) + by_time,
        idle_by_cpu=by_time,
        own=np.where(busy, 0.0, drawn),
        busy=busy,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Worked:
    """What CPU time decides.

    dynamic: float64[k, w], what each node drew beyond idling; total: seconds worked on it
    there:   float64[i, w], for how long each instance was anywhere
    """

    windows: Windows
    dynamic: Floats
    total: Floats
    there: Floats
    work: Work | None

    @classmethod
    def of(cls, windows: Windows, dynamic: Floats, placed: Placed, work: Work | None) -> "Worked":
        total = np.zeros_like(dynamic)
        if work is None:
            return cls(windows, dynamic, total, np.zeros((0, len(windows))), None)
        there = _there(windows, placed, work)
        pairs = _pairs(windows, placed, work, there)
        np.add.at(total, (placed.node[pairs.placed], pairs.window), pairs.seconds)
        return cls(windows, dynamic, total, there, work)

    def of_placed(self, placed: Placed) -> Floats:
        if self.work is None:
            return np.zeros(len(placed))
        pairs = _pairs(self.windows, placed, self.work, self.there)
        where = (placed.node[pairs.placed], pairs.window)
        part = self.dynamic[where] * ratio(pairs.seconds, self.total[where])
        return np.bincount(pairs.placed, part, len(placed)).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """One for each window a placed stretch of known CPU time lies in.

    seconds: its part of what its instance worked in the window
    known:   whether the instance's CPU time covers all the time it was there
    """

    placed: Ints
    window: Ints
    seconds: Floats
    known: Mask


_LATE_MS = 1000  # what a list and a reading of the same moment may lie apart


def _there(windows: Windows, placed: Placed, work: Work) -> Floats:
    mine = np.flatnonzero(placed.cpu >= 0)
    ones = np.ones(len(mine), np.int64)
    span = (placed.start_ms[mine], placed.end_ms[mine])
    return windows.filled(placed.cpu[mine], ones, *span, len(work.seconds))


def _pairs(windows: Windows, placed: Placed, work: Work, there: Floats) -> _Pairs:
    mine = np.flatnonzero(placed.cpu >= 0)
    start, end, cpu = placed.start_ms[mine], placed.end_ms[mine], placed.cpu[mine]
    first = np.searchsorted(windows.edges, start, side="right") - 1
    count = np.searchsorted(windows.edges, end, side="left") - first
    row = np.repeat(np.arange(len(mine)), count)
    window = first[row] + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    inside = np.minimum(end[row], windows.edges[window + 1]) - np.maximum(
        start[row], windows.edges[window]
    )
    who = cpu[row]
    return _Pairs(
        placed=mine[row],
        window=window,
        seconds=work.seconds[who, window] * ratio(inside, there[who, window]),
        known=work.covered_ms[who, window] >= there[who, window] - _LATE_MS,
    )


def _worked(windows: Windows, nodes: Nodes, placed: Placed, work: Work | None) -> Mask:
    """Where CPU time decides: known of every instance there, and what the node draws idle too."""
    if work is None:
        return np.zeros(nodes.drawn.shape, bool)
    pairs = _pairs(windows, placed, work, _there(windows, placed, work))
    silent = placed.cpu < 0
    doubtful = windows.filled(
        placed.node[silent],
        np.ones(int(silent.sum()), np.int64),
        placed.start_ms[silent],
        placed.end_ms[silent],
        len(nodes.drawn),
    )
    unknown = ~pairs.known
    doubtful[placed.node[pairs.placed[unknown]], pairs.window[unknown]] += 1
    return np.asarray((doubtful == 0) & ~np.isnan(nodes.idle_w))
