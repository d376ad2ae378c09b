"""A meter's own energy counters, as joules that do not fall where a counter wraps.

Meters count in registers of known size, and after the largest number comes zero again. That is
told from a counter that somebody reset, or that began anew with its meter, by this: it stood
above nine tenths of its size, and the power that a wrap implies is plausible. Anything else that
falls is published as it is, and whoever reads the series takes it for a restart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from meterhouse.sources.memory import Memory

Floats = NDArray[np.float64]

WRAPS_ABOVE = 0.9
"""Of its size: a counter that stood lower and fell was reset. A meter read so seldom that it
counts a tenth of its size between two readings is beyond what this can tell."""
PLAUSIBLE_W = 25_000.0
"""More than goes through one outlet: 32 A at 230 V are 7.4 kW, three phases of them 22 kW."""


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Where each of n counters stood when it was last known.

    raw:   float64[n], what it said; NaN: never known
    at_ms: float64[n], when
    turns: float64[n], how often it has wrapped since
    """

    raw: Floats
    at_ms: Floats
    turns: Floats

    @classmethod
    def nothing(cls, count: int) -> "Counted":
        """Before the first reading of so many counters."""
        return cls(np.full(count, np.nan), np.full(count, np.nan), np.zeros(count))

    @classmethod
    def remembered(cls, memory: Memory, name: str, count: int) -> "Counted":
        """Where so many counters stood when they were noted; nothing where they were not."""
        try:
            raw, at_ms, turns = np.array(memory.said[name], np.float64).reshape(3, count)
        except (KeyError, TypeError, ValueError):
            return cls.nothing(count)
        return cls(raw, at_ms, np.nan_to_num(turns))

    def note(self, memory: Memory, name: str, before: "Counted", at_ms: int) -> None:
        """Remember it: at once where a counter has turned, else when it is time."""
        columns = [
            [None if np.isnan(number) else number for number in column.tolist()]
            for column in (self.raw, self.at_ms, self.turns)
        ]
        turned = bool((self.turns != before.turns).any())
        memory.note(name, columns, at_ms, at_once=turned)


@dataclass(frozen=True, slots=True, eq=False)
class Register:
    """How the counters of one kind of meter count.

    joules:      what one count stands for, of all or of each: 3600 where it counts Wh
    size:        how many numbers it has: 2**32 for one whose highest is 2**32 - 1. Infinite: it
                 never wraps
    plausible_w: more than goes through one of them; of a wrap that implies more it is believed
                 that it was none
    """

    joules: float | Floats
    size: float = inf
    plausible_w: float = PLAUSIBLE_W

    def read(
        self, before: Counted, raw: Sequence[float] | Floats, at_ms: int
    ) -> tuple[Floats, Counted]:
        """The joules of every counter, and where it stands now.

        raw: what each says, NaN where it says nothing; what no counter of this size can say counts
             as nothing. Nothing said is nothing known: NaN, and the next reading follows the last
        """
        said = np.asarray(raw, np.float64)
        known = (said >= 0) & (said < self.size)
        fell = said < before.raw
        wrapped = fell & self._wrapped(before, said, at_ms)
        turns = np.where(wrapped, before.turns + 1, np.where(fell, 0.0, before.turns))
        # An infinite register has no turns, and 0 * inf is no number.
        wound = turns * self.size if np.isfinite(self.size) else 0.0
        joules = np.where(known, (said + wound) * self.joules, np.nan)
        return joules, Counted(
            np.where(known, said, before.raw),
            np.where(known, float(at_ms), before.at_ms),
            np.where(known, turns, before.turns),
        )

    def _wrapped(self, before: Counted, said: Floats, at_ms: int) -> NDArray[np.bool_]:
        """Where a fall would be a wrap.

        A count may have been all but complete before, so one of them implies no power: a register
        that counts tenths of a kWh moves by 360 kJ at once.
        """
        least = (said + self.size - before.raw - 1) * self.joules
        most = self.plausible_w * (at_ms - before.at_ms) / 1000
        high: NDArray[np.bool_] = before.raw > WRAPS_ABOVE * self.size
        return high & (least <= most)
