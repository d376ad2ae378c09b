"""Resources found by what they are, whose they are and what they are called, page by page."""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
from django.db import connections

from meterhouse.inventory.facts import FOREVER, ResourceInfo
from meterhouse.inventory.scope import Scope, among
from meterhouse.metering.snapshots import State

PAGE = 50

# The newest revision that may be seen stands for the resource. Which one that is, is worked out
# for all resources at once: asked for each by itself, PostgreSQL without statistics takes minutes.
_FOUND = """
WITH newest AS (
  SELECT resource.id, MAX(visible.end_ms) AS end_ms
  FROM inventory_resource AS resource
  JOIN inventory_listing AS listing ON listing.id = resource.listing_id
  JOIN inventory_revision AS visible
    ON visible.resource_id = resource.id AND visible.listing_id = resource.listing_id
  WHERE {first}
  GROUP BY resource.id
)
SELECT {columns}
FROM newest
JOIN inventory_resource AS resource ON resource.id = newest.id
JOIN inventory_listing AS listing ON listing.id = resource.listing_id
JOIN inventory_revision AS revision
  ON revision.resource_id = newest.id AND revision.end_ms = newest.end_ms
  AND revision.listing_id = resource.listing_id
WHERE {then}
"""

_COLUMNS = """
resource.id, resource.key, resource.kind, resource.name, listing.source, resource.tags,
revision.project_id, revision.user_id, revision.state, revision.vcpus, revision.ram_bytes,
revision.disk_bytes, revision.details, revision.start_ms, revision.end_ms
"""

_BEGINNINGS = """
SELECT visible.resource_id, MIN(visible.start_ms)
FROM inventory_revision AS visible
JOIN inventory_resource AS resource
  ON resource.id = visible.resource_id AND resource.listing_id = visible.listing_id
WHERE {page} AND {visible}
GROUP BY visible.resource_id
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
    """SQL conditions joined by AND, and what their marks stand for."""

    parts: list[str]
    given: list[Any] = field(default_factory=list)

    def add(self, sql: str, *given: object) -> None:
        self.parts.append(sql)
        self.given += given

    def equal(self, **columns: object) -> "_Conditions":
        """Ask for equality where something is wanted; ``_`` stands for the column's dot."""
        for column, value in columns.items():
            if value not in ("", None):
                self.add(f"{column.replace('_', '.', 1)} = %s", value)
        return self

    @property
    def sql(self) -> str:
        return " AND ".join(self.parts)


def find(
    scope: Scope,
    wanted: Wanted,
    *,
    order: str = "name",
    page: int = 1,
    size: int = PAGE,
    using: str = "default",
) -> Page:
    """One page of the resources wanted, of those the scope has a revision of. Three queries.

    order: one of ORDERS
    """
    visible = scope.owns("visible.project_id", "visible.user_id")
    first, then = _which(wanted, visible), _how(wanted)
    found = partial(_FOUND.format, first=first.sql, then=then.sql)
    given = [*first.given, *then.given]
    place = f"ORDER BY {ORDERS[order]} LIMIT %s OFFSET %s"
    with connections[using].cursor() as cursor:
        cursor.execute(found(columns="COUNT(*)"), given)
        total = cursor.fetchone()[0]
        cursor.execute(found(columns=_COLUMNS) + place, [*given, size, (page - 1) * size])
        rows = cursor.fetchall()
        these = among("visible.resource_id", [row[0] for row in rows])
        cursor.execute(_BEGINNINGS.format(page=these, visible=visible))
        began = dict(cursor.fetchall())
    return Page(tuple(_info(row, began[row[0]]) for row in rows), total, page, size)


def _which(wanted: Wanted, visible: str) -> _Conditions:
    """Conditions on the resource, and on the revisions that may stand for it."""
    conditions = _Conditions([visible])
    if not wanted.ended:
        conditions.add("visible.end_ms = %s", FOREVER)
    if wanted.text:
        like = f"%{_literal(wanted.text.lower())}%"
        sql = "(LOWER(resource.name) LIKE %s ESCAPE '!' OR LOWER(resource.key) LIKE %s ESCAPE '!')"
        conditions.add(sql, like, like)
    return conditions.equal(
        resource_key=wanted.key, resource_kind=wanted.kind, listing_source=wanted.source
    )


def _how(wanted: Wanted) -> _Conditions:
    """Conditions on the revision that stands for the resource."""
    conditions = _Conditions(["1 = 1"])
    if wanted.projects is not None:
        conditions.add(among("revision.project_id", wanted.projects))
    if wanted.unassigned:
        conditions.add("revision.project_id IS NULL")
    return conditions.equal(
        revision_user_id=wanted.user, revision_state=wanted.state and wanted.state.value
    )


def _literal(text: str) -> str:
    for special in "!%_":
        text = text.replace(special, f"!{special}")
    return text


def _info(row: tuple[Any, ...], began_ms: int) -> ResourceInfo:
    fields: list[Any] = list(row)
    fields[5] = tuple(msgspec.json.decode(row[5], type=list[str]))
    fields[8] = State(row[8])
    fields[12] = msgspec.json.decode(row[12], type=dict[str, str])
    fields[13] = began_ms
    return ResourceInfo(*fields)
