"""Resources found by what they are, whose they are and what they are called, page by page."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.db import connections

from meterhouse.inventory.facts import FOREVER, ResourceInfo
from meterhouse.inventory.scope import Scope, among
from meterhouse.metering.snapshots import State

PAGE = 50

_COLUMNS = """
resource.id, resource.key, resource.kind, resource.name, listing.source, resource.tags,
revision.project_id, revision.user_id, revision.state, revision.vcpus, revision.ram_bytes,
revision.disk_bytes, revision.details,
(SELECT MIN(start_ms) FROM inventory_revision AS visible
  WHERE visible.resource_id = resource.id AND visible.listing_id = resource.listing_id
  AND {visible}),
revision.end_ms
"""

# The newest revision that may be seen stands for the resource.
_FOUND = """
FROM inventory_resource AS resource
JOIN inventory_listing AS listing ON listing.id = resource.listing_id
JOIN inventory_revision AS revision ON revision.id = (
  SELECT id FROM inventory_revision AS visible
  WHERE visible.resource_id = resource.id AND visible.listing_id = resource.listing_id
  AND {visible} ORDER BY start_ms DESC LIMIT 1)
WHERE {conditions}
"""

ORDERS = {
    "name": "LOWER(resource.name), resource.key",
    "key": "resource.key",
    "vcpus": "revision.vcpus DESC, resource.key",
    "ram": "revision.ram_bytes DESC, resource.key",
    "disk": "revision.disk_bytes DESC, resource.key",
    "newest": "revision.start_ms DESC, resource.key",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to look for; what is left out does not matter.

    text:       part of key or name, in whatever case
    projects:   ids of the projects it belongs to, all that count (with or without sub-projects)
    unassigned: only what belongs to no project
    ended:      True: also what has ended
    """

    text: str = ""
    key: str = ""
    kind: str = ""
    source: str = ""
    projects: Collection[int] | None = None
    user: int | None = None
    state: State | None = None
    unassigned: bool = False
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """total: how many there are on all pages."""

    rows: tuple[ResourceInfo, ...]
    total: int
    number: int
    size: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))


@dataclass(slots=True)
class _Conditions:
    sql: list[str] = field(default_factory=lambda: ["1 = 1"])
    given: list[Any] = field(default_factory=list)

    def add(self, sql: str, *given: object) -> None:
        self.sql.append(sql)
        self.given += given


def find(
    scope: Scope,
    wanted: Wanted,
    *,
    order: str = "name",
    page: int = 1,
    size: int = PAGE,
    using: str = "default",
) -> Page:
    """One page of the resources wanted, of those the scope has a revision of. Two queries."""
    conditions = _conditions(wanted)
    visible = scope.owns("visible.project_id", "visible.user_id")
    found = _FOUND.format(visible=visible, conditions=" AND ".join(conditions.sql))
    columns = _COLUMNS.format(visible=visible)
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) {found}", conditions.given)
        total = cursor.fetchone()[0]
        cursor.execute(
            f"SELECT {columns} {found} ORDER BY {ORDERS[order]} LIMIT %s OFFSET %s",
            [*conditions.given, size, (page - 1) * size],
        )
        rows = tuple(_info(row) for row in cursor.fetchall())
    return Page(rows, total, page, size)


def _conditions(wanted: Wanted) -> _Conditions:
    conditions = _Conditions()
    if wanted.text:
        like = f"%{_literal(wanted.text.lower())}%"
        sql = "(LOWER(resource.name) LIKE %s ESCAPE '!' OR LOWER(resource.key) LIKE %s ESCAPE '!')"
        conditions.add(sql, like, like)
    equal = {
        "resource.key": wanted.key,
        "resource.kind": wanted.kind,
        "listing.source": wanted.source,
        "revision.user_id": wanted.user,
        "revision.state": wanted.state.value if wanted.state else "",
    }
    for column, value in equal.items():
        if value not in ("", None):
            conditions.add(f"{column} = %s", value)
    if wanted.projects is not None:
        conditions.add(among("revision.project_id", wanted.projects))
    if wanted.unassigned:
        conditions.add("revision.project_id IS NULL")
    if not wanted.ended:
        conditions.add("revision.end_ms = %s", FOREVER)
    return conditions


def _literal(text: str) -> str:
    for special in "!%_":
        text = text.replace(special, f"!{special}")
    return text


def _info(row: tuple[Any, ...]) -> ResourceInfo:
    fields: list[Any] = list(row)
    fields[5] = tuple(msgspec.json.decode(row[5], type=list[str]))
    fields[8] = State(row[8])
    fields[12] = msgspec.json.decode(row[12], type=dict[str, str])
    return ResourceInfo(*fields)
