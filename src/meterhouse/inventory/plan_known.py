"""Plans what becomes of declared institutions, projects and users."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from meterhouse.inventory import places
from meterhouse.inventory.declared import DeclaredProject, DeclaredUser, Named
from meterhouse.inventory.discovery import KnownT
from meterhouse.inventory.facts import FOREVER
from meterhouse.inventory.house import Findings, Shelf, Step
from meterhouse.inventory.models import (
    Known,
    Membership,
    OwnershipRule,
    Parent,
    Project,
    Revision,
    Share,
)
from meterhouse.inventory.plan_steps import moment
from meterhouse.inventory.tree import parents_first


def plan_known(shelf: Shelf[KnownT], declared: Sequence[Named], findings: Findings) -> list[Step]:
    """Plan everything but places in the tree. Returns the removals: steps for the very end."""
    for each in declared:
        mine, adopted = shelf.match(each)
        if mine is not None and mine.source and each.source and mine is not adopted:
            findings.flaw(each.where, f"is {mine.external_id} of {mine.source} already")
        elif mine is not None:
            if adopted is not None and adopted is not mine:
                _merge(shelf, mine, adopted, findings)
            _change(shelf, mine, each, findings)
        elif adopted is not None:
            _change(shelf, adopted, each, findings)
        else:
            _create(shelf, each, findings)
    return _removals(shelf, {each.key for each in declared}, findings)


def _create(shelf: Shelf[KnownT], declared: Named, findings: Findings) -> None:
    name = declared.name or declared.key.rpartition("/")[2]
    row = shelf.model(declared=True, **(_fields(declared) | {"name": name}))
    shelf.after[declared.key] = row
    parent = declared.new_parent if isinstance(declared, DeclaredProject) else ""
    above = f" (parent {parent})" if parent else ""
    findings.step(f'+ {shelf.word} {declared.key} "{name}"{above}', row.save)


def _fields(declared: Named) -> dict[str, Any]:
    """What the file says of it."""
    fields = {
        "key": declared.key,
        "name": declared.name,
        "source": declared.source,
        "external_id": declared.external_id,
        "email": declared.email if isinstance(declared, DeclaredUser) else "",
    }
    return {name: value for name, value in fields.items() if value}


def _change(shelf: Shelf[KnownT], row: KnownT, declared: Named, findings: Findings) -> None:
    if shelf.after.get(row.key) is row:
        del shelf.after[row.key]
    shelf.after[declared.key] = row
    wanted = _fields(declared) | {"declared": True, "ended_ms": FOREVER}
    changes = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if changes:
        told = [_told(row, name, value) for name, value in changes.items()]
        findings.step(f"~ {shelf.word} {row.key}: {', '.join(told)}", lambda: _set(row, changes))


def _told(row: Known, name: str, value: object) -> str:
    if name == "declared":
        return f"found by {row.source}, now declared" if row.source else "declared again"
    if name == "ended_ms":
        return "no longer ended"
    return f"{name} {getattr(row, name) or 'none'} -> {value or 'none'}"


def _set(row: Known, changes: Mapping[str, object]) -> None:
    for name, value in changes.items():
        setattr(row, name, value)
    row.save()


def _merge(shelf: Shelf[KnownT], mine: KnownT, adopted: KnownT, findings: Findings) -> None:
    """Two rows turn out to be the same: everything of the discovered one becomes the other's."""
    del shelf.after[adopted.key]
    shelf.same[adopted.pk] = mine.pk
    line = f"~ {shelf.word} {mine.key}: takes over all of {adopted.key}"
    findings.step(line, lambda: _take_over(mine, adopted))


REFERENCES: tuple[tuple[type[Any], str, str], ...] = (
    (Revision, "project", "project"),
    (Revision, "user", "user"),
    (Membership, "project", "project"),
    (Membership, "user", "user"),
    (Share, "project", "project"),
    (Share, "institution", "institution"),
    (OwnershipRule, "project", "project"),
    (OwnershipRule, "user", "user"),
    (Project, "parent", "project"),
    (Parent, "parent", "project"),
)
"""Everything that points at an institution, project or user: table, column, at what."""


def _references(row: Known) -> list[tuple[type[Any], str]]:
    word = type(row).__name__.lower()
    return [(model, column) for model, column, at in REFERENCES if at == word]


def _take_over(mine: Known, adopted: Known) -> None:
    for model, column in _references(adopted):
        model.objects.filter(**{column: adopted}).update(**{column: mine})
    if isinstance(mine, Project):
        Parent.objects.filter(project=mine, parent=mine).update(parent=None)
    adopted.delete()


def plan_places(
    shelf: Shelf[Project], declared: Sequence[DeclaredProject], findings: Findings
) -> None:
    """Plan where projects stand in the tree; circles are flaws."""
    names = {row.pk: key for key, row in shelf.after.items()}
    parents = {key: names.get(row.parent_id or 0) for key, row in shelf.after.items()}
    was = dict(parents)
    for each in declared:
        parent = each.new_parent if shelf.after[each.key].pk is None else each.parent
        if parent == "":
            parents[each.key] = None
        elif parent is not None and shelf.known(parent, each.where, findings, "parent"):
            parents[each.key] = parent
    _, stuck = parents_first(parents)
    for each in declared:
        circle = _circle(each.key, parents) if each.key in stuck else []
        if circle:
            findings.flaw(each.where, f"would be above itself: {' below '.join(circle)}")
        elif parents[each.key] != was[each.key]:
            _move(shelf, each.key, was[each.key], parents[each.key], findings)
    moved = [
        each.key
        for each in declared
        if parents[each.key] != was[each.key] or shelf.after[each.key].pk is None
    ]
    fresh = {key for key in moved if shelf.after[key].pk is None}
    if moved:
        findings.silent(lambda: _note(shelf, moved, fresh, findings.now_ms))


def _note(
    shelf: Shelf[Project], moved: Sequence[str], fresh: Collection[str], now_ms: int
) -> None:
    """Date the moves. Runs when the projects are there and stand where they are to stand."""
    rows = {key: shelf.after[key] for key in moved}
    first = {rows[key].pk for key in fresh}
    places.move({row.pk: row.parent_id for row in rows.values()}, now_ms, first=first)


def _circle(key: str, parents: Mapping[str, str | None]) -> list[str]:
    """The way from a project up to itself; nothing if it only hangs below a circle."""
    way, above = [key], parents[key]
    while above is not None and above not in way:
        way.append(above)
        above = parents[above]
    return [*way, key] if above == key else []


def _move(
    shelf: Shelf[Project], key: str, was: str | None, parent: str | None, findings: Findings
) -> None:
    row, above = shelf.after[key], shelf.after.get(parent or "")

    def move() -> None:
        row.parent = above
        row.save()

    if row.pk is None:
        findings.silent(move)
    else:
        at = moment(findings.now_ms)
        line = f"~ project {key}: parent {was or 'none'} -> {parent or 'none'} from {at}"
        findings.step(line, move)


def _removals(shelf: Shelf[KnownT], kept: set[str], findings: Findings) -> list[Step]:
    """Steps for what was declared before and is not in the file."""
    gone = [row for key, row in shelf.after.items() if row.declared and key not in kept]
    if not findings.prune:
        findings.staying += len(gone)
        return []
    steps = []
    for row in gone:
        if not row.source:  # nothing may refer to it any more
            del shelf.after[row.key]
        line, do = _removal(row, findings.now_ms)
        steps.append(Step(f"- {shelf.word} {row.key}{line}", do))
    return steps


def _removal(row: Known, now_ms: int) -> tuple[str, Callable[[], object]]:
    """What is still found by a source stays; what something refers to ends; the rest goes."""
    if row.source:
        return f" (still found by {row.source})", lambda: _set(row, {"declared": False})
    used = any(
        model.objects.filter(**{column: row}).exists() for model, column in _references(row)
    )
    if used:
        return " (ended)", lambda: _set(row, {"declared": False, "ended_ms": now_ms})
    return "", row.delete
