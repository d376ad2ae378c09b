"""What pieces of a statement get of the energy of nodes and meters, not yet in whole numbers."""

from dataclasses import dataclass

import numpy as np

from meterhouse.usage.course import Course
from meterhouse.usage.feeding import Fed
from meterhouse.usage.sharing import Placed, Shared
from meterhouse.usage.slices import Between
from meterhouse.usage.stretches import Ints, Mask, Stretches
from meterhouse.usage.windows import Floats, ratio


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
    between:     the energy and known time of some (their places in it) between two moments each
    """

    rows: Ints
    target: Ints
    millijoules: Floats
    measured_ms: Floats
    expected_ms: Floats | Ints
    estimated: Floats
    by_cpu: Floats
    between: Between


def of_placed(of: Stretches, placed: Placed, rows: Ints, shared: Shared) -> Portion:
    """What those that are on a node get of it."""
    given, seen, by_cpu = shared.of(placed)

    def between(some: Ints, start_ms: Ints, end_ms: Ints) -> tuple[Floats, Floats]:
        return shared.of(placed.take(some, start_ms, end_ms))[:2]

    length = (of.end_ms - of.start_ms)[rows]
    return Portion(rows, placed.node, given, seen, length, given, by_cpu, between)


def of_nodes(of: Stretches, at: At, shared: Shared, fed: Fed) -> tuple[Portion, Portion]:
    """The idle share of nodes while somebody was there, and what nodes drew while nobody was."""
    lying = _Lying.of(shared.course, of, np.flatnonzero(at.host >= 0), at.host)
    length, busy = shared.course.length, shared.busy
    nothing = np.zeros(len(length))
    evenly = shared.course.of_windows(_padded(fed.evenly, len(fed.meters)))
    return (
        lying.portion(
            shared.idle, shared.known_ms * busy, length * busy, shared.idle, shared.idle_by_cpu
        ),
        lying.portion(
            shared.own, shared.known_ms * ~busy, length * ~busy, evenly * ~busy, nothing
        ),
    )


def of_meters(of: Stretches, at: At, shared: Shared, fed: Fed) -> Portion:
    """What went through meters that feed no node which is there."""
    meter = np.where(at.meter >= 0, at.meter + len(fed.nodes), -1)
    lying = _Lying.of(shared.course, of, np.flatnonzero(meter >= 0), meter)
    nothing = np.zeros(len(shared.course.length))
    return lying.portion(shared.own, shared.known_ms, shared.course.length, nothing, nothing)


def _padded(amount: Floats, meters: int) -> Floats:
    return np.concatenate([amount, np.zeros((meters, amount.shape[1]))])


@dataclass(frozen=True, slots=True, eq=False)
class _Lying:
    """Where pieces of nodes, or of meters, lie.

    number: index of each one's node or meter
    there:  int64[s], how many of them lie over each piece of time
    whole:  bool[s], whether some lie over all of its window
    length: float64[s], how much of its window's time they lie over; 0 where none lies
    """

    course: Course
    rows: Ints
    number: Ints
    start_ms: Ints
    end_ms: Ints
    there: Ints
    whole: Mask
    length: Floats

    @classmethod
    def of(cls, course: Course, of: Stretches, rows: Ints, number: Ints) -> "_Lying":
        number, start, end = number[rows], of.start_ms[rows], of.end_ms[rows]
        there = course.weighed(number, np.ones(len(rows), np.int64), start, end)
        count = int(course.row.max(initial=0)) + 1
        length = course.summed(course.length * (there > 0), count)[course.row, course.window]
        whole = length >= course.windows.length[course.window]
        return cls(course, rows, number, start, end, there, whole, length)

    def portion(
        self,
        amount: Floats,
        known_ms: Floats,
        expected_ms: Floats | Ints,
        estimated: Floats,
        by_cpu: Floats,
    ) -> Portion:
        energy = self._shared(amount), "part"
        known = self._shared(known_ms), "known"
        guess, work = ((self._shared(each), "part") for each in (estimated, by_cpu))
        expected = (self._shared(expected_ms.astype(np.float64)), "time")
        span = (self.number, self.start_ms, self.end_ms)
        mj, ms, able, guessed, worked = self.course.between(
            *span, energy, known, expected, guess, work
        )

        def between(some: Ints, start_ms: Ints, end_ms: Ints) -> tuple[Floats, Floats]:
            parts = self.course.between(self.number[some], start_ms, end_ms, energy, known)
            return parts[0], parts[1]

        return Portion(self.rows, self.number, mj, ms, able, guessed, worked, between)

    def _shared(self, amount: Floats) -> Floats:
        """What one of those that lie over a piece of time gets of what is in it.

        What came while none lay there goes to those that lie elsewhere in the window.
        """
        if not amount.any():
            return amount
        there = self.there > 0
        if self.there.max(initial=0) == 1 and self.whole[there].all():
            return np.where(there, amount, 0.0)
        course, count = self.course, int(self.course.row.max(initial=0)) + 1
        all_of_it = course.summed(amount, count)[course.row, course.window]
        even = all_of_it * ratio(course.length, self.length)
        mine = np.where(self.whole, amount, even)
        return np.where(self.there > 0, mine / np.maximum(self.there, 1), 0.0)
