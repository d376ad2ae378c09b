"""A node as a resource: what it has for instances, and how much of that is taken.

A node that does not answer has no size in RAPI's answer, and unknown is not zero: it keeps the
size that it last showed. One that has not shown any since the source was opened cannot be
described, and then the list is not complete.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from meterhouse.clients.ganeti.answers import Node, known
from meterhouse.metering import meters
from meterhouse.metering.meters import Meter
from meterhouse.metering.snapshots import Resource, State
from meterhouse.sources.ganeti.instances import MIB, identity, moment

ROLES = {
    "M": "master",
    "C": "master candidate",
    "R": "regular",
    "D": "drained",
    "O": "offline",
}


@dataclass(frozen=True, slots=True)
class Size:
    """What a node has for instances, in MiB."""

    vcpus: int = 0
    ram_mib: int = 0
    disk_mib: int = 0


def size(node: Node, last: Size | None) -> Size | None:
    """What a node has; None if nobody knows.

    last: what it had when it last answered
    """
    if not is_asked(node):
        return Size()
    ram_mib = known(node.mtotal)
    if ram_mib is None:
        return last
    last = last or Size()
    vcpus, disk_mib = known(node.ctotal), known(node.dtotal)
    return Size(
        last.vcpus if vcpus is None else vcpus,
        ram_mib,
        last.disk_mib if disk_mib is None else disk_mib,  # also None where it keeps no disks
    )


def is_asked(node: Node) -> bool:
    """Whether the node can have instances. One that is marked offline offers nothing."""
    return node.vm_capable and not node.offline


def describe(node: Node, source: str, has: Size, groups: Mapping[str, str]) -> Resource:
    """A node as a resource.

    groups: uuid to name
    """
    details = {
        "group": groups.get(node.group or "", ""),
        "role": ROLES.get(node.role or "", node.role or ""),
    }
    return Resource(
        id=identity(source, node.uuid or node.name),
        kind="node",
        name=node.name,
        state=state(node),
        vcpus=has.vcpus,
        ram_bytes=has.ram_mib * MIB,
        disk_bytes=has.disk_mib * MIB,
        since_ms=moment(node.ctime),
        tags=tuple(node.tags),
        details={name: value for name, value in details.items() if value},
    )


def state(node: Node) -> State:
    if node.offline:
        return State.STOPPED
    if is_asked(node) and known(node.mtotal) is None:
        return State.UNKNOWN
    return State.PRESENT


def figures(node: Node) -> Iterator[tuple[Meter, float]]:
    """What the node said just now; nothing for what it did not say."""
    cpus = known(node.ctotal)
    if cpus is not None:
        yield meters.CPU_COUNT, cpus
    memory, disk = (node.mtotal, node.mfree), (node.dtotal, node.dfree)
    yield from _space(meters.MEMORY_TOTAL, meters.MEMORY_USED, *map(known, memory))
    yield from _space(meters.DISK_TOTAL, meters.DISK_USED, *map(known, disk))


def _space(
    whole: Meter, taken: Meter, total_mib: int | None, free_mib: int | None
) -> Iterator[tuple[Meter, float]]:
    if total_mib is None:
        return
    yield whole, total_mib * MIB
    if free_mib is not None:
        yield taken, max(total_mib - free_mib, 0) * MIB
