"""Which probes there are, and what each is called: Kwapi's word for what has watts.

A probe is a resource with a ``power`` series. People and addresses call it by its name, which is
short and the same in every report; where two have one name, the older keeps it and the other is
called by its whole key. Which is older is told by the series' ids, so a restart changes nothing.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple
from urllib.parse import quote

from meterhouse.inventory import reading as inventory
from meterhouse.inventory.scope import Scope
from meterhouse.inventory.staying import Staying
from meterhouse.metering.meters import POWER
from meterhouse.store import reading

_NO_NAMES = frozenset({"", ".", ".."})
"""What a browser would take for another address."""


class Probe(NamedTuple):
    """id: what it is called, unique; resource: its whole key; name: what its source calls it."""

    id: str
    resource: str
    name: str

    @property
    def address(self) -> str:
        """Its id as one part of an address, whatever signs are in it."""
        return quote(self.id, safe="")


class Probes:
    """Probes, by age."""

    def __init__(self, probes: Iterable[Probe]) -> None:
        self.all = tuple(probes)
        self._by_resource = {probe.resource: probe for probe in self.all}
        self._by_id = {probe.id: probe for probe in self.all}

    def __len__(self) -> int:
        return len(self.all)

    def find(self, word: str) -> Probe | None:
        """The probe with this id or whole key."""
        return self._by_id.get(word) or self._by_resource.get(word)

    def of(self, resource: str) -> Probe | None:
        """The probe of a resource, by its whole key."""
        return self._by_resource.get(resource)

    def among(self, resources: Collection[str]) -> "Probes":
        """Those of some resources; they keep their ids."""
        return Probes(probe for probe in self.all if probe.resource in resources)


_house: Staying[Probes] = Staying(4)  # they are called the same until sources list other names


def probes(scope: Scope | None = None, *, using: str = "default", ended: bool = False) -> Probes:
    """All probes that were ever recorded, in few queries; within a scope if one is given.

    ended:  True: also those that were the scope's once, and are not now. What somebody may see
            of their past is ``web.sight``'s business
    """
    marks, keys = inventory.marks(using), reading.resources(POWER.name, using)
    found = _house.get(
        (using, keys), marks, lambda: Probes(named(keys, inventory.resource_names(using)))
    )
    if scope is None or scope.everything:
        return found
    return found.among(inventory.resource_keys(scope, ended=ended, using=using))


def named(resources: Iterable[str], names: "dict[str, str]") -> Iterable[Probe]:
    """Give each resource its id.

    resources: whole keys, the oldest probe first
    names:     key to name; a resource that no source listed is called by its key's last part,
               as sources make keys
    """
    keys = tuple(resources)
    taken = set(keys)  # so that no name hides another probe's key
    for key in keys:
        name = names.get(key) or key.partition("/")[2]
        is_free = name == key or name not in taken
        called = name if is_free and name not in _NO_NAMES else key
        taken.add(called)
        yield Probe(called, key, name or key)
