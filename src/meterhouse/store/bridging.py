"""What an energy counter says of the time between its readings. Pure arithmetic.

A counter counts while nobody reads it: between two readings it is taken to grow evenly, and that
time is covered, however long it is. So a gap is bridged exactly, and a span gets what the counter
grew in it wherever it is cut.

A step that could not have been drawn in its time counts for nothing, and that time is not covered:
a meter that was exchanged, an overflow, a garbled number. After a fall the counter was restarted
from zero if what it shows now can have been drawn since; if it cannot, neither that stretch nor
the next is believed, because nobody knows which of the three readings was wrong. That is also what
a clock does that was set back: two runs of readings then lie between each other.
"""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST_W = 1_000_000
"""No probe draws more: the largest containers of racks are fed with less, and sources believe no
more than 100 kW of a probe unless told otherwise."""

_MJ = 1000


def steps(at: Ints, value: Floats) -> tuple[Floats, Ints]:
    """Of each stretch between two readings: joules it adds, and milliseconds it covers.

    Both are 0 where the step cannot be believed.
    """
    passed, step = np.diff(at), np.diff(value)
    fell = step < 0
    added = np.where(fell, value[1:], step)
    good = (added >= 0) & (added <= MOST_W / 1000 * passed)
    good[1:] &= ~(fell & ~good)[:-1]
    return np.where(good, added, 0.0), np.where(good, passed, 0)


def between(at: Ints, value: Floats, edges: Ints) -> tuple[Floats, Ints]:
    """Joules added between each two edges, in whole millijoules, and milliseconds covered.

    at, value: oldest first; from the second last before the first edge to the first at or after
               the last edge, as far as there are such
    """
    none = len(edges) - 1
    if not len(at):
        return np.zeros(none), np.zeros(none, np.int64)
    added, covered = steps(at, value)
    # From the counter's own value on, so that the same moment is rounded the same way wherever
    # somebody begins to read.
    shown = value[0] + np.concatenate(([0.0], np.cumsum(added)))
    known = np.concatenate(([0], np.cumsum(covered)))
    joules = np.rint(np.interp(edges, at, shown) * _MJ)
    reached = np.rint(np.interp(edges, at, known)).astype(np.int64)
    return np.diff(joules) / _MJ, np.diff(reached)
