"""How many samples a source may bring: one that floods costs its own, and nobody else's."""

MOST_AT_ONCE = 1_000_000.0
MOST_PER_S = 200_000.0
"""Six times what ten thousand probes with three meters each bring at 1 Hz; a recorder takes more
than a million a second. At once it may be as many as a device kept while nobody listened."""

TOO_MANY = "too many at once"


class Allowance:
    """What may be brought now; it grows back with time."""

    def __init__(self, most: float = MOST_AT_ONCE, per_s: float = MOST_PER_S) -> None:
        self._most, self._per_s = most, per_s
        self._left, self._at_s = most, 0.0

    def takes(self, samples: int, now_s: float) -> bool:
        """Whether so many may be brought now (``now_s``: of any clock that only goes on)."""
        self._left = min(self._most, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if samples > self._left:
            return False
        self._left -= samples
        return True
