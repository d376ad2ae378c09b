"""Where projects stand in the tree, since when."""

from collections.abc import Collection, Mapping
from itertools import pairwise

from django.db import connections

from meterhouse.inventory.facts import FOREVER, ParentRow, Tree
from meterhouse.inventory.models import Parent

_PARENTS = """
SELECT project_id, parent_id, start_ms, end_ms FROM inventory_parent
WHERE withdrawn_ms IS NULL AND start_ms < %s AND end_ms > %s
ORDER BY start_ms, id
"""


def parents_between(start_ms: int, end_ms: int, using: str = "default") -> list[ParentRow]:
    """What stood where at some moment between two, not clipped to them. One query."""
    with connections[using].cursor() as cursor:
        cursor.execute(_PARENTS, [end_ms, start_ms])
        return [ParentRow._make(row) for row in cursor.fetchall()]


def trees(
    projects: Collection[int], rows: Collection[ParentRow], start_ms: int, end_ms: int
) -> tuple[Tree, ...]:
    """The tree between two moments, cut where any project moves; at least one.

    projects: all there are; one that no row speaks of is at the top
    """
    edges = {edge for row in rows for edge in row[2:4]}
    inside = sorted(edge for edge in edges if start_ms < edge < end_ms)
    cuts = [start_ms, *inside, max(end_ms, start_ms)]
    return tuple(Tree(a, b, _at(projects, rows, a)) for a, b in pairwise(cuts))


def _at(
    projects: Collection[int], rows: Collection[ParentRow], at_ms: int
) -> dict[int, int | None]:
    found: dict[int, int | None] = dict.fromkeys(projects)
    for row in rows:
        if row.start_ms <= at_ms < row.end_ms and row.project_id in found:
            found[row.project_id] = row.parent_id if row.parent_id in found else None
    return found


def trees_ever(others: Collection[int] = (), using: str = "default") -> tuple[Tree, ...]:
    """The tree from 1970 on, the present one last. One query.

    others: projects of which nobody may have said yet where they stand: they are at the top
    """
    rows = parents_between(0, FOREVER, using)
    projects = {row.project_id for row in rows} | {row.parent_id for row in rows if row.parent_id}
    return trees(projects.union(others), rows, 0, FOREVER)


def move(places: Mapping[int, int | None], at_ms: int, *, first: Collection[int] = ()) -> None:
    """Note that projects stand below others from a moment on. At most four statements.

    places: project to parent, None for the top
    first:  those of which nothing was said before: they stand there since ever
    """
    lasting = Parent.objects.filter(end_ms=FOREVER, withdrawn_ms=None)
    standing = {row.project_id: row for row in lasting}
    ended, new = [], []
    for project, parent in places.items():
        row = standing.get(project)
        if row is not None and row.parent_id == parent:
            continue
        start = 0 if row is None and project in first else at_ms
        if row is not None:
            start = max(at_ms, row.start_ms)
            _end(row, at_ms)
            ended.append(row)
        new.append(Parent(project_id=project, parent_id=parent, start_ms=start))
    Parent.objects.bulk_update(ended, ["end_ms", "withdrawn_ms"], batch_size=500)
    Parent.objects.bulk_create(new, batch_size=500)


def _end(row: Parent, at_ms: int) -> None:
    """End a stretch; one that had not begun by then is withdrawn."""
    if row.start_ms < at_ms:
        row.end_ms = at_ms
    else:
        row.withdrawn_ms = at_ms
