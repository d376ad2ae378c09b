"""What this room hands out: frozen values, no rows. Moments are milliseconds since 1970, UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from meterhouse.metering.snapshots import State

FOREVER = 2**63 - 1
"""The end of what has not ended."""


@dataclass(frozen=True, slots=True)
class InstitutionInfo:
    """ended_ms: FOREVER while it is there."""

    id: int
    key: str
    name: str
    source: str = ""
    ended_ms: int = FOREVER


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """One project of the tree, as somebody is allowed to see it.

    parent_id: None at the top, and where the parent is not for this person to see
    path:      names from the top down to its own: ("Debian", "CD images")
    ancestors: ids from the top down to its parent
    depth:     how many ancestors
    """

    id: int
    key: str
    name: str
    parent_id: int | None
    path: tuple[str, ...]
    ancestors: tuple[int, ...] = ()
    source: str = ""
    external_id: str = ""
    ended_ms: int = FOREVER

    @property
    def depth(self) -> int:
        return len(self.ancestors)


@dataclass(frozen=True, slots=True)
class UserInfo:
    id: int
    key: str
    name: str
    email: str = ""
    source: str = ""
    ended_ms: int = FOREVER


@dataclass(frozen=True, slots=True)
class MembershipInfo:
    user_id: int
    project_id: int
    role: str
    start_ms: int
    end_ms: int


class ShareRow(NamedTuple):
    """An institution's weight in a project, from ``start_ms`` until ``end_ms``."""

    project_id: int
    institution_id: int
    weight: int
    start_ms: int
    end_ms: int


class ParentRow(NamedTuple):
    """A project was below another, None for the top, from ``start_ms`` until ``end_ms``."""

    project_id: int
    parent_id: int | None
    start_ms: int
    end_ms: int


class Tree(NamedTuple):
    """Project to the project above it, None at the top, from a moment until another."""

    start_ms: int
    end_ms: int
    parents: Mapping[int, int | None]


class PriceRow(NamedTuple):
    """What a kilowatt-hour costs, from ``start_ms`` until ``end_ms``."""

    per_kwh: Decimal
    currency: str
    start_ms: int
    end_ms: int


class CarbonRow(NamedTuple):
    """Grams of CO2e that a kilowatt-hour stands for. source: who says so, "" if not told."""

    g_per_kwh: Decimal
    source: str
    start_ms: int
    end_ms: int


class FeedRow(NamedTuple):
    """A declared feed: outlet and node by key or name."""

    outlet: str
    node: str
    start_ms: int
    end_ms: int


class IdleRow(NamedTuple):
    """What a node, by key or name, draws when nothing runs on it."""

    node: str
    watts: Decimal
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class ResourceInfo:
    """A resource and the newest of its revisions that the person may see.

    began_ms: start of the first revision they may see
    ended_ms: end of the newest; FOREVER while it lasts
    """

    id: int
    key: str
    kind: str
    name: str
    source: str
    tags: tuple[str, ...]
    project_id: int | None
    user_id: int | None
    state: State
    vcpus: int
    ram_bytes: int
    disk_bytes: int
    details: Mapping[str, str]
    began_ms: int
    ended_ms: int


@dataclass(frozen=True, slots=True)
class RevisionInfo:
    """One line of a resource's history.

    changed: what differs from the revision before, in words: ("project", "state"); empty for
             the first; ("gone",) begins the list after a gap
    """

    id: int
    source: str
    start_ms: int
    end_ms: int
    project_id: int | None
    user_id: int | None
    state: State
    vcpus: int
    ram_bytes: int
    disk_bytes: int
    details: Mapping[str, str]
    changed: tuple[str, ...]


class RevisionRow(NamedTuple):
    """A revision, clipped to the period that was asked for. project, user: None if nobody's.

    details: a JSON object of texts
    """

    resource_id: int
    resource_key: str
    kind: str
    project_id: int | None
    user_id: int | None
    state: State
    vcpus: int
    ram_bytes: int
    disk_bytes: int
    start_ms: int
    end_ms: int
    source: str
    details: str = "{}"


RevisionTuple = tuple[Any, ...]
"""The fields of a RevisionRow in their order; the state may be its plain text."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How one source watched one kind in a period.

    gaps:     (start_ms, end_ms) of the stretches no complete snapshot stands for, oldest first
    begun_ms: when it was watched for the first time ever; 0 if that is before the period
    """

    source: str
    kind: str
    gaps: tuple[tuple[int, int], ...]
    begun_ms: int = 0


@dataclass(frozen=True, slots=True)
class ListingInfo:
    """How the lists of one kind by one source have come so far.

    last_ms:  when the last complete one was taken; None if there was none
    repeated: complete ones that came again and were dropped
    late:     ones that came after a later one and were worked into the history
    problem:  what was wrong with the newest, in one line; "" when nothing was
    """

    source: str
    kind: str
    last_ms: int | None
    repeated: int
    late: int
    problem: str
