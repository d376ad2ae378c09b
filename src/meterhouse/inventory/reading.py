"""The one door to the inventory for those who read: frozen values, each within a scope."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec
from django.db import connections

from meterhouse.inventory import moments, terms_between
from meterhouse.inventory.facts import (
    FOREVER,
    CarbonRow,
    FeedRow,
    IdleRow,
    InstitutionInfo,
    ListingInfo,
    MembershipInfo,
    PriceRow,
    ProjectInfo,
    ResourceInfo,
    RevisionInfo,
    RevisionRow,
    RevisionTuple,
    ShareRow,
    Tree,
    UserInfo,
    Watch,
)
from meterhouse.inventory.finding import Page, Wanted, find
from meterhouse.inventory.models import Institution, Membership, Project, User
from meterhouse.inventory.places import parents_between, trees
from meterhouse.inventory.scope import Scope, among
from meterhouse.inventory.shares import shares_between
from meterhouse.inventory.staying import Marks
from meterhouse.inventory.tree import parents_first
from meterhouse.metering.periods import Period
from meterhouse.metering.snapshots import State

EVERYTHING = Scope.all()
ROWS_AT_ONCE = 1000
STATES = {state.value: state for state in State}


def projects(scope: Scope, using: str = "default") -> tuple[ProjectInfo, ...]:
    """The project tree: each after its parent, siblings by name. One query.

    Somebody who may see a project but not its parent sees it at the top.
    """
    rows = Project.objects.using(using)
    found = {row.pk: row for row in rows if scope.everything or row.pk in scope.projects}
    by_name = sorted(found.values(), key=lambda row: (row.name.casefold(), row.key))
    parents = {row.pk: row.parent_id if row.parent_id in found else None for row in by_name}
    infos: dict[int, ProjectInfo] = {}
    for project in _depth_first(parents):
        infos[project] = _project(found[project], infos.get(parents[project] or 0))
    return tuple(infos.values())


def _depth_first(parents: dict[int, int | None]) -> Iterator[int]:
    below: dict[int | None, list[int]] = {}
    for project in parents_first(parents)[0]:
        below.setdefault(parents[project], []).append(project)
    waiting = below.get(None, [])[::-1]
    while waiting:
        project = waiting.pop()
        yield project
        waiting += below.get(project, [])[::-1]


def _project(row: Project, parent: ProjectInfo | None) -> ProjectInfo:
    return ProjectInfo(
        row.pk,
        row.key,
        row.name,
        parent.id if parent else None,
        (*parent.path, row.name) if parent else (row.name,),
        (*parent.ancestors, parent.id) if parent else (),
        row.source,
        row.external_id,
        row.ended_ms,
    )


def institutions(scope: Scope, using: str = "default") -> tuple[InstitutionInfo, ...]:
    """Institutions by name: those in the scope, and who ever funded a project in it."""
    rows = Institution.objects.using(using).order_by("name", "key")
    payers: set[int] = set()
    if not scope.everything:
        payers = {share.institution_id for share in shares(scope, using)} | scope.institutions
    return tuple(
        InstitutionInfo(row.pk, row.key, row.name, row.source, row.ended_ms)
        for row in rows
        if scope.everything or row.pk in payers
    )


_ENGAGED = """
SELECT user_id FROM inventory_membership WHERE withdrawn_ms IS NULL AND {inside}
UNION SELECT user_id FROM inventory_revision WHERE {inside}
"""


def users(scope: Scope, using: str = "default") -> tuple[UserInfo, ...]:
    """Users by name: those in the scope, and who ever was in, or ran something in, a project."""
    engaged: set[int] = set()
    if not scope.everything:
        inside = among("project_id", scope.projects)
        with connections[using].cursor() as cursor:
            cursor.execute(_ENGAGED.format(inside=inside))
            engaged = {row[0] for row in cursor.fetchall()} | scope.users
    rows = User.objects.using(using).order_by("name", "key")
    return tuple(
        UserInfo(row.pk, row.key, row.name, row.email, row.source, row.ended_ms)
        for row in rows
        if scope.everything or row.pk in engaged
    )


def memberships(scope: Scope, using: str = "default") -> tuple[MembershipInfo, ...]:
    """Who was in which project when, oldest first."""
    rows = Membership.objects.using(using).filter(withdrawn_ms=None)
    return tuple(
        MembershipInfo(row.user_id, row.project_id, row.role, row.start_ms, row.end_ms)
        for row in rows.order_by("start_ms", "id")
        if scope.everything or row.project_id in scope.projects or row.user_id in scope.users
    )


def shares(scope: Scope, using: str = "default") -> tuple[ShareRow, ...]:
    """All dated shares of the projects in the scope, by project, oldest first."""
    return tuple(_in_scope(shares_between(0, FOREVER, using), scope))


def shares_in(
    period: Period, using: str = "default", *, scope: Scope = EVERYTHING
) -> tuple[ShareRow, ...]:
    """The shares that hold in a period, clipped to it."""
    start, end = period.start_ms, period.end_ms
    found = _in_scope(shares_between(start, end, using), scope)
    return tuple(
        share._replace(start_ms=max(share.start_ms, start), end_ms=min(share.end_ms, end))
        for share in found
    )


def _in_scope(found: list[ShareRow], scope: Scope) -> Iterator[ShareRow]:
    ordered = sorted(found, key=lambda share: (share.project_id, share.start_ms, share))
    return (each for each in ordered if scope.everything or each.project_id in scope.projects)


def trees_in(
    period: Period, projects: Collection[int], using: str = "default"
) -> tuple[Tree, ...]:
    """The tree of the projects in a period, cut where one moves; at least one. One query."""
    start, end = period.start_ms, max(period.end_ms, period.start_ms + 1)
    return trees(projects, parents_between(start, end, using), start, period.end_ms)


def tariff_in(
    period: Period, using: str = "default"
) -> tuple[tuple[PriceRow, ...], tuple[CarbonRow, ...]]:
    """The prices and carbon factors that hold at some moment of a period, not clipped to it."""
    return terms_between.tariff(period.start_ms, period.end_ms, using)


def feeds_in(period: Period, using: str = "default") -> tuple[FeedRow, ...]:
    """The declared feeds that hold at some moment of a period, not clipped to it."""
    return tuple(terms_between.feeds(period.start_ms, period.end_ms, using))


def idle_in(period: Period, using: str = "default") -> tuple[IdleRow, ...]:
    """The declared idle powers that hold at some moment of a period, not clipped to it."""
    return tuple(terms_between.idle(period.start_ms, period.end_ms, using))


def resources(
    scope: Scope,
    wanted: Wanted | None = None,
    *,
    order: str = "name",
    page: int = 1,
    size: int = 50,
    using: str = "default",
) -> Page:
    """A page of resources, each with the newest of its revisions that may be seen."""
    return find(scope, wanted or Wanted(), order=order, page=page, size=size, using=using)


def resource(key: str, scope: Scope, using: str = "default") -> ResourceInfo | None:
    """One resource, ended or not; None if there is none or it is not for this person."""
    return next(iter(find(scope, Wanted(key=key, ended=True), using=using).rows), None)


_NAMES = "SELECT key, name FROM inventory_resource AS resource WHERE {kinds}"


def resource_names(using: str = "default", *, kinds: Sequence[str] = ()) -> dict[str, str]:
    """Key to name of every resource there ever was, for whom only keys in a scope are shown to.

    kinds: only these, if any are given
    """
    with connections[using].cursor() as cursor:
        cursor.execute(_NAMES.format(kinds=_kinds(kinds)), list(kinds))
        return dict(cursor.fetchall())


_MARKS = "SELECT id, mark FROM inventory_listing WHERE {kinds} ORDER BY id"


def marks(using: str = "default", *, kinds: Sequence[str] = ()) -> Marks:
    """What is another whenever the names or revisions of resources change. One short query.

    kinds: only of these, if any are given

    Ask before what depends on them is read: what is kept is then never older than its marks.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(_MARKS.format(kinds=_kinds(kinds, column="kind")), list(kinds))
        return tuple(cursor.fetchall())


_KEYS = """
SELECT DISTINCT resource.key FROM inventory_resource AS resource
JOIN inventory_revision AS revision ON revision.resource_id = resource.id
WHERE {mine} AND {lasting}
"""


def resource_keys(scope: Scope, *, ended: bool = False, using: str = "default") -> frozenset[str]:
    """Keys of the resources that are the scope's now, or (``ended``) ever were.

    Of a resource that several sources list, one that says so is enough.
    """
    mine = scope.owns("revision.project_id", "revision.user_id")
    lasting = "1 = 1" if ended else f"revision.end_ms = {FOREVER}"
    with connections[using].cursor() as cursor:
        cursor.execute(_KEYS.format(mine=mine, lasting=lasting))
        return frozenset(row[0] for row in cursor.fetchall())


_STRETCHES = """
SELECT resource.key, revision.start_ms, revision.end_ms
FROM inventory_revision AS revision
JOIN inventory_resource AS resource ON resource.id = revision.resource_id
WHERE revision.end_ms > %s AND revision.start_ms < %s AND {visible}
ORDER BY resource.key, revision.start_ms
"""


def stretches(
    period: Period, scope: Scope, using: str = "default"
) -> dict[str, list[tuple[int, int]]]:
    """From key to when in a period a resource was the scope's (milliseconds), by any source.

    In order of time, none touching the next. One query.
    """
    visible = scope.owns("revision.project_id", "revision.user_id")
    found: dict[str, list[tuple[int, int]]] = {}
    with connections[using].cursor() as cursor:
        cursor.execute(_STRETCHES.format(visible=visible), [period.start_ms, period.end_ms])
        for key, start, end in cursor.fetchall():
            mine = found.setdefault(key, [])
            if mine and start <= mine[-1][1]:
                mine[-1] = (mine[-1][0], max(mine[-1][1], end))
            else:
                mine.append((start, end))
    return found


_HISTORY = """
SELECT revision.id, listing.source, revision.start_ms, revision.end_ms, revision.project_id,
  revision.user_id, revision.state, revision.vcpus, revision.ram_bytes, revision.disk_bytes,
  revision.details
FROM inventory_revision AS revision
JOIN inventory_resource AS resource ON resource.id = revision.resource_id
JOIN inventory_listing AS listing ON listing.id = revision.listing_id
WHERE resource.key = %s AND {visible}
ORDER BY listing.source, revision.start_ms
"""

_SHOWN = ("project", "user", "state", "vcpus", "ram", "disk", "details")


def history(key: str, scope: Scope, using: str = "default") -> tuple[RevisionInfo, ...]:
    """A resource's revisions, newest first, with what changed; of each source that lists it."""
    visible = scope.owns("revision.project_id", "revision.user_id")
    with connections[using].cursor() as cursor:
        cursor.execute(_HISTORY.format(visible=visible), [key])
        rows = cursor.fetchall()
    infos = [_revision(row, before) for before, row in zip([None, *rows], rows, strict=False)]
    return tuple(sorted(infos, key=lambda info: info.start_ms, reverse=True))


def _revision(row: tuple[Any, ...], before: tuple[Any, ...] | None) -> RevisionInfo:
    fields: list[Any] = [*row, _changed(row, before)]
    fields[6] = State(row[6])
    fields[10] = msgspec.json.decode(row[10], type=dict[str, str])
    return RevisionInfo(*fields)


def _changed(row: tuple[Any, ...], before: tuple[Any, ...] | None) -> tuple[str, ...]:
    if before is None or before[1] != row[1]:
        return ()
    gone = ("gone",) if before[3] < row[2] else ()
    pairs = zip(_SHOWN, before[4:], row[4:], strict=True)
    return (*gone, *(name for name, old, new in pairs if old != new))


_REVISIONS = """
SELECT revision.resource_id, resource.key, resource.kind, revision.project_id, revision.user_id,
  revision.state, revision.vcpus, revision.ram_bytes, revision.disk_bytes,
  CASE WHEN revision.start_ms < %s THEN %s ELSE revision.start_ms END,
  CASE WHEN revision.end_ms > %s THEN %s ELSE revision.end_ms END,
  listing.source, revision.details
FROM inventory_revision AS revision
JOIN inventory_resource AS resource
  ON resource.id = revision.resource_id AND resource.listing_id = revision.listing_id
JOIN inventory_listing AS listing ON listing.id = revision.listing_id
WHERE revision.end_ms > %s AND revision.start_ms < %s AND {visible} AND {kinds}
"""


def revisions(
    period: Period,
    using: str = "default",
    *,
    scope: Scope = EVERYTHING,
    kinds: Sequence[str] = (),
) -> Iterator[RevisionRow]:
    """What existed in a period, clipped to it, in no particular order. One query.

    kinds: only these, if any are given

    Of a resource that several sources list, the revisions of the one that listed it first.
    """
    for rows in revision_tuples(period, using, scope=scope, kinds=kinds):
        for row in rows:
            yield RevisionRow._make((*row[:5], STATES[row[5]], *row[6:]))


def revision_tuples(
    period: Period,
    using: str = "default",
    *,
    scope: Scope = EVERYTHING,
    kinds: Sequence[str] = (),
) -> Iterator[Sequence[RevisionTuple]]:
    """The same as plain tuples, many at a time, for who makes columns of them."""
    start, end = period.start_ms, period.end_ms
    visible = scope.owns("revision.project_id", "revision.user_id")
    with connections[using].cursor() as cursor:
        given: list[int | str] = [start, start, end, end, start, end, *kinds]
        cursor.execute(_REVISIONS.format(visible=visible, kinds=_kinds(kinds)), given)
        # A part at a time: rows that live only shortly cost the garbage collector nothing.
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows


def _kinds(kinds: Sequence[str], *, column: str = "resource.kind") -> str:
    return f"{column} IN ({', '.join(['%s'] * len(kinds))})" if kinds else "1 = 1"


def sightings(
    period: Period, using: str = "default", *, scope: Scope = EVERYTHING
) -> tuple[Watch, ...]:
    """How each source watched each kind: the gaps that no complete snapshot stands for.

    Within a scope: of the sources that list something in it.
    """
    found = moments.watches(period, using)
    if scope.everything:
        return found
    listed = {(row.source, row.kind) for row in revisions(period, using, scope=scope)}
    return tuple(watch for watch in found if (watch.source, watch.kind) in listed)


def listings(scope: Scope, using: str = "default") -> tuple[ListingInfo, ...]:
    """How each source's lists have come so far; for those who see everything, as it names all."""
    return moments.listings(using) if scope.everything else ()
