"""Reads from the database what a statement is computed from."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from meterhouse.inventory import reading as inventory
from meterhouse.inventory.scope import Scope
from meterhouse.metering.meters import CPU_TIME, ENERGY, POWER
from meterhouse.metering.periods import Period
from meterhouse.store import reading as store
from meterhouse.usage.energy import Energy
from meterhouse.usage.estate import Estate, Measure
from meterhouse.usage.gaps import Gap
from meterhouse.usage.ledger import Named, Names
from meterhouse.usage.metered import Meters, energy_of, meters
from meterhouse.usage.placing import spreading
from meterhouse.usage.pricing import tariff_in
from meterhouse.usage.question import Question
from meterhouse.usage.report import Axis
from meterhouse.usage.stretches import Stretches

PEOPLE = frozenset({"institution", "project", "user"})
"""Kinds of lists that say nothing about what exists."""

METERED = (POWER.name, ENERGY.name, CPU_TIME.name)
ALL = Scope.all()


def load(question: Question, using: str) -> Estate:
    """Read the part of the period that has been.

    The tree and the shares are read whole whoever asks, because funding comes down from
    ancestors; ``choose`` keeps from the reader what is not theirs.
    """
    period = question.counted
    tariff, known = tariff_in(period, using), meters(using)
    read = _read(period, using) if known.resources else None
    measure = _measure(known, read, using)
    until = period.end_ms
    spread = spreading(read, tariff, known, measure, using, until_ms=until) if read else None
    # A node's energy is split over all that is on it, whoever asks; ``choose`` keeps the rest.
    scope = question.scope if spread is None else ALL
    # After what refers to them: one that is new by now does no harm, one missing would.
    stretches = Stretches.of(inventory.revision_tuples(period, using, scope=scope))
    shares, names = inventory.shares_in(period, using), _names(question, using)
    trees = inventory.trees_in(period, names.projects.keys(), using)
    return Estate(
        stretches=stretches,
        shares=shares,
        trees=trees,
        names=replace(names, parents=trees[-1].parents),
        gaps=tuple(_gaps(period, using)),
        tariff=tariff,
        measure=measure,
        spread=spread,
    )


def _read(period: Period, using: str) -> Period | None:
    """The part of a period in which anything was read."""
    extent = store.extent(METERED, using)
    return period.clip(extent.start, extent.end) if extent else None


def _names(question: Question, using: str) -> Names:
    projects = inventory.projects(ALL, using)
    return Names(
        institutions={
            each.id: Named(each.key, each.name) for each in inventory.institutions(ALL, using)
        },
        projects={each.id: Named(each.key, each.name) for each in projects},
        parents={each.id: each.parent_id for each in projects},
        users={each.id: Named(each.key, each.name) for each in inventory.users(ALL, using)}
        if question.by == Axis.USER
        else {},
        resources=inventory.resource_names(using) if question.by == Axis.RESOURCE else {},
    )


def _gaps(asked: Period, using: str) -> Iterator[Gap]:
    for watch in inventory.sightings(asked, using):
        if watch.kind not in PEOPLE:
            for start, end in watch.gaps:
                period = Period.from_ms(start, end)
                # It may have begun after the period: then all of that is before.
                yield Gap(watch.source, watch.kind, period, before_first=end <= watch.begun_ms)


def _measure(there: Meters, read: Period | None, using: str) -> Measure:
    """What measures stretches. read: the part of the period in which anything was read at all:
    hours before and after it would cost as much as those in it, and hold nothing.
    """

    def measure(of: Stretches) -> Energy:
        """Energy in the stretches of those resources that have any reading."""
        metered = there.resources
        energy = Energy.none(len(of))
        if read is None or not metered:
            return energy
        known = np.array([key in metered for key in of.resources], bool)[of.resource]
        start = np.maximum(of.start_ms, read.start_ms)
        end = np.minimum(of.end_ms, read.end_ms)
        rows = np.flatnonzero(known & (start < end))
        if not len(rows):
            return energy
        keys = [of.resources[number] for number in of.resource[rows].tolist()]
        spans = list(zip(keys, start[rows].tolist(), end[rows].tolist(), strict=True))
        found = energy_of(spans, using, there)
        energy.millijoules[rows] = found.millijoules
        energy.measured_ms[rows] = found.measured_ms
        return energy

    return measure
