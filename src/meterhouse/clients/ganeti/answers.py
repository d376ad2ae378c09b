"""What RAPI answers, as far as it is of use here: unknown fields are passed over.

Sizes are MiB, times seconds since 1970. Figures that the nodes are asked for at every request are
None when a node did not answer; versions before 2.6 have "-" there, and lack some of the fields.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

MOST = 2**36
"""64 PiB in MiB, and more CPUs than there are: beyond it an answer is nonsense."""

Size = Annotated[int, Meta(ge=0, le=MOST)]
Moment = Annotated[float, Meta(ge=0, le=1e11)]
Live = Annotated[float, Meta(le=MOST)] | str | None  # text ("-", "?") stands for unknown


def known(figure: Live) -> int | None:
    """A figure of a node that answered, else None."""
    return int(figure) if isinstance(figure, float | int) and figure >= 0 else None


class Parameters(Struct, frozen=True, kw_only=True):
    """An instance's size. ``memory`` is what versions before 2.6 say for ``maxmem``."""

    vcpus: Size = 0
    maxmem: Size | None = None
    memory: Size = 0

    @property
    def ram_mib(self) -> int:
        return self.memory if self.maxmem is None else self.maxmem


class Instance(Struct, frozen=True, kw_only=True):
    """A virtual machine.

    disk_sizes: what its owner asked for
    disk_usage: what it takes up on one node; DRBD adds 128 MiB a disk for its own records
    snodes:     where DRBD mirrors it
    status:     "running", "ADMIN_down", "ERROR_nodedown", ...: what it does against what it should
    """

    name: str
    uuid: str = ""
    wanted: str | bool | None = field(default=None, name="admin_state")
    status: str | None = None
    pnode: str | None = None
    snodes: Sequence[str] = ()
    os: str | None = None
    disk_template: str | None = None
    disk_sizes: Sequence[Size] = field(default=(), name="disk.sizes")
    disk_usage: Size | None = None
    beparams: Parameters = Parameters()
    oper_state: bool | str | None = None
    oper_ram: Live = None
    oper_vcpus: Live = None
    ctime: Moment | None = None
    tags: Sequence[str] = ()

    @property
    def admin_state(self) -> str:
        """What it should do: "up", "down" or "offline"; before 2.6 a boolean."""
        if isinstance(self.wanted, str):
            return self.wanted
        return "up" if self.wanted else "down"


class Node(Struct, frozen=True, kw_only=True):
    """A physical machine.

    mtotal, mfree: memory; dtotal, dfree: the volume group or file storage; ctotal: CPUs
    role:          M master, C master candidate, R regular, D drained, O offline
    offline:       its administrators took it out of service; it is not asked anything
    vm_capable:    whether instances may run on it; if not, it is not asked for its size
    """

    name: str
    uuid: str = ""
    offline: bool = False
    vm_capable: bool = True
    role: str | None = None
    group: str | None = field(default=None, name="group.uuid")
    mtotal: Live = None
    mfree: Live = None
    dtotal: Live = None
    dfree: Live = None
    ctotal: Live = None
    ctime: Moment | None = None
    tags: Sequence[str] = ()


class Group(Struct, frozen=True, kw_only=True):
    """Nodes between which instances may move."""

    name: str
    uuid: str
    node_list: Sequence[str] = ()
    tags: Sequence[str] = ()


class Cluster(Struct, frozen=True, kw_only=True):
    """The cluster itself."""

    name: str
    software_version: str = ""
    master: str = ""
    enabled_hypervisors: Sequence[str] = ()
    tags: Sequence[str] = ()


class Refusal(Struct, frozen=True):
    """The body of every answer that is not 200. ``message`` is escaped as HTML."""

    message: str = ""
    explain: str = ""


INSTANCES = msgspec.json.Decoder(tuple[Instance, ...])
NODES = msgspec.json.Decoder(tuple[Node, ...])
GROUPS = msgspec.json.Decoder(tuple[Group, ...])
CLUSTER = msgspec.json.Decoder(Cluster)
REFUSAL = msgspec.json.Decoder(Refusal)
