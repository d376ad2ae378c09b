"""Which meters measure watts that another measures as well: what belongs in no sum of all."""

from collections.abc import Collection
from datetime import datetime, timedelta

from meterhouse.inventory import reading as inventory
from meterhouse.inventory.facts import RevisionRow
from meterhouse.metering.periods import Period
from meterhouse.usage.wiring import HOSTS, INLET, METERS, OUTLET, Book, Feed, wire


def measured_twice(
    metered: Collection[str], now: datetime, using: str = "default"
) -> frozenset[str]:
    """Of resources that have watts, those whose watts another of them measures as well.

    These are a PDU's inlets where its outlets are metered, and of a node whatever is not at the
    first of outlet, node and package. An outlet of several nodes is left out only if that holds
    for all of them. Four queries, whatever the number of meters.
    """
    moment = Period(now, now + timedelta(milliseconds=1))
    kinds = (*HOSTS, *METERS)
    rows = [
        row
        for row in inventory.revisions(moment, using, kinds=kinds)
        if row.resource_key in metered
    ]
    hosts, meters = (Book(inventory.resource_names(using, kinds=each)) for each in (HOSTS, METERS))
    wiring = wire(rows, inventory.feeds_in(moment, using), hosts, meters)
    return _inlets(rows) | _worse([feed for feed in wiring.feeds if feed.known])


def _inlets(rows: Collection[RevisionRow]) -> frozenset[str]:
    """Inlets of sources that have outlets."""
    sources = {row.source for row in rows if row.kind == OUTLET}
    return frozenset(
        row.resource_key for row in rows if row.kind == INLET and row.source in sources
    )


def _worse(feeds: Collection[Feed]) -> frozenset[str]:
    """Meters all of whose nodes are measured at a place before theirs."""
    first: dict[str, int] = {}
    for feed in feeds:
        first[feed.node] = min(feed.place, first.get(feed.node, feed.place))
    needed = {feed.meter for feed in feeds if feed.place == first[feed.node]}
    return frozenset(feed.meter for feed in feeds) - needed
