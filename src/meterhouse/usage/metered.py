"""How much energy was measured on resources over spans of time (docs/energy.md)."""

from collections.abc import Sequence

import numpy as np

from meterhouse.metering.meters import POWER
from meterhouse.store import reading as store
from meterhouse.usage.atoms import Energy


def energy_of(spans: Sequence[tuple[str, int, int]], using: str) -> Energy:
    """Energy over spans (resource, start_ms, end_ms) and for how much of each it is known."""
    found = store.integrals(spans, POWER.name, using)
    return Energy(np.rint(found.integral * 1000).astype(np.int64), found.covered_ms)
