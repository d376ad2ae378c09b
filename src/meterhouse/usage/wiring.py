"""Which meter measures which node, since when: from what sources list and what is declared."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import msgspec

from meterhouse.inventory.facts import FeedRow, RevisionRow
from meterhouse.inventory.stretches import without

HOSTS = ("node", "machine")
"""Kinds that are fed with power."""

OUTLET, INLET = "outlet", "inlet"
METERS = (OUTLET, INLET)
"""Kinds that measure what others draw. What an inlet takes in is counted at its outlets; what it
takes in beyond them is overhead."""

PLACES = ("outlet", "node", "package")
"""Where a meter can measure a node; the first that knows something counts."""


class Feed(NamedTuple):
    """A meter measures a node for some time.

    meter, node: the keys of their resources; a node that nobody lists is called by its names
    known:       whether the node is listed
    place:       index into PLACES
    """

    meter: str
    node: str
    place: int
    start_ms: int
    end_ms: int
    known: bool = True


@dataclass(frozen=True, slots=True)
class Wiring:
    """feeds: of every outlet and host; unknown: what declared feeds name that is not there."""

    feeds: tuple[Feed, ...]
    unknown: tuple[str, ...] = ()


class Book:
    """Resources by key and by name; a name that several have is nobody's, except in one source."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._by_name: dict[str, list[str]] = {}
        for key, name in names.items():
            self._by_name.setdefault(name, []).append(key)

    def find(self, word: str, source: str = "") -> str | None:
        if word in self._names:
            return word
        keys = self._by_name.get(word, [])
        mine = [key for key in keys if source and key.startswith(f"{source}/")]
        found = mine if len(mine) == 1 else keys
        return found[0] if len(found) == 1 else None


@cache
def _details(text: str) -> dict[str, str]:
    return msgspec.json.decode(text, type=dict[str, str])


def detail(text: str, name: str) -> str:
    """One of a resource's details; "" if it has none such."""
    return _details(text).get(name, "")


def wire(
    rows: Iterable[RevisionRow],
    declared: Sequence[FeedRow],
    hosts: Book,
    outlets: Book,
) -> Wiring:
    """Say who feeds whom. rows: the revisions of meters and hosts."""
    unknown, by_outlet = _declared(declared, hosts, outlets)
    feeds: list[Feed] = []
    for row in rows:
        if row.kind in HOSTS:
            feeds.append(Feed(row.resource_key, row.resource_key, 1, row.start_ms, row.end_ms))
        elif row.kind == INLET:
            key, span = row.resource_key, (row.start_ms, row.end_ms)
            feeds.append(Feed(key, key, 0, *span, known=False))
        elif row.kind == OUTLET:
            feeds += _outlet(row, by_outlet.get(row.resource_key, ()), hosts)
    return Wiring(tuple(feeds), unknown)


def _declared(
    declared: Sequence[FeedRow], hosts: Book, outlets: Book
) -> tuple[tuple[str, ...], dict[str, list[FeedRow]]]:
    unknown: list[str] = []
    by_outlet: dict[str, list[FeedRow]] = {}
    for row in declared:
        outlet, node = outlets.find(row.outlet), hosts.find(row.node)
        if outlet is None or node is None:
            unknown.append(row.outlet if outlet is None else row.node)
        else:
            by_outlet.setdefault(outlet, []).append(row._replace(outlet=outlet, node=node))
    return tuple(dict.fromkeys(unknown)), by_outlet


def _outlet(row: RevisionRow, declared: Sequence[FeedRow], hosts: Book) -> Iterable[Feed]:
    """What an outlet feeds while one revision lasts: what is declared overrides what it says."""
    place = detail(row.details, "measures")
    number = PLACES.index(place) if place in PLACES else 0
    words = detail(row.details, "feeds").split() or [row.resource_key]
    stretch = (row.start_ms, row.end_ms)
    over = [(each.start_ms, each.end_ms) for each in declared]
    for each in declared:
        start, end = max(each.start_ms, stretch[0]), min(each.end_ms, stretch[1])
        if start < end:
            yield Feed(row.resource_key, each.node, number, start, end)
    for start, end in without([stretch], over):
        for word in words:
            node = hosts.find(word, row.source)
            if node is not None:
                yield Feed(row.resource_key, node, number, start, end)
    yield Feed(row.resource_key, " ".join(words), number, *stretch, known=False)
