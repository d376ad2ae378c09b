"""Which outlets, nodes and idle powers something is in force of already, whoever says so.

A feed is declared between words: keys, or names that only one has. What a source says an outlet
feeds is in its revisions.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import msgspec
from django.db.models import Q

from meterhouse.inventory.models import Feed, IdlePower, Resource, Revision

OUTLETS, NODES = ("outlet", "inlet"), ("node", "machine")


@dataclass(slots=True)
class Wired:
    """What is in force, by every word that it goes by.

    outlets, nodes: of feeds; idle: nodes with a declared idle power
    """

    outlets: set[str] = field(default_factory=set)
    nodes: set[str] = field(default_factory=set)
    idle: set[str] = field(default_factory=set)

    def has(self, table: str, key: tuple[str, ...]) -> bool:
        """Whether declaring this would lay something over what is in force."""
        if table == "feeds":
            return key[0] in self.outlets or key[1] in self.nodes
        return table == "idle" and key[0] in self.idle


def wired(words: Collection[str], now_ms: int) -> Wired:
    """What is in force of what these words may mean. Six queries, none if there are no words."""
    found = Wired()
    if not words:
        return found
    for outlet, node in Feed.objects.filter(withdrawn_ms=None).values_list("outlet", "node"):
        found.outlets.add(outlet)
        found.nodes.add(node)
    idle = IdlePower.objects.filter(withdrawn_ms=None)
    found.idle.update(idle.values_list("node", flat=True))
    for words_of_outlet, fed in _said(now_ms):
        found.outlets.update(words_of_outlet)
        found.nodes.update(fed)
    for meant in _aliases(OUTLETS):
        _close(found.outlets, meant)
    for meant in _aliases(NODES):
        _close(found.nodes, meant)
        _close(found.idle, meant)
    return found


def _said(now_ms: int) -> Iterable[tuple[tuple[str, str], list[str]]]:
    """(key and name of an outlet, names of the nodes that its source says it feeds or fed)."""
    rows = Revision.objects.filter(
        Q(details__contains='"feeds":'), resource__kind__in=OUTLETS, start_ms__lt=now_ms
    )
    for key, name, details in rows.values_list("resource__key", "resource__name", "details"):
        words = msgspec.json.decode(details, type=dict[str, str]).get("feeds", "").split()
        if words:
            yield (key, name), words


def _aliases(kinds: Collection[str]) -> Iterable[tuple[str, str]]:
    return Resource.objects.filter(kind__in=kinds).values_list("key", "name")


def _close(words: set[str], meant: tuple[str, str]) -> None:
    """What goes by one of its words goes by the other."""
    if words.intersection(meant):
        words.update(meant)
