"""Institutions, projects, users, resources and their history."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from django.http import Http404, HttpRequest
from ninja import Query, Router

from meterhouse.inventory import reading
from meterhouse.inventory.facts import ResourceInfo, RevisionInfo
from meterhouse.inventory.finding import Wanted
from meterhouse.metering.errors import Mistake
from meterhouse.metering.snapshots import State
from meterhouse.web.api.shapes import (
    InstitutionOut,
    Listed,
    ProjectOut,
    ResourceOut,
    RevisionOut,
    UserOut,
)
from meterhouse.web.pages.names import Names, names_for
from meterhouse.web.pages.tables import moment, require_page

router = Router()
Item = TypeVar("Item")

Number = Annotated[int, Query(ge=1, le=1_000_000, description="Which page, from 1")]
Size = Annotated[int, Query(ge=1, le=1000, description="How many on a page")]


def paged(items: Sequence[Item], page: int, size: int) -> dict[str, Any]:
    """One page of a whole list. Raises Mistake for a page after the last."""
    require_page(page, size, len(items))
    start = (page - 1) * size
    pages = max(1, -(-len(items) // size))
    return {
        "items": items[start : start + size],
        "total": len(items),
        "page": page,
        "pages": pages,
    }


@router.get("institutions", response=Listed[InstitutionOut], summary="Institutions, by name")
def institutions(request: HttpRequest, page: Number = 1, size: Size = 100) -> dict[str, Any]:
    found = names_for(request).institutions.values()
    rows = [
        {"key": row.key, "name": row.name, "source": row.source, "ended": moment(row.ended_ms)}
        for row in found
    ]
    return paged(rows, page, size)


@router.get("projects", response=Listed[ProjectOut], summary="The project tree, parents first")
def projects(request: HttpRequest, page: Number = 1, size: Size = 100) -> dict[str, Any]:
    names = names_for(request)
    rows = [
        {
            "key": row.key,
            "name": row.name,
            "parent": names.projects[row.parent_id].key if row.parent_id else None,
            "path": list(row.path),
            "source": row.source,
            "ended": moment(row.ended_ms),
        }
        for row in names.projects.values()
    ]
    return paged(rows, page, size)


@router.get("users", response=Listed[UserOut], summary="Users, by name")
def users(request: HttpRequest, page: Number = 1, size: Size = 100) -> dict[str, Any]:
    rows = [
        {
            "key": row.key,
            "name": row.name,
            "email": row.email,
            "source": row.source,
            "ended": moment(row.ended_ms),
        }
        for row in names_for(request).users.values()
    ]
    return paged(rows, page, size)


@router.get("resources", response=Listed[ResourceOut], summary="Resources, by key")
def resources(
    request: HttpRequest,
    *,
    q: str = "",
    kind: str = "",
    source: str = "",
    project: str = "",
    state: State | None = None,
    ended: bool = False,
    page: Number = 1,
    size: Size = 100,
) -> dict[str, Any]:
    """``q``: part of name or key. ``project``: a key, sub-projects included. ``ended=true``: also
    what has ended.
    """
    names = names_for(request)
    wanted = Wanted(
        text=q,
        kind=kind,
        source=source,
        state=state,
        ended=ended,
        projects=_beneath(names, project) if project else None,
    )
    found = reading.resources(names.scope, wanted, order="key", page=page, size=size)
    require_page(page, size, found.total)
    items = [_resource(names, row) for row in found.rows]
    return {"items": items, "total": found.total, "page": page, "pages": found.pages}


@router.get("resources/{raw:key}/history", response=list[RevisionOut], summary="Whose it was")
def history(request: HttpRequest, key: str) -> list[dict[str, Any]]:
    """A resource's revisions that you may see, newest first."""
    names = names_for(request)
    found = reading.history(key, names.scope)
    if not found:
        raise Http404
    return [_revision(names, row) for row in found]


@router.get("resources/{raw:key}", response=ResourceOut, summary="One resource")
def resource(request: HttpRequest, key: str) -> dict[str, Any]:
    names = names_for(request)
    found = reading.resource(key, names.scope)
    if found is None:
        raise Http404
    return _resource(names, found)


def _beneath(names: Names, key: str) -> list[int]:
    found = next((row for row in names.projects.values() if row.key == key), None)
    if found is None:
        raise Mistake(f"project: {key!r}: there is no such project here, or none you may see")
    return [found.id, *(row.id for row in names.below(found))]


def _owner(names: Names, row: ResourceInfo | RevisionInfo) -> dict[str, Any]:
    project = names.projects.get(row.project_id or 0)
    user = names.users.get(row.user_id or 0)
    return {
        "state": row.state.value,
        "project": project.key if project else None,
        "user": user.key if user else None,
        "vcpus": row.vcpus,
        "ram_bytes": row.ram_bytes,
        "disk_bytes": row.disk_bytes,
        "details": dict(row.details),
        "source": row.source,
    }


def _resource(names: Names, row: ResourceInfo) -> dict[str, Any]:
    return {
        **_owner(names, row),
        "key": row.key,
        "kind": row.kind,
        "name": row.name,
        "tags": list(row.tags),
        "began": moment(row.began_ms),
        "ended": moment(row.ended_ms),
    }


def _revision(names: Names, row: RevisionInfo) -> dict[str, Any]:
    return {
        **_owner(names, row),
        "start": moment(row.start_ms),
        "end": moment(row.end_ms),
        "changed": list(row.changed),
    }
