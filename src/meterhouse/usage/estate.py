"""All that a statement is computed from, as plain values: nothing here knows a database."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from meterhouse.inventory.facts import RevisionRow, ShareRow
from meterhouse.usage.cutting import Pieces
from meterhouse.usage.energy import Energy
from meterhouse.usage.gaps import Gap
from meterhouse.usage.ledger import Names
from meterhouse.usage.shares import NOBODY
from meterhouse.usage.stretches import STATES, Ints, Stretches
from meterhouse.usage.tariff import Tariff

T = TypeVar("T")

Measure = Callable[[Stretches], Energy]
"""Says how much energy was measured in each stretch."""


@dataclass(frozen=True, slots=True, eq=False)
class Spreading:
    """Pieces with their energy, and in sentences what is to be known about it."""

    pieces: Pieces
    energy: Energy
    notes: tuple[str, ...] = ()


Spread = Callable[[Pieces], Spreading]
"""Gives pieces their energy where meters feed nodes and nodes are shared (spreading.py)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estate:
    """What existed in a period, whose it was, and what is known about it.

    stretches: of all resources, inside the period
    """

    stretches: Stretches
    names: Names
    shares: Sequence[ShareRow] = ()
    gaps: Sequence[Gap] = ()
    tariff: Tariff = field(default_factory=Tariff)
    measure: Measure = lambda stretches: Energy.none(len(stretches))
    spread: Spread | None = None

    def energize(self, pieces: Pieces) -> "Spreading":
        """Give every piece its energy; there may be more pieces than before: idle, overhead."""
        if self.spread is not None:
            return self.spread(pieces)
        return Spreading(pieces, self.measure(pieces.stretches))


def stretches(rows: Iterable[RevisionRow]) -> Stretches:
    """Turn revisions clipped to a period into columns."""
    nothing: tuple[tuple[Any, ...], ...] = ((),) * len(RevisionRow._fields)
    columns = tuple(zip(*rows, strict=True)) or nothing
    of = dict(zip(RevisionRow._fields, columns, strict=True))
    resource, resources = _numbered(of["resource_key"])
    origin, origins = _numbered(tuple(zip(of["source"], of["kind"], strict=True)))
    detail, details = _numbered(of["details"])
    number = {state: place for place, state in enumerate(STATES)}
    return Stretches(
        resources=resources,
        origins=origins,
        details=details,
        resource=resource,
        origin=origin,
        project=_column([project or NOBODY for project in of["project_id"]]),
        user=_column([user or NOBODY for user in of["user_id"]]),
        state=_column([number[state] for state in of["state"]]),
        detail=detail,
        vcpus=_column(of["vcpus"]),
        ram_bytes=_column(of["ram_bytes"]),
        disk_bytes=_column(of["disk_bytes"]),
        start_ms=_column(of["start_ms"]),
        end_ms=_column(of["end_ms"]),
    )


def _numbered(values: Sequence[T]) -> tuple[Ints, tuple[T, ...]]:
    """Each value's place among the different ones, and those."""
    different = tuple(dict.fromkeys(values))
    place = {value: number for number, value in enumerate(different)}
    return _column([place[value] for value in values]), different


def _column(values: Sequence[int]) -> Ints:
    return np.array(values, np.int64)
