"""How busy people keep their machines through day and week, and chance without a memory."""

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Moments = TypeVar("Moments", Ints, int)

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
MONDAY_MS = 4 * DAY_MS  # 1970-01-05, the first Monday
KNOT_MS = 10 * 60 * 1000

MEAN, DAILY, WEEKLY = 0.38, 0.17, 0.08
DAILY_PEAK_MS = 15 * HOUR_MS  # of the day, UTC
WEEKLY_PEAK_MS = MONDAY_MS + 2 * DAY_MS + 12 * HOUR_MS  # Wednesday noon


def busy(at: Ints) -> Floats:
    """The part of a vCPU's time that is used at each moment, from 0.13 to 0.63."""
    daily = np.cos((at - DAILY_PEAK_MS) * (2 * math.pi / DAY_MS))
    weekly = np.cos((at - WEEKLY_PEAK_MS) * (2 * math.pi / WEEK_MS))
    part: Floats = MEAN + DAILY * daily + WEEKLY * weekly
    return part


def busy_until(at: Ints) -> Floats:
    """The integral of ``busy`` from 1970 to each moment, in seconds; it always grows."""
    day, week = DAY_MS / (2 * math.pi), WEEK_MS / (2 * math.pi)
    daily = day * np.sin((at - DAILY_PEAK_MS) / day)
    weekly = week * np.sin((at - WEEKLY_PEAK_MS) / week)
    return (MEAN * at + DAILY * daily + WEEKLY * weekly) / 1000


def noise(lane: int, at: Ints) -> Floats:
    """Chance for each moment, even over -1 .. 1; another ``lane`` gives other chance.

    The mixer is SplitMix64's: Steele, Lea, Flood, Fast Splittable Pseudorandom Number Generators,
    OOPSLA 2014. Unsigned numbers wrap, as they should here.
    """
    golden = 0x9E3779B97F4A7C15
    mixed = at.astype(np.uint64) + np.uint64(lane * golden % 2**64)
    mixed = (mixed + np.uint64(golden)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0


def drift(lane: int, at: Ints) -> Floats:
    """Chance that wanders: ``noise`` every ten minutes, and straight lines between."""
    knot, part = np.divmod(at, KNOT_MS)
    part = part / KNOT_MS
    return noise(lane, knot) * (1 - part) + noise(lane, knot + 1) * part


def drift_since(lane: int, start: int, at: Ints) -> Floats:
    """The integral of ``drift`` to each moment, in seconds, from the last ten minutes' knot
    before ``start`` on.
    """
    first = start // KNOT_MS
    knot, part = np.divmod(at, KNOT_MS)
    part = part / KNOT_MS
    height = noise(lane, np.arange(first, int(knot.max()) + 2, dtype=np.int64))
    whole = np.concatenate([[0.0], np.cumsum((height[1:] + height[:-1]) / 2)])
    left = knot - first
    begun = height[left] * part + (height[left + 1] - height[left]) * part**2 / 2
    area: Floats = (whole[left] + begun) * (KNOT_MS / 1000)
    return area
