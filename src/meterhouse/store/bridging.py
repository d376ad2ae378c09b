"""What a counter says of the time between its readings. Pure arithmetic.

A counter counts while nobody reads it: between two readings it is taken to grow evenly, and that
time is covered, however long it is. So a gap is bridged exactly, and a span gets what the counter
grew in it wherever it is cut.

Readings that go down and up again come of a glitch, or of two runs that lie between each other: a
clock that was set back, two readers whose clocks differ. Within AROUND readings and NEAR_MS the
run that goes on is kept, and what lies below it (a *dip*) or above it (a *spike*) is passed over:
what is left never goes twice over the same energy. A fall that remains is a restart from zero if
what the counter shows now can have been drawn since: by what was drawn just before, and by what a
probe can draw at all. Else nobody knows which reading was wrong: nothing is added, and that time
is not covered; nor is the next stretch, if it rises past where the counter fell from, nor what
follows within REGAINED readings, as long as the counter is below a level that it could soon be at
again.

What a stretch adds depends on at most BEFORE readings before it and AFTER readings after it, so
every window gets the same of it wherever it begins. No reading changes what was said of the time
more than SETTLED_MS before it and before the reading that it follows.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from meterhouse.metering.meters import CPU_TIME, ENERGY

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MOST_W = 1_000_000
"""Faster than this no counter moves that counts one probe."""
PROBE_W = 100_000
"""No probe draws more unless its meter says so for a while: what sources believe of a probe unless
told otherwise (sources.limits)."""
MOST_CPUS = 4096
COARSE_J = 3_600_000.0
"""One count of the coarsest counters, which move by whole kilowatt-hours."""

AROUND = 4
NEAR_MS = 30 * 60_000
SETTLED_MS = 2 * NEAR_MS
REGAINED = 32
BEFORE, AFTER = 64, 16
_LIKELY = 4.0
"""So many times what was drawn just before can have been drawn since."""
_SOON_MS = 4 * 60 * 60_000
_PARTS = 1000  # in which sums are whole


class Ceiling(NamedTuple):
    """How fast a counter can grow: units a second.

    most:   beyond it nothing is believed
    usual:  beyond it a rise is believed only of one that grew as fast just before
    coarse: a count, in units, by which one that stood still just before may move at once
    covers: whether time between readings is covered however long it is, else for their hold
    """

    most: float
    usual: float
    coarse: float
    covers: bool


CEILINGS = {
    ENERGY.name: Ceiling(MOST_W, PROBE_W, COARSE_J, covers=True),
    CPU_TIME.name: Ceiling(MOST_CPUS, MOST_CPUS, 0.0, covers=False),
}
"""Of each meter whose growth is spread over the time between readings."""
JOULES = CEILINGS[ENERGY.name]


def steps(at: Ints, value: Floats, ceiling: Ceiling = JOULES) -> tuple[Floats, Ints]:
    """Of each stretch between two readings: what it adds, and milliseconds it covers.

    Both are 0 where the step cannot be believed.
    """
    kept, added, known = _chain(at, value, ceiling)
    passed = np.diff(at)
    over = np.repeat(np.arange(len(added)), np.diff(kept))
    part = passed / np.maximum(np.diff(at[kept]), 1)[over]
    return added[over] * part, np.where(known[over], passed, 0)


class Grown(NamedTuple):
    """Of each window: what a counter grew, and milliseconds known."""

    amount: Floats
    covered_ms: Ints


def between(at: Ints, value: Floats, edges: Ints, ceiling: Ceiling = JOULES) -> Grown:
    """What a counter grew between each two edges, in whole thousandths of its unit.

    at, value: oldest first; from BEFORE readings before the first edge to AFTER after the last
               edge, as far as there are such
    """
    none = np.zeros(len(edges) - 1, np.int64)
    kept, added, known = _chain(at, value, ceiling)
    if not len(added):
        return Grown(none.astype(np.float64), none)
    begun, passed = at[kept], np.diff(at[kept])
    stretch = np.clip(np.searchsorted(begun, edges, side="right") - 1, 0, len(added) - 1)
    into = np.clip(edges - begun[stretch], 0, passed[stretch])
    # From the counter's own value on, so that the same moment is rounded the same way wherever
    # somebody begins to read.
    first = value[kept[:-1]]
    whole = np.rint((first + added) * _PARTS) - np.rint(first * _PARTS)
    grown = added[stretch] * (into / passed[stretch])
    reached = np.rint((first[stretch] + grown) * _PARTS) - np.rint(first[stretch] * _PARTS)
    amount = np.diff(_before(whole)[stretch] + reached) / _PARTS
    covered = np.diff(_before(passed * known)[stretch] + into * known[stretch])
    return Grown(amount, covered)


def _before(parts: Any) -> Any:
    """The sum of all parts before each."""
    return np.cumsum(parts) - parts


def _chain(at: Ints, value: Floats, ceiling: Ceiling) -> tuple[Ints, Floats, Flags]:
    """Which readings count, and of each stretch between them what it adds, and if it is known."""
    fell = np.diff(value) < 0
    restarts = np.zeros(len(at), np.bool_)
    kept = np.arange(len(at))
    if fell.any():
        restarts[1:-1] = _evident(at, value, fell)
        kept = np.flatnonzero(~_passed_over(at, value, restarts, ceiling.most))
    added, known = _judged(at[kept], value[kept], restarts[kept], ceiling)
    known &= ~_below(kept, at[kept], value[kept], known)
    added = np.where(known, added, 0.0)
    return kept, added, known


def _evident(at: Ints, value: Floats, fell: Flags) -> Flags:
    """Of all readings but the first and last: where a counter plainly began from zero.

    What it shows, and what it shows next, is as much as the least of two stretches before, and
    is less than what it showed in either of the readings then.
    """
    passed, step = np.diff(at), np.diff(value)
    rate = step / np.maximum(passed, 1)
    before = np.concatenate(([np.nan], rate[:-1]))  # of the stretch before each
    earlier = np.concatenate(([np.nan, np.nan], rate))[: len(rate)]
    likely = _LIKELY * np.fmin(before, earlier)[:-1]
    with np.errstate(invalid="ignore"):
        follows = (step[1:] > 0) & (step[1:] <= likely * passed[1:]) & (passed[1:] <= NEAR_MS)
        shows = (value[1:-1] >= 0) & (value[1:-1] <= likely * passed[:-1])
        less = (value[2:] < value[:-2]) & (value[1:-1] < np.append(np.inf, value[:-3]))
        found: Flags = fell[:-1] & less & (likely > 0) & shows & follows
    return found


def _passed_over(at: Ints, value: Floats, restarts: Flags, most: float) -> Flags:
    """The readings in dips; and in spikes, between readings that are in no dip."""
    dips, spikes = np.zeros((2, len(at)), np.bool_)
    turns = np.cumsum(restarts)
    ends = {}
    for span in range(2, min(AROUND, len(at) - 1) + 1):
        passed, step = at[span:] - at[:-span], value[span:] - value[:-span]
        near = (passed <= NEAR_MS) & (turns[span:] == turns[:-span])
        ends[span] = near & (step >= 0) & (step <= most / 1000 * passed)
        for inside in range(1, span):
            between = slice(inside, inside - span)
            dips[between] |= ends[span] & (value[between] < value[:-span])
    for span, good in ends.items():
        kept = good & ~dips[:-span] & ~dips[span:]
        for inside in range(1, span):
            between = slice(inside, inside - span)
            spikes[between] |= kept & (value[between] > value[span:])
    return dips | spikes


def _judged(at: Ints, value: Floats, restarts: Flags, ceiling: Ceiling) -> tuple[Floats, Flags]:
    """Of each stretch between readings that count: what it adds, and whether it is known."""
    passed, step = np.diff(at), np.diff(value)
    rate = step * 1000 / np.maximum(passed, 1)
    recent = _recent(np.where((step >= 0) & (rate <= ceiling.most), rate, np.nan))
    fell = step < 0
    restart = fell & _likely(value[1:], passed, recent, ceiling)
    returns = np.zeros(len(step), np.bool_)
    returns[1:] = (fell & ~restarts[1:])[:-1] & (value[2:] >= value[:-2])
    known = restart | (~fell & ~returns & _believed(step, rate, recent, ceiling))
    return np.where(known, np.where(fell, value[1:], step), 0.0), known


def _below(kept: Ints, at: Ints, value: Floats, known: Flags) -> Flags:
    """The stretches that begin below where the counter was before a fall that nobody explains.

    Only where it can be there again in _SOON_MS: a meter that was exchanged is far from it.
    """
    passed, step = np.diff(at), np.diff(value)
    recent = _recent(np.where(step >= 0, step / np.maximum(passed, 1), np.nan))
    falls = np.flatnonzero((step < 0) & ~known & (-step <= _LIKELY * recent * _SOON_MS))
    below = np.zeros(len(step), np.bool_)
    level, since, place = value[falls], kept[falls + 1], falls + 1
    while len(place):
        still = place < len(step)
        level, since, place = level[still], since[still], place[still]
        still = (value[place] < level) & (kept[place] - since <= REGAINED)
        level, since, place = level[still], since[still], place[still]
        below[place] = True
        place = place + 1
    return below


def _recent(rate: Floats) -> Floats:
    """The greater rate of the two stretches before each; NaN where there was none."""
    padded = np.concatenate(([np.nan, np.nan], rate))
    return np.fmax(padded[:-2], padded[1:-1])


def _likely(shown: Floats, passed: Ints, recent: Floats, ceiling: Ceiling) -> Flags:
    """Where what a counter shows can have been drawn in the time since the reading before."""
    most = np.fmin(_LIKELY * recent, ceiling.usual) / 1000 * passed
    good: Flags = (shown >= 0) & (shown <= most)
    return good


def _believed(step: Floats, rate: Floats, recent: Floats, ceiling: Ceiling) -> Flags:
    usual = rate <= np.fmax(_LIKELY * recent, ceiling.usual)
    coarse = (recent == 0) & (step <= ceiling.coarse)
    good: Flags = (rate <= ceiling.most) & (usual | np.isnan(recent)) | coarse
    return good
