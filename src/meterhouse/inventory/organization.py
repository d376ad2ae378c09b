"""Snapshots of institutions, projects and users become rows, memberships and shares."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from meterhouse.inventory import discovery, places, tree
from meterhouse.inventory.facts import FOREVER
from meterhouse.inventory.ledger import MEMBERSHIPS, SHARES, Key, observe
from meterhouse.inventory.models import Institution, Listing, Parent, Project, User
from meterhouse.inventory.runs import Moment, Seen
from meterhouse.metering import snapshots
from meterhouse.metering.snapshots import Snapshot

ListedT = TypeVar("ListedT", snapshots.Institution, snapshots.Project, snapshots.User)


def _once(snapshot: Snapshot, what: type[ListedT]) -> list[ListedT]:
    """The objects of a snapshot; of one that is there twice (pages overlap), the last."""
    return list({each.id: each for each in snapshot.objects if isinstance(each, what)}.values())


def keep_institutions(snapshot: Snapshot, listing: Listing, moment: Moment) -> list[str]:
    listed = _once(snapshot, snapshots.Institution)
    discovery.register(Institution, snapshot.source, listed, moment)
    return []


def keep_projects(snapshot: Snapshot, listing: Listing, moment: Moment) -> list[str]:
    """Keep projects, their places in the tree, and their shares. Returns what was wrong."""
    listed = _parents_first(_once(snapshot, snapshots.Project))
    rows = discovery.register(Project, snapshot.source, listed, moment)
    problems = _place(snapshot.source, listed, rows, moment)
    funders = {institution for each in listed for institution in each.shares}
    institutions = discovery.refer(Institution, snapshot.source, funders)
    seen: dict[Key, Seen] = {
        (rows[each.id].pk, institutions[institution]): Seen((weight,))
        for each in listed
        for institution, weight in each.shares.items()
        if weight > 0
    }
    there = {rows[each.id].pk for each in listed}
    observe(SHARES, listing.pk, moment, seen, lambda key: moment.complete or key[0] in there)
    return problems


def _parents_first(listed: Sequence[snapshots.Project]) -> list[snapshots.Project]:
    """In an order in which keys can be made; those in a circle last."""
    by_id = {each.id: each for each in listed}
    order, stuck = tree.parents_first({each.id: each.parent or None for each in listed})
    return [by_id[each] for each in (*order, *sorted(stuck))]


def _place(
    source: str,
    listed: Sequence[snapshots.Project],
    rows: Mapping[str, Project],
    moment: Moment,
) -> list[str]:
    """Put projects under their parents. The newest list decides; what is declared stays put."""
    above = discovery.refer(Project, source, {each.parent for each in listed})
    ids = above | {external: row.pk for external, row in rows.items()}
    fresh = _never_placed(row.pk for row in rows.values())
    wanted = {}
    for each in listed:
        row, parent = rows[each.id], ids.get(each.parent)
        movable = moment.after == FOREVER or row.parent_id is None
        moves_now = row.parent_id != parent or row.pk in fresh
        if moves_now and movable and not row.declared:
            wanted[row.pk] = parent
    if not wanted:
        return []
    parents = dict(Project.objects.values_list("id", "parent_id"))
    moves, left = tree.without_circles(parents, wanted)
    moved = [Project(id=project, parent_id=parent) for project, parent in moves.items()]
    Project.objects.bulk_update(moved, ["parent"], batch_size=500)
    places.move(moves, moment.at_ms, first=fresh)
    names = sorted(row.key for row in rows.values() if row.pk in left)
    return [f'project "{name}" was left in its place: its parent is below it' for name in names]


def _never_placed(projects: Iterable[int]) -> set[int]:
    """Those of which nobody has said yet where they stand: new, or only referred to so far."""
    return set(projects) - set(Parent.objects.values_list("project_id", flat=True))


def keep_users(snapshot: Snapshot, listing: Listing, moment: Moment) -> list[str]:
    listed = _once(snapshot, snapshots.User)
    rows = discovery.register(User, snapshot.source, listed, moment)
    projects = discovery.refer(
        Project, snapshot.source, {project for each in listed for project in each.projects}
    )
    seen: dict[Key, Seen] = {
        (rows[each.id].pk, projects[project]): Seen(("member",))
        for each in listed
        for project in each.projects
        if project
    }
    there = {rows[each.id].pk for each in listed}
    observe(MEMBERSHIPS, listing.pk, moment, seen, lambda key: moment.complete or key[0] in there)
    return []
