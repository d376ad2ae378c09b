"""The simulated machine room: which cable goes where, and where somebody meters.

Two racks have a PDU a side; nodes with two supplies hang on both. A third feeds a chassis of two
nodes, one node more and the cooling. One node says itself what it draws, one does both, and one
hangs on the wall, where nobody meters.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from meterhouse.metering.snapshots import Resource


class Supply(Enum):
    """Which of a node's supplies hangs on an outlet."""

    ONLY = "only"
    FIRST = "first"
    SECOND = "second"


@dataclass(frozen=True, slots=True)
class Outlet:
    """pdu, socket: where it is; feeds: names of nodes, or of what is none."""

    name: str
    pdu: str
    socket: int
    feeds: tuple[str, ...]
    supply: Supply = Supply.ONLY

    def resource(self, source: str, project: str) -> Resource:
        return Resource(
            id=f"{source}/{self.name}",
            kind="outlet",
            name=self.name,
            project=project,
            details={
                "feeds": " ".join(self.feeds),
                "measures": "outlet",
                "at": f"{self.pdu}, socket {self.socket}",
                "pdu": self.pdu,
            },
        )


PDUS = ("pdu-a", "pdu-b", "pdu-c")
TWO_SUPPLIES = tuple(f"node-{number:02}" for number in range(1, 6))
CHASSIS = ("node-09", "node-10")
SWITCH, COOLING = "switch-1", "cooling-1"
BMCS: Mapping[str, float] = {"node-08": 0.96, "node-11": 1.0}
"""Nodes whose BMC says what they draw, and what part of it: node-08's sits behind the supply."""
COUNTING = "node-11"
"""The node whose BMC counts its energy, too."""
UNMETERED = "node-06"


def _of(node: str, pdu: str, socket: int, supply: Supply = Supply.ONLY) -> Outlet:
    """A node's outlet, called by the node and the PDU's letter: short, since legends are."""
    return Outlet(f"{node}-{pdu[-1]}", pdu, socket, (node,), supply)


OUTLETS = (
    *(_of(node, "pdu-a", n, Supply.FIRST) for n, node in enumerate(TWO_SUPPLIES, 1)),
    _of("node-07", "pdu-a", 7),
    Outlet(SWITCH, "pdu-a", 12, (SWITCH,)),
    *(_of(node, "pdu-b", n, Supply.SECOND) for n, node in enumerate(TWO_SUPPLIES, 1)),
    _of("node-08", "pdu-b", 7),
    Outlet("chassis-1", "pdu-c", 1, CHASSIS),
    _of("node-12", "pdu-c", 2),
    Outlet(COOLING, "pdu-c", 8, (COOLING,)),
)


def outlets(source: str, owners: Mapping[str, str], owner: str) -> Iterator[Resource]:
    """What the PDUs list: an outlet belongs to whoever owns the node that it feeds.

    owners: node to project; owner: the project of what feeds no node
    """
    for outlet in OUTLETS:
        yield outlet.resource(source, owners.get(outlet.feeds[0], owner))


def inlets(source: str, owner: str) -> Iterator[Resource]:
    """What the PDUs take in."""
    for pdu in PDUS:
        yield Resource(
            id=f"{source}/{pdu}", kind="inlet", name=pdu, project=owner, details={"pdu": pdu}
        )


def metered(node: str) -> str:
    """Where a node's power is metered, in words for its page."""
    if node == UNMETERED:
        return "nowhere: it is on a wall socket"
    at = [f"{each.pdu} socket {each.socket}" for each in OUTLETS if node in each.feeds]
    return " and ".join(at + ["its BMC"] * (node in BMCS))
