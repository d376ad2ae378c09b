"""What a meter feeds now and what meters a node now, as far as somebody may see it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from meterhouse.inventory import reading as inventory
from meterhouse.inventory.scope import Scope
from meterhouse.metering.periods import Period
from meterhouse.usage.wiring import HOSTS, METERS, Book, wire


class End(NamedTuple):
    """The resource at the other end of a wire."""

    key: str
    name: str


class Wires(NamedTuple):
    """feeds: the nodes that a meter feeds; meters: the outlets that measure a node; by name."""

    feeds: tuple[End, ...] = ()
    meters: tuple[End, ...] = ()


def wires_of(key: str, scope: Scope, now: datetime, using: str = "default") -> Wires:
    """The wires of one node or meter. Four queries, whatever the number of meters."""
    moment = Period(now, now + timedelta(milliseconds=1))
    kinds = (*HOSTS, *METERS)
    rows = list(inventory.revisions(moment, using, scope=scope, kinds=kinds))
    seen = {row.resource_key for row in rows}
    hosts, meters = (inventory.resource_names(using, kinds=each) for each in (HOSTS, METERS))
    found = wire(rows, inventory.feeds_in(moment, using), Book(hosts), Book(meters)).feeds
    wires = [each for each in found if each.known and each.meter in meters and each.node in seen]
    return Wires(
        feeds=_ends((each.node for each in wires if each.meter == key), hosts),
        meters=_ends((each.meter for each in wires if each.node == key), meters),
    )


def _ends(keys: Iterable[str], names: Mapping[str, str]) -> tuple[End, ...]:
    return tuple(sorted((End(key, names[key]) for key in keys), key=lambda end: end.name))
