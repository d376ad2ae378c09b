"""Which outlets of a wattmeter make up which probe: left out, summed, or feeding several nodes.

A wattmeter has outlets (PDU sockets, meter channels, a BMC's one reading); a probe is what people
ask for. Kwapi's driver sections name them in one list, and so does every wattmeter here.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from meterhouse.metering.meters import VOLTAGE, Meter
from meterhouse.metering.samples import Columns, Series
from meterhouse.metering.snapshots import Resource, Snapshot
from meterhouse.sources.kinds import Named, Reading
from meterhouse.sources.listing import Listing
from meterhouse.sources.parts import lacks

Floats = NDArray[np.float64]
Moments = NDArray[np.int64]

LONGEST_NAME = 100
NO_ADDRESS = frozenset({".", "..", "history"})
"""Names that an address reads as something else: folders, and what follows a resource's key in
``/v1/resources/KEY/history``."""

Probes = tuple[str | tuple[str, ...], ...]
"""For each outlet of a meter, in the meter's order, what it feeds:

    "node-1"              a node: its probe has that name
    ""                    nothing that is to be metered: the outlet is left out
    "node-1" once more    the same node's second power supply: the probe is the sum of both
    ["node-3", "node-4"]  several nodes: one probe, called node-3+node-4, whose energy is theirs
                          together
"""


class Measures(StrEnum):
    """Where a probe measures. Of several probes of one node, the first of these that is there
    counts; those further down measure a part of the same watts.
    """

    OUTLET = "outlet"  # all that goes through a cable: PDU sockets, wall plugs, UPS outlets
    NODE = "node"  # what a node says of itself: BMC
    PACKAGE = "package"  # a part of a node: CPU packages and memory


class Outlets:
    """The outlets of one wattmeter, read together.

    probes:   see Probes. Raises ValueError for what cannot be meant
    inputs:   after the outlets, what the meter itself takes in, by name: such a resource, of kind
              "inlet", feeds no node and is nobody's, since its watts are counted at the outlets.
              As with probes, a name may come again (phases) or be empty
    project:  whose the probes are, by the project's id; "" leaves it to an ownership rule
    """

    def __init__(
        self,
        named: Named,
        probes: Sequence[str | Sequence[str]],
        *,
        inputs: Sequence[str] = (),
        project: str = "",
        measures: Measures = Measures.OUTLET,
    ) -> None:
        checked(probes, inputs)
        self.named = named
        fed = [(entry,) if isinstance(entry, str) else tuple(entry) for entry in probes]
        names = ["+".join(nodes) for nodes in fed] + list(inputs)
        self.names = tuple(dict.fromkeys(name for name in names if name))
        number = {name: place for place, name in enumerate(self.names)}
        self._used = np.array([bool(name) for name in names], np.bool_)
        self._labels = [
            f"{name} (outlet {place + 1})" if names.count(name) > 1 else name
            for place, name in enumerate(names)
        ]
        self._said: dict[Meter, NDArray[np.bool_]] = {}
        self._probe = np.array([number[name] for name in names if name], np.int64)
        self._parts = np.bincount(self._probe, minlength=len(self.names))
        nodes = dict(zip(names, fed, strict=False))
        self.resources = tuple(
            _resource(named.name, name, nodes[name], project, measures)
            if name in nodes
            else Resource(id=f"{named.name}/{name}", kind="inlet", name=name)
            for name in self.names
        )
        self._series: dict[tuple[Meter, ...], tuple[Series, ...]] = {}
        self._listings = [
            (Listing(named.name, kind), kind)
            for kind in dict.fromkeys(one.kind for one in self.resources)
        ]

    def __len__(self) -> int:
        """How many outlets and inputs there are, those left out among them."""
        return len(self._used)

    def uses(self, outlet: int) -> bool:
        """Whether anybody wants to know of an outlet, counted from 0."""
        return bool(self._used[outlet])

    def label(self, outlet: int) -> str:
        """An outlet as people know it: its probe, and its number if that has several."""
        return self._labels[outlet]

    def describe(self, outlet: int, details: Mapping[str, str]) -> None:
        """Add to what is worth knowing of the probe that an outlet is part of."""
        if not self._used[outlet]:
            return
        place = self._probe[np.count_nonzero(self._used[:outlet])]
        found = list(self.resources)
        found[place] = replace(found[place], details={**found[place].details, **details})
        self.resources = tuple(found)

    def reading(
        self,
        at_ms: int | Moments,
        values: Mapping[Meter, Sequence[float] | Floats],
        refused: Mapping[str, int] | None = None,
        *,
        promised: Collection[Meter] | None = None,
        lacking: Sequence[str] = (),
    ) -> Reading:
        """What was read of all outlets.

        at_ms:   when; or for each outlet when that one was: a probe was when its last outlet was
        values:  of each meter one number for each outlet and input, in its base unit; NaN where
                 it does not say. A probe one of whose outlets does not say is not known
        refused: as in Reading
        promised: meters of which every outlet says a number each time; what it has said before is
                 promised too. None: outlets speak when they like
        lacking: as in Reading, besides
        """
        meters = tuple(values)
        value = np.concatenate([self._summed(meter, values[meter]) for meter in meters])
        key = np.flatnonzero(~np.isnan(value)).astype(np.uint32)
        at = self._at(at_ms)
        samples = Columns(self._series_of(meters), key, np.tile(at, len(meters))[key], value[key])
        lacks_ = () if promised is None else lacks(self._lacking(values, promised))
        return Reading(samples, self.listed(int(at.max())), refused or {}, (*lacking, *lacks_))

    def _lacking(
        self, values: Mapping[Meter, Sequence[float] | Floats], promised: Collection[Meter]
    ) -> Iterator[tuple[str, str]]:
        """What each outlet lacks, and its name."""
        for meter, numbers in values.items():
            nothing = np.isnan(np.asarray(numbers, np.float64))
            said = self._said.get(meter, np.zeros(len(nothing), np.bool_))
            self._said[meter] = said | ~nothing
            due = self._used if meter in promised else self._used & said
            for place in np.flatnonzero(nothing & due).tolist():
                yield f"no {meter.name}", self._labels[place]

    def touched(self, fresh: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which outlets belong to a probe that has a fresh one: both supplies if one has spoken.

        fresh: for each outlet
        """
        probes = np.bincount(self._probe, fresh[self._used], len(self.names)) > 0
        found = np.zeros(len(self._used), np.bool_)
        found[self._used] = probes[self._probe]
        return found

    def listed(self, at_ms: int) -> tuple[Snapshot, ...]:
        """The list of the probes, when it is time to say it again."""
        return tuple(
            snapshot
            for listing, kind in self._listings
            for snapshot in listing.of(
                (each for each in self.resources if each.kind == kind), at_ms
            )
        )

    def _at(self, at_ms: int | Moments) -> Moments:
        """When each probe was read."""
        if isinstance(at_ms, int):
            return np.full(len(self.names), at_ms, np.int64)
        at = np.zeros(len(self.names), np.int64)
        np.maximum.at(at, self._probe, at_ms[self._used])
        return at

    def _summed(self, meter: Meter, values: Sequence[float] | Floats) -> Floats:
        """One number for each probe. Two supplies of a node have one voltage, not two."""
        used = np.asarray(values, np.float64)[self._used]
        total = np.bincount(self._probe, used, len(self.names)).astype(np.float64)
        return total / self._parts if meter == VOLTAGE else total

    def _series_of(self, meters: tuple[Meter, ...]) -> tuple[Series, ...]:
        """The same tuple each time: whoever comes later remembers what it made of it."""
        if meters not in self._series:
            hold_ms = self.named.hold_ms
            self._series[meters] = tuple(
                Series(each.id, meter.name, hold_ms) for meter in meters for each in self.resources
            )
        return self._series[meters]


def unnameable(name: str) -> str:
    """Why a probe cannot have this name; "" if it can. Its page and its history need addresses
    of their own.
    """
    if not name.isprintable() or any(sign in name for sign in " /+"):
        return "a name is printable, without ' ', '/' and '+'"
    if len(name) > LONGEST_NAME:
        return f"a name has {LONGEST_NAME} characters at most"
    if name in NO_ADDRESS:
        return "a probe of this name would have no address: choose another"
    return ""


def checked(probes: Sequence[str | Sequence[str]], inputs: Sequence[str] = ()) -> None:
    """Raise ValueError, naming the key, if these cannot be the outlets and inputs of a meter."""
    nodes = list(chain.from_iterable([e] if isinstance(e, str) else e for e in probes))
    if not any(nodes) and not any(inputs):
        raise ValueError("probes: at least one outlet needs a name")
    for entry in probes:
        if not isinstance(entry, str) and not all(entry):
            raise ValueError("probes: an outlet that feeds several nodes names each of them")
    for key, names in (("probes", nodes), ("inputs", inputs)):
        for name in names:
            if flaw := unnameable(name):
                raise ValueError(f"{key}: {name[:LONGEST_NAME]!r}: {flaw}")
    both = set(filter(None, inputs)) & set(nodes)
    if both:
        raise ValueError(f"inputs: {min(both)!r} is among the probes already")


def _resource(
    source: str, name: str, nodes: Sequence[str], project: str, measures: Measures
) -> Resource:
    return Resource(
        id=f"{source}/{name}",
        kind="outlet",
        name=name,
        project=project,
        details={"feeds": " ".join(nodes), "measures": measures.value},
    )
