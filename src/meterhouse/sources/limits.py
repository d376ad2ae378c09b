"""How many watts one probe can draw at most: what reads higher is the meter's mistake."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_W = 100_000.0
"""Unless told otherwise. No single probe draws as much: a socket of a rack's PDU ends at some
7 kW, a whole three-phase PDU of 63 A at 44 kW, and what meters send when they fail is far above
(65,535 W and more)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the probes of one source can draw.

    each:  watts that none of them exceeds
    own:   the same of single probes, by name, where it differs
    """

    each: float = MOST_W
    own: Mapping[str, float] = field(default_factory=dict)

    def of(self, probe: str) -> float:
        return self.own.get(probe, self.each)
