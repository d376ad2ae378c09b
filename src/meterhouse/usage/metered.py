"""How much energy was measured on resources over spans of time (docs/energy.md).

Where a resource has an energy counter and power readings, the counter counts, and power fills what
the counter does not cover: before its first reading, after its last, and where it cannot be
believed. Within an hour that it covers in part, power fills in at its mean of that hour.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.store import reading as store
from meterhouse.store.folding import Floats
from meterhouse.usage.energy import Energy
from meterhouse.usage.stretches import Ints

HOUR_MS = 3_600_000

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
    power = power or store.integrals(spans, POWER.name, using)
    if not any(resource in known.counters for resource, _, _ in spans):
        return Energy(np.rint(power.integral * 1000).astype(np.int64), power.covered_ms)
    grown = store.increases(spans, ENERGY.name, using)
    length = np.array([max(end - start, 0) for _, start, end in spans], np.int64)
    joules, covered = filled(
        grown.increase, grown.covered_ms, power.integral, power.covered_ms, length
    )
    mixed = (grown.covered_ms > 0) & (grown.covered_ms < length) & (power.covered_ms > 0)
    rows = np.flatnonzero(mixed & (length > HOUR_MS))
    if len(rows):
        joules[rows], covered[rows] = _by_hour([spans[row] for row in rows.tolist()], using, known)
    return Energy(np.rint(joules * 1000).astype(np.int64), covered)


def _by_hour(spans: Spans, using: str, known: Meters) -> tuple[Floats, Ints]:
    """The same of spans that a counter covers in part, hour by hour."""
    pieces = [(number, piece) for number, span in enumerate(spans) for piece in _hours(*span)]
    owner = [number for number, _ in pieces]
    hours = energy_of([piece for _, piece in pieces], using, known)
    joules, covered = np.zeros(len(spans)), np.zeros(len(spans), np.int64)
    np.add.at(joules, owner, hours.millijoules / 1000)
    np.add.at(covered, owner, hours.measured_ms)
    return joules, covered


def _hours(resource: str, start_ms: int, end_ms: int) -> Iterator[tuple[str, int, int]]:
    inner = range(start_ms // HOUR_MS * HOUR_MS + HOUR_MS, end_ms, HOUR_MS)
    for first, last in pairwise([start_ms, *inner, end_ms]):
        yield resource, first, last


def filled(
    first: Floats, first_ms: Ints, second: Floats, second_ms: Ints, length_ms: Ints
) -> tuple[Floats, Ints]:
    """Energy by a first meter, and in the time it does not cover by a second one at its mean."""
    gap_ms = np.minimum(second_ms, np.maximum(length_ms - first_ms, 0))
    joules: Floats = first + second * (gap_ms / np.maximum(second_ms, 1))
    return joules, np.minimum(first_ms + gap_ms, length_ms)
