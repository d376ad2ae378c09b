"""What pieces of a statement get of the energy of nodes and meters, not yet in whole numbers."""

from dataclasses import dataclass

import numpy as np

from meterhouse.usage.feeding import Fed
from meterhouse.usage.sharing import Shared
from meterhouse.usage.stretches import Ints, Stretches
from meterhouse.usage.windows import Floats, Windows, ratio


@dataclass(frozen=True, slots=True, eq=False)
class At:
    """Of each piece: which node it is, which meter, and on which node it draws power; -1: none."""

    host: Ints
    meter: Ints
    on: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """Energy of some pieces, not yet whole: mJ, ms, and how much is estimated and by CPU time.

    rows:        which pieces; target: index of the node, or behind those of the meter
    expected_ms: for how long there is something to measure
    """

    rows: Ints
    target: Ints
    millijoules: Floats
    measured_ms: Floats
    expected_ms: Floats | Ints
    estimated: Floats
    by_cpu: Floats


def of_placed(of: Stretches, at: At, shared: Shared) -> Portion:
    """What those that are on a node get of it."""
    rows = np.flatnonzero(at.on >= 0)
    given, seen, length = shared.given, shared.given_ms, (of.end_ms - of.start_ms)[rows]
    return Portion(rows, at.on[rows], given, seen, length, given, shared.by_cpu)


def of_nodes(
    windows: Windows, of: Stretches, at: At, shared: Shared, fed: Fed
) -> tuple[Portion, Portion]:
    """The idle share of nodes while somebody was there, and what nodes drew while nobody was."""
    rows = np.flatnonzero(at.host >= 0)
    lying = _Lying.of(windows, of, rows, at.host, len(fed.nodes))
    free = ~shared.busy
    idle = lying.part(shared.idle)
    return (
        Portion(
            rows,
            lying.number,
            idle,
            lying.part(fed.measured_ms * shared.busy),
            lying.part(windows.length * shared.busy),
            idle,
            lying.part(shared.idle_by_cpu),
        ),
        Portion(
            rows,
            lying.number,
            lying.part(shared.own),
            lying.part(fed.measured_ms * free),
            lying.part(windows.length * free),
            lying.part(fed.evenly * free),
            np.zeros(len(rows)),
        ),
    )


def of_meters(windows: Windows, of: Stretches, at: At, fed: Fed) -> Portion:
    """What went through meters that feed no node which is there."""
    rows = np.flatnonzero(at.meter >= 0)
    lying = _Lying.of(windows, of, rows, at.meter, len(fed.meters))
    return Portion(
        rows,
        lying.number + len(fed.nodes),
        lying.part(fed.overhead),
        lying.part(fed.overhead_ms),
        lying.end_ms - lying.start_ms,
        np.zeros(len(rows)),
        np.zeros(len(rows)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Lying:
    """Where pieces of nodes, or of meters, lie in the windows.

    number: index of each one's node or meter
    share:  float64[k, n], length of a window over how long pieces lie in it; 0 where none does
    """

    windows: Windows
    number: Ints
    start_ms: Ints
    end_ms: Ints
    share: Floats

    @classmethod
    def of(cls, windows: Windows, of: Stretches, rows: Ints, number: Ints, count: int) -> "_Lying":
        number, start, end = number[rows], of.start_ms[rows], of.end_ms[rows]
        there = windows.filled(number, np.ones(len(rows), np.int64), start, end, count)
        return cls(windows, number, start, end, ratio(windows.length, there))

    def part(self, amount: Floats | Ints) -> Floats:
        """What each piece gets of what its node or meter has in each window while it is there."""
        return self.windows.spread(amount * self.share, self.number, self.start_ms, self.end_ms)
