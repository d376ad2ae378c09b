"""Which probes of many are drawn one by one, and what the rest draws together.

A hundred bands on top of each other are slow and cannot be read; the dozen that used most can.
Where the rest is many, it is a few bands in order of what they used: each an even part of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from meterhouse.live.power import Floats, Power

BANDS = 12
"""So many have a colour of their own, which people can still tell apart."""

TIERS = 4
"""The rest is so many bands at most, and each at least ``TIER`` probes."""

TIER = 12


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """One layer of a stacked graph.

    numbers: the places in ``Power`` of the probes in it
    rank:    of the first of them, from 1 for the one that used most
    colour:  1 to BANDS for single probes, beyond for the tiers of the rest
    watts:   float64[m], NaN where nothing is known
    """

    numbers: Sequence[int]
    rank: int
    colour: int
    watts: Floats

    def name(self, drawn: Power) -> str:
        """The probe's id; of a tier, how many they are and where they stand."""
        if self.is_one:
            return drawn.seen[self.numbers[0]].probe.id
        if self.rank + len(self.numbers) > len(drawn) and self.rank == BANDS + 1:
            return f"{len(self.numbers)} others"
        return f"nos. {self.rank} to {self.rank + len(self.numbers) - 1}"

    @property
    def is_one(self) -> bool:
        return self.colour <= BANDS


def stack(drawn: Power) -> Sequence[Band]:
    """The layers from the bottom up: those that used most, then the rest."""
    order = drawn.by_energy
    bands = [
        Band([number], rank, rank, drawn.watts[number].astype(np.float64))
        for rank, number in enumerate(order[:BANDS], 1)
    ]
    return [*bands, *_tiers(drawn, order[BANDS:])]


def _tiers(drawn: Power, rest: Sequence[int]) -> list[Band]:
    if not rest:
        return []
    tiers = min(TIERS, max(len(rest) // TIER, 1))
    cuts = [len(rest) * tier // tiers for tier in range(tiers + 1)]
    return [
        Band(rest[first:last], BANDS + 1 + first, BANDS + 1 + tier, _sum(drawn, rest[first:last]))
        for tier, (first, last) in enumerate(pairwise(cuts))
    ]


def _sum(drawn: Power, numbers: Sequence[int]) -> Floats:
    watts = drawn.watts[list(numbers)]
    known = np.isfinite(watts).any(axis=0)
    return np.where(known, np.nansum(watts, axis=0, dtype=np.float64), np.nan)
