"""An instance as a resource: its size is what its owner asked for, running or not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from meterhouse.clients.ganeti.answers import Instance, known
from meterhouse.metering import meters
from meterhouse.metering.meters import Meter
from meterhouse.metering.snapshots import Resource, State

MIB = 1024 * 1024

STATES = {
    "running": State.RUNNING,
    "ADMIN_down": State.STOPPED,
    "ADMIN_offline": State.STOPPED,
    "USER_down": State.STOPPED,
    "ERROR_down": State.ERROR,  # should run, does not
    "ERROR_up": State.ERROR,  # runs, should not
    "ERROR_wrongnode": State.ERROR,
}
"""What is not here says nothing of the instance: ERROR_nodedown, ERROR_nodeoffline."""


@dataclass(frozen=True, slots=True)
class Owners:
    """Which tags say whose an instance is: what follows these prefixes. "" looks for none."""

    project_tag: str
    user_tag: str


def describe(instance: Instance, source: str, owners: Owners, hypervisor: str) -> Resource:
    return Resource(
        id=identity(source, instance.uuid or instance.name),
        kind="instance",
        name=instance.name,
        project=tagged(instance.tags, owners.project_tag),
        user=tagged(instance.tags, owners.user_tag),
        state=state(instance),
        vcpus=instance.beparams.vcpus,
        ram_bytes=instance.beparams.ram_mib * MIB,
        disk_bytes=sum(instance.disk_sizes) * MIB,
        since_ms=moment(instance.ctime),
        tags=tuple(instance.tags),
        details=dict(_details(instance, hypervisor)),
    )


def _details(instance: Instance, hypervisor: str) -> Iterator[tuple[str, str]]:
    """What lasts: a detail that changes starts a new revision."""
    lasting = {
        "node": instance.pnode,
        "secondary_nodes": ", ".join(instance.snodes),
        "os": instance.os,
        "hypervisor": hypervisor,
        "disk_template": instance.disk_template,
        "disk_usage": instance.disk_usage and f"{instance.disk_usage} MiB",
    }
    for name, value in lasting.items():
        if value:
            yield name, str(value)


def figures(instance: Instance) -> Iterator[tuple[Meter, float]]:
    """What its hypervisor gives it at present; nothing if it does not run or nobody knows."""
    ram_mib, vcpus = known(instance.oper_ram), known(instance.oper_vcpus)
    if ram_mib is not None:
        yield meters.MEMORY_TOTAL, ram_mib * MIB
    if vcpus is not None:
        yield meters.CPU_COUNT, vcpus


def state(instance: Instance) -> State:
    """What it does; what it should do where its node does not tell.

    An instance that was stopped reads ERROR_nodedown as well while its node is down, and stays
    stopped: it is not started elsewhere.
    """
    found = STATES.get(instance.status or "")
    if found:
        return found
    return State.UNKNOWN if instance.admin_state == "up" else State.STOPPED


def tagged(tags: Sequence[str], prefix: str) -> str:
    """What the tags say after a prefix; "" if no tag says it, or two say different things."""
    said = {tag.removeprefix(prefix) for tag in tags if prefix and tag.startswith(prefix)}
    return said.pop() if len(said) == 1 else ""


def identity(source: str, own: str) -> str:
    return f"{source}/{own}"


def moment(seconds: float | None) -> int:
    """Milliseconds since 1970; 0 where the cluster does not say."""
    return int((seconds or 0) * 1000)
