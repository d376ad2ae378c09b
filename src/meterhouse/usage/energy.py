"""Energy that belongs to stretches of time, and what is known of how it was found."""

from dataclasses import dataclass, field

import numpy as np

from meterhouse.usage.counting import COUNTS, POWERLESS
from meterhouse.usage.stretches import STATES, Ints, Stretches


@dataclass(frozen=True, slots=True, eq=False)
class Energy:
    """Energy of each of n pieces; every column is int64[n].

    millijoules:  what was drawn
    measured_ms:  over how much of the piece's time that is known; not more than there is
    estimated_mj: how much of it is estimated, split from what a node drew
    cpu_mj:       how much of that was split by CPU time
    idle_mj, overhead_mj: how much of it is a node's idle share, or feeds no known node
    expected_ms:  over how much of the time it could be known; None: whenever power can be drawn
    """

    millijoules: Ints
    measured_ms: Ints
    estimated_mj: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    cpu_mj: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    idle_mj: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    overhead_mj: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    expected_ms: Ints | None = None

    def __post_init__(self) -> None:
        """Of what is only measured nothing is estimated."""
        for name in ("estimated_mj", "cpu_mj", "idle_mj", "overhead_mj"):
            if len(getattr(self, name)) != len(self.millijoules):
                object.__setattr__(self, name, np.zeros(len(self.millijoules), np.int64))

    @classmethod
    def none(cls, count: int) -> "Energy":
        return cls(np.zeros(count, np.int64), np.zeros(count, np.int64))

    def expected(self, of: Stretches) -> Ints:
        if self.expected_ms is not None:
            return self.expected_ms
        result: Ints = np.where(powered(of), of.end_ms - of.start_ms, 0)
        return result


def powered(of: Stretches) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Which of the stretches can draw power: by kind and state."""
    powerless = np.array([kind in POWERLESS for _, kind in of.origins], bool)[of.origin]
    draws = np.array([COUNTS[state].power for state in STATES])[of.state]
    return np.asarray(~powerless & draws)
