"""A node's energy, split over the instances on it and its idle share. Pure arithmetic.

Window by window (docs/energy.md): by CPU time where every instance on the node has it, above what
the node draws idle; else by vCPUs allocated of the node's. What no instance gets is the idle
share. Where no instance that can draw power is on a node, all of its energy is its own.
"""

from dataclasses import dataclass

import numpy as np

from meterhouse.usage.stretches import Ints
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


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """CPU time of instances in each window: seconds[i, w], and covered_ms[i, w] of it."""

    seconds: Floats
    covered_ms: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """What k nodes drew and could hold, in each window: float64[k, w].

    drawn, measured_ms: millijoules, and over how long they are known
    capacity:           vCPUs x milliseconds, 0 where the node's size is not known
    idle_w:             what a node draws when nothing runs on it, NaN where nobody knows
    """

    drawn: Floats
    measured_ms: Floats
    capacity: Floats
    idle_w: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """How it was split.

    given, given_ms, by_cpu: float64[n], what each placed stretch gets, over how long it is known,
                             and how much of it by CPU time
    idle, idle_by_cpu, own:  float64[k, w]
    busy:                    bool[k, w], whether an instance was there
    """

    given: Floats
    given_ms: Floats
    by_cpu: Floats
    idle: Floats
    idle_by_cpu: Floats
    own: Floats
    busy: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]"


def share(windows: Windows, nodes: Nodes, placed: Placed, work: Work | None) -> Shared:
    """Split what each node drew in each window."""
    count = len(nodes.drawn)
    sizes = windows.filled(placed.node, placed.vcpus, placed.start_ms, placed.end_ms, count)
    busy = sizes > 0
    pairs = _pairs(windows, placed, work) if work is not None else _NO_PAIRS
    by_cpu = busy & _worked(windows, nodes, placed, pairs)
    whole = np.maximum(nodes.capacity, sizes)
    each = np.where(busy & ~by_cpu, ratio(nodes.drawn, whole), 0.0) * windows.length
    span = (placed.node, placed.start_ms, placed.end_ms)
    given = windows.spread(each, *span) * placed.vcpus
    seen = windows.spread(nodes.measured_ms, *span)
    floor = np.minimum(np.nan_to_num(nodes.idle_w) * nodes.measured_ms, nodes.drawn)
    worked, rest = _by_work(np.where(by_cpu, nodes.drawn - floor, 0.0), placed, pairs)
    by_size = np.where(busy & ~by_cpu, nodes.drawn * (1 - ratio(sizes, whole)), 0.0)
    by_time = np.where(by_cpu, floor, 0.0) + rest
    return Shared(
        given=given + worked,
        given_ms=seen,
        by_cpu=worked,
        idle=by_size + by_time,
        idle_by_cpu=by_time,
        own=np.where(busy, 0.0, nodes.drawn),
        busy=busy,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """One for each window a placed stretch of known CPU time lies in.

    seconds: its part of what its instance worked in the window
    known:   whether the instance's CPU time covers all the time it was there
    """

    placed: Ints
    window: Ints
    seconds: Floats
    known: "np.ndarray[tuple[int], np.dtype[np.bool_]]"


_NOTHING = np.empty(0, np.int64)
_NO_PAIRS = _Pairs(_NOTHING, _NOTHING, np.empty(0), np.empty(0, bool))
_LATE_MS = 1000  # what a list and a reading of the same moment may lie apart


def _pairs(windows: Windows, placed: Placed, work: Work) -> _Pairs:
    mine = np.flatnonzero(placed.cpu >= 0)
    start, end, cpu = placed.start_ms[mine], placed.end_ms[mine], placed.cpu[mine]
    ones = np.ones(len(mine), np.int64)
    there = windows.filled(cpu, ones, start, end, len(work.seconds))
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


def _worked(
    windows: Windows, nodes: Nodes, placed: Placed, pairs: _Pairs
) -> "np.ndarray[tuple[int, int], np.dtype[np.bool_]]":
    """Where CPU time decides: known of every instance there, and what the node draws idle too."""
    if not len(pairs.placed):
        return np.zeros(nodes.drawn.shape, bool)
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


def _by_work(dynamic: Floats, placed: Placed, pairs: _Pairs) -> tuple[Floats, Floats]:
    """Split what nodes drew beyond idling by CPU time; and what is left where nobody worked."""
    where = (placed.node[pairs.placed], pairs.window)
    total = np.zeros_like(dynamic)
    np.add.at(total, where, pairs.seconds)
    part = dynamic[where] * ratio(pairs.seconds, total[where])
    given = np.bincount(pairs.placed, part, len(placed)).astype(np.float64)
    return given, np.where(total > 0, 0.0, dynamic)
