"""What exists: all objects of one kind that one source listed at one moment.

Usage of what exists comes from these; an object that a complete snapshot lacks has ended,
one that a partial snapshot lacks has not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """What an instance was doing, in words common to Ganeti and OpenStack."""

    RUNNING = "running"
    STOPPED = "stopped"  # its owner stopped it
    PAUSED = "paused"
    SHELVED = "shelved"  # its resources were given back, its disk kept
    ERROR = "error"  # it should run and does not
    UNKNOWN = "unknown"  # the source cannot tell at present (a node is down)
    PRESENT = "present"  # for what neither runs nor stops: nodes, volumes, addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Institution:
    """An institution as a source knows it. ``id`` is what others refer to it by."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project as a source knows it. ``parent`` is the id of another project, "" at the top.

    shares: institution id to weight, where the source knows who funds the project
    """

    id: str
    name: str
    parent: str = ""
    shares: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person as a source knows them. projects: ids of the projects they belong to."""

    id: str
    name: str
    email: str = ""
    projects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Anything that is metered: instance, node, volume, outlet, database.

    id:       as samples name it, unique in the whole house: "<source>/<the source's own id>"
    project:  id of the owning project, "" if the source does not know
    user:     id of the responsible user, "" if the source does not know
    vcpus, ram_bytes, disk_bytes: its size; 0 where the kind has none
    since_ms: when the source says it was made (milliseconds since 1970), 0 if it does not say
    tags:     as the source has them; ownership rules look here
    details:  what else is worth keeping and showing (flavor, node, OS): text to text
    """

    id: str
    kind: str
    name: str
    project: str = ""
    user: str = ""
    state: State = State.PRESENT
    vcpus: int = 0
    ram_bytes: int = 0
    disk_bytes: int = 0
    since_ms: int = 0
    tags: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)


SnapshotObject = Institution | Project | User | Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All objects of one kind that one source listed at one moment.

    source:   the source's configured name; ids of institutions, projects and users are its own
    kind:     "institution", "project", "user", or a kind of resource: "instance", "node", ...
    at_ms:    when the list was taken, milliseconds since 1970
    complete: False if the list may lack something (a page failed, a node did not answer): then
              nothing ends because it is missing
    """

    source: str
    kind: str
    at_ms: int
    complete: bool
    objects: tuple[SnapshotObject, ...]
