"""All that a statement is computed from, as plain values: nothing here knows a database."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from meterhouse.inventory.facts import RevisionRow, ShareRow
from meterhouse.usage.atoms import Energy
from meterhouse.usage.gaps import Gap
from meterhouse.usage.ledger import Names
from meterhouse.usage.shares import NOBODY
from meterhouse.usage.stretches import STATES, Ints, Stretches

Measure = Callable[[Stretches], Energy]
"""Says how much energy was measured in each stretch."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estate:
    """What existed in a period, whose it was, and what is known about it.

    stretches: of all resources, inside the period
    """

    stretches: Stretches
    names: Names
    shares: Sequence[ShareRow] = ()
    gaps: Sequence[Gap] = ()
    measure: Measure = lambda stretches: Energy.none(len(stretches))


def stretches(rows: Iterable[RevisionRow]) -> Stretches:
    """Turn revisions clipped to a period into columns."""
    rows = rows if isinstance(rows, Sequence) else list(rows)
    resources: dict[str, int] = {}
    origins: dict[tuple[str, str], int] = {}
    number = {state: place for place, state in enumerate(STATES)}

    def column(values: Iterable[int]) -> Ints:
        return np.fromiter(values, np.int64, len(rows))

    return Stretches(
        resource=column(resources.setdefault(row.resource_key, len(resources)) for row in rows),
        origin=column(origins.setdefault((row.source, row.kind), len(origins)) for row in rows),
        project=column(row.project_id or NOBODY for row in rows),
        user=column(row.user_id or NOBODY for row in rows),
        state=column(number[row.state] for row in rows),
        vcpus=column(row.vcpus for row in rows),
        ram_bytes=column(row.ram_bytes for row in rows),
        disk_bytes=column(row.disk_bytes for row in rows),
        start_ms=column(row.start_ms for row in rows),
        end_ms=column(row.end_ms for row in rows),
        resources=tuple(resources),
        origins=tuple(origins),
    )
