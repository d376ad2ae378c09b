"""From what meters read to what nodes drew, window by window; nothing twice and nothing lost.

Several outlets of a node are summed. Where meters at several places measure one node, the first
place counts (outlet, node, package), and another only for the time by which it covers more than
the first, at its mean of that window: what both leave open is taken to be the same time, as when
who reads them was away. An outlet that feeds several nodes is split evenly over those that are
there. What feeds no node that is there is overhead, and stays with the outlet.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple, TypeVar

import numpy as np

from meterhouse.usage.stretches import Ints
from meterhouse.usage.windows import Floats, Windows, ratio
from meterhouse.usage.wiring import PLACES, Feed


@dataclass(frozen=True, slots=True, eq=False)
class Fed:
    """What nodes drew and what is overhead, in each of n windows; millijoules, not yet whole.

    nodes:        keys of the k nodes that are listed
    drawn:        float64[k, n]; measured_ms: float64[k, n]
    evenly:       float64[k, n], how much of it is from outlets that feed several nodes
    meters:       keys of the m meters
    overhead:     float64[m, n]; overhead_ms: float64[m, n]
    unused:       float64[m, n], left out because another meter measured the same watts
    row, meter:   int64[f], of each feed what it reaches (node, or behind those its meter, where it
                  is overhead), and its meter
    part:         float64[f, n], which part of its meter it brings there
    """

    nodes: Sequence[str]
    drawn: Floats
    measured_ms: Floats
    evenly: Floats
    meters: Sequence[str]
    overhead: Floats
    overhead_ms: Floats
    unused: Floats
    row: Ints
    meter: Ints
    part: Floats

    def since(self, first: int) -> "Fed":
        """The same from a window on."""
        cut = {
            each.name: getattr(self, each.name)[:, first:]
            for each in fields(self)
            if isinstance(getattr(self, each.name), np.ndarray)
            and getattr(self, each.name).ndim == 2
        }
        return replace(self, **cut)


class _Targets(NamedTuple):
    """Which node, listed or not, each feed goes to."""

    of: Ints
    size: int


class _Read(NamedTuple):
    """Of each feed, in each window: its part of the meter, energy, and covered time."""

    part: Floats
    amount: Floats
    covered: Floats


def feed(
    windows: Windows,
    feeds: Sequence[Feed],
    energy: Mapping[str, tuple[Floats, Floats]],
    there: Mapping[str, Floats],
) -> Fed:
    """Add up what reached each node.

    energy: meter to millijoules[n] and covered milliseconds[n]
    there:  node to the milliseconds[n] that it was there
    """
    feeds = [each for each in feeds if each.meter in energy]
    meters = _numbered(each.meter for each in feeds)
    nodes = _numbered((each.known, each.node) for each in feeds)
    meter = np.array([meters[each.meter] for each in feeds], np.int64)
    into = _Targets(np.array([nodes[f.known, f.node] for f in feeds], np.int64), len(nodes))
    read = _read(windows, feeds, energy, there)
    places = np.array([each.place for each in feeds], np.int64)
    counts_for, known_ms = _chosen(windows.length.astype(np.float64), places, into, read)
    used = read.amount * counts_for
    several = (read.part > 0) & (read.part < 1)
    real = [place for (known, _), place in nodes.items() if known]
    listed = _numbered(key for known, key in nodes if known)
    loose = np.array([not each.known for each in feeds], bool)[:, None]
    counts = loose & ((used > 0) | (read.amount == 0))
    return Fed(
        nodes=[key for known, key in nodes if known],
        drawn=_sum(used, into.of, into.size)[real],
        measured_ms=known_ms[real],
        evenly=_sum(used * several, into.of, into.size)[real],
        meters=list(meters),
        overhead=_sum(used * loose, meter, len(meters)),
        overhead_ms=_most(read.covered * counts, meter, len(meters)),
        unused=_sum(read.amount - used, meter, len(meters)),
        row=np.array(
            [listed[f.node] if f.known else len(listed) + meters[f.meter] for f in feeds],
            np.int64,
        ),
        meter=meter,
        part=read.part * counts_for,
    )


T = TypeVar("T")


def _numbered(values: Iterable[T]) -> dict[T, int]:
    return {value: number for number, value in enumerate(dict.fromkeys(values))}


def _read(
    windows: Windows,
    feeds: Sequence[Feed],
    energy: Mapping[str, tuple[Floats, Floats]],
    there: Mapping[str, Floats],
) -> _Read:
    part = _parts(windows, feeds, there)
    shape = (len(feeds), len(windows))
    amount = np.array([energy[each.meter][0] for each in feeds]).reshape(shape)
    covered = np.array([energy[each.meter][1] for each in feeds]).reshape(shape)
    return _Read(part, amount * part, covered * (part > 0))


def _parts(windows: Windows, feeds: Sequence[Feed], there: Mapping[str, Floats]) -> Floats:
    """Which part of its meter each feed has in each window; those of a meter sum to one."""
    count, numbers = len(feeds), _numbered(each.meter for each in feeds)
    meter, meters = np.array([numbers[f.meter] for f in feeds], np.int64), len(numbers)
    start = np.array([each.start_ms for each in feeds], np.int64)
    end = np.array([each.end_ms for each in feeds], np.int64)
    ones = np.ones(count, np.int64)
    lasts = windows.filled(np.arange(count), ones, start, end, count)
    nobody = np.zeros(len(windows))
    exists = np.array([there.get(each.node, nobody) > 0 for each in feeds]).reshape(lasts.shape)
    known = np.array([each.known for each in feeds], bool)[:, None]
    weight = lasts * exists * known
    whole = _sum(weight, meter, meters)[meter]
    outlet = _sum(lasts * ~known, meter, meters)[meter]
    return np.where(known, ratio(weight, whole), ratio(lasts, outlet) * (whole == 0))


def _chosen(length: Floats, places: Ints, into: _Targets, read: _Read) -> tuple[Floats, Floats]:
    """Which part of each feed counts, and for how long each target is known: place after place."""
    counts_for = np.zeros_like(read.amount)
    taken = np.zeros((into.size, len(length)))
    known = np.zeros((into.size, len(length)))
    for number in range(len(PLACES)):
        mine = np.flatnonzero(places == number)
        if not len(mine):
            continue
        target, cover = into.of[mine], read.covered[mine]
        most = _most(cover, target, into.size)
        free = np.maximum(most - taken, 0)
        counts_for[mine] = ratio(free, most)[target]
        known += np.minimum(_least(cover, read.part[mine], target, into.size), free)
        taken += free
    return counts_for, np.minimum(known, length)


def _sum(rows: Floats, into: Ints, count: int) -> Floats:
    return _joined(np.add, rows, into, np.zeros((count, rows.shape[1])))


def _most(rows: Floats, into: Ints, count: int) -> Floats:
    return _joined(np.maximum, rows, into, np.zeros((count, rows.shape[1])))


def _least(rows: Floats, part: Floats, into: Ints, count: int) -> Floats:
    """The least of those that have a part; a node is known when all its outlets are."""
    some = np.where(part > 0, rows, np.inf)
    total = _joined(np.minimum, some, into, np.full((count, rows.shape[1]), np.inf))
    return np.where(np.isinf(total), 0.0, total)


def _joined(how: np.ufunc, rows: Floats, into: Ints, total: Floats) -> Floats:
    """Put the rows that go into the same row of the total together there."""
    order = np.argsort(into, kind="stable")
    _, first, size = np.unique(into[order], return_index=True, return_counts=True)
    for nth in range(size.max(initial=0)):  # few rows go into the same one
        mine = order[first[size > nth] + nth]
        total[into[mine]] = how(total[into[mine]], rows[mine])
    return total
