"""All that a statement is computed from, as plain values: nothing here knows a database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from meterhouse.inventory.facts import ShareRow, Tree
from meterhouse.usage.cutting import Pieces
from meterhouse.usage.energy import Energy
from meterhouse.usage.gaps import Gap
from meterhouse.usage.ledger import Names
from meterhouse.usage.slices import Spreading, directly, sliced
from meterhouse.usage.stretches import Stretches
from meterhouse.usage.tariff import Tariff

Measure = Callable[[Stretches], Energy]
"""Says how much energy was measured in each stretch."""


Spread = Callable[[Pieces], Spreading]
"""Gives pieces their energy where meters feed nodes and nodes are shared (spreading.py)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estate:
    """What existed in a period, whose it was, and what is known about it.

    stretches: of all resources, inside the period
    trees:     the project tree, cut where a project moves; empty: that of the names, all the time
    """

    stretches: Stretches
    names: Names
    shares: Sequence[ShareRow] = ()
    trees: Sequence[Tree] = ()
    gaps: Sequence[Gap] = ()
    tariff: Tariff = field(default_factory=Tariff)
    measure: Measure = lambda stretches: Energy.none(len(stretches))
    spread: Spread | None = None

    def energize(self, pieces: Pieces) -> "Spreading":
        """Give every piece its energy; there may be more pieces than before: idle, overhead."""
        if self.spread is not None:
            return self.spread(pieces)
        of = pieces.stretches
        energy = self.measure(of)
        sources = [(np.arange(len(of)), directly(of, self.measure))]
        return Spreading(pieces, energy, sliced(of, energy, self.tariff.moments, sources))
