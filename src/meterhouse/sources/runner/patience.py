"""How long to wait: between two readings, and after something went wrong."""

import math
from dataclasses import dataclass
from datetime import timedelta
from random import Random


@dataclass(frozen=True, slots=True)
class Patience:
    """How the runner waits.

    first:       the pause after the first failure; each further one doubles it
    ceiling:     the longest pause
    bad_in_a_row: after so many bad readings the device is closed and opened again
    grace:       how long after its timeout a source that is being cut may take to stop
    look:        how often the runner looks for sources that did not stop
    held:        how long one of them may hold up all others before it is named
    """

    first: timedelta = timedelta(seconds=1)
    ceiling: timedelta = timedelta(minutes=1)
    bad_in_a_row: int = 3
    grace: timedelta = timedelta(seconds=5)
    look: timedelta = timedelta(seconds=1)
    held: timedelta = timedelta(seconds=1)

    def pause(self, failures: int, chance: Random) -> float:
        """Seconds to wait after so many failures in a row (1, 2, ...).

        Up to a quarter less than the doubled pause, so that what failed together (a switch, a
        power cut) is not asked again together.
        """
        doubled = self.first.total_seconds() * 2.0 ** min(failures - 1, 30)
        longest = min(doubled, self.ceiling.total_seconds())
        return longest * chance.uniform(0.75, 1.0)


class Rhythm:
    """When to read next: once in each interval, not all sources at the same moment of it.

    Every source has its own phase, and within each interval a little jitter, so that neither the
    sources nor their devices march in step; the number of readings is exact all the same, and a
    reading that took longer than the interval is followed by the next one that is due.
    """

    def __init__(self, interval: timedelta, chance: Random) -> None:
        self._interval = interval.total_seconds()
        self._phase = chance.uniform(0, self._interval)
        self._jitter = min(self._interval / 20, 5.0)
        self._chance = chance

    def after(self, now: float) -> float:
        """The next moment to read, in any clock's seconds; at once without an interval."""
        if not self._interval:
            return now
        turn = math.floor((now - self._phase) / self._interval) + 1
        return self._phase + turn * self._interval + self._chance.uniform(0, self._jitter)
