"""How much energy was measured on resources over spans of time (docs/energy.md).

Where a resource has an energy counter and power readings, the counter counts, and power fills what
the counter leaves open: before its first reading, after its last, and where it cannot be believed.
Time that both know counts once (store/union.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.store import reading as store
from meterhouse.store import union
from meterhouse.store.union import filled
from meterhouse.usage.energy import Energy

__all__ = ["Meters", "energy_of", "filled", "meters"]

Spans = Sequence[tuple[str, int, int]]


@dataclass(frozen=True, slots=True)
class Meters:
    """Keys of the resources that ever had a reading of power, and of an energy counter."""

    power: frozenset[str]
    counters: frozenset[str]

    @property
    def resources(self) -> frozenset[str]:
        return self.power | self.counters


def meters(using: str) -> Meters:
    there = store.having((POWER.name, ENERGY.name), using)
    return Meters(there[POWER.name], there[ENERGY.name])


def energy_of(
    spans: Spans,
    using: str,
    known: Meters | None = None,
    *,
    power: store.Integrals | None = None,
) -> Energy:
    """Energy over spans (resource, start_ms, end_ms) and for how much of each it is known.

    power: the integral of power over each span, of who has read it already
    """
    known = known or meters(using)
    if any(resource in known.counters for resource, _, _ in spans):
        both = union.energy(spans, using, power)
        return Energy(np.rint(both.joules * 1000).astype(np.int64), both.covered_ms)
    power = power or store.integrals(spans, POWER.name, using)
    return Energy(np.rint(power.integral * 1000).astype(np.int64), power.covered_ms)
