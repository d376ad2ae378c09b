"""Reports to write: the cast's, and odd ones."""

from decimal import Decimal

from tests.usage.estates import (
    ALICE,
    BUILDER,
    CAROL,
    CAST,
    HOUR,
    MIRROR,
    MOON,
    NAMES,
    ROCKET,
    T0,
    ask,
    estate,
    gap,
    revision,
)

from meterhouse.inventory.facts import FOREVER, CarbonRow, PriceRow
from meterhouse.metering.snapshots import State
from meterhouse.usage.estate import Estate
from meterhouse.usage.ledger import Named, Names
from meterhouse.usage.report import Axis, Report
from meterhouse.usage.tariff import Tariff

DISK = revision("disk", MOON, (0.5, 24), kind="volume", vcpus=0, ram_bytes=0, user_id=CAROL)
STOPPED = ROCKET._replace(state=State.STOPPED)
TARIFF = Tariff(
    prices=[
        PriceRow(Decimal("0.1"), "EUR", 0, T0 + 12 * HOUR),
        PriceRow(Decimal("0.2999"), "EUR", T0 + 12 * HOUR, T0 + 20 * HOUR),
        PriceRow(Decimal(3), "SEK", T0 + 22 * HOUR, FOREVER),
    ],
    factors=[CarbonRow(Decimal(380), "grid operator, 2025", 0, T0 + 20 * HOUR)],
)
"""The price changes at midnight; from eight to ten none is known, then it is in kronor."""

ESTATE = estate(
    *(MIRROR, BUILDER, STOPPED, DISK), shares=CAST.shares, gaps=[gap(6, 9.5)], tariff=TARIFF
)
"""The cast's day: Alice's mirror is metered, Carol has a stopped rocket and a volume."""


def report(by: Axis) -> Report:
    return ask(by, ESTATE)


def called(name: str, of: Estate = ESTATE) -> Report:
    """A report by project in which everything has one odd name."""
    everybody = {ALICE: Named("alice", name), CAROL: Named("carol", name)}
    names = Names(
        institutions={
            number: Named(each.key, name) for number, each in NAMES.institutions.items()
        },
        projects={number: Named(each.key, name) for number, each in NAMES.projects.items()},
        parents=NAMES.parents,
        users={**NAMES.users, **everybody},
        resources=dict.fromkeys(NAMES.resources, name),
    )
    return ask(Axis.PROJECT, Estate(stretches=of.stretches, names=names, measure=of.measure))


def large(projects: int) -> Report:
    """A report by resource in which every project has twenty."""
    numbers = range(1, projects + 1)
    rows = [
        revision(f"{number}-{each}", number, (0, 24), vcpus=number)
        for number in numbers
        for each in range(20)
    ]
    names = Names(
        projects={number: Named(f"p{number}", f"Project {number}") for number in numbers},
        parents=dict.fromkeys(numbers, None),
    )
    return ask(Axis.RESOURCE, Estate(stretches=estate(*rows).stretches, names=names))


def nothing() -> Report:
    return ask(Axis.PROJECT, estate())
