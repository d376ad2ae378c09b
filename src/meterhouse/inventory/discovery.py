"""Institutions, projects and users as sources list them, or merely refer to them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from meterhouse.inventory import keys
from meterhouse.inventory.facts import FOREVER
from meterhouse.inventory.models import Institution, Known, Project, User
from meterhouse.inventory.runs import Moment
from meterhouse.metering import snapshots

KnownT = TypeVar("KnownT", Institution, Project, User)
Listed = snapshots.Institution | snapshots.Project | snapshots.User


def refer(model: type[KnownT], source: str, external_ids: Collection[str]) -> dict[str, int]:
    """Give the ids of what a source refers to.

    What the source does not list itself is, first, what the house declares under that key (so a
    tag ``project:debian/cd`` finds the declared project, from any number of clusters); otherwise
    it gets a row of its own until the source lists it.

    external_ids: the source's own; "" is nobody and is left out
    """
    wanted = set(external_ids) - {""}
    if not wanted:
        return {}
    known = {row.external_id: row.pk for row in model.objects.filter(source=source)}
    missing = wanted - known.keys()
    if missing:
        declared = model.objects.filter(declared=True, source="", key__in=missing)
        known |= dict(declared.values_list("key", "pk"))
    missing -= known.keys()
    if missing:
        taken = _taken(model)
        for each in sorted(missing):
            key = keys.unique(keys.slug(each), taken)
            row = model(key=key, name=each, source=source, external_id=each, listed=False)
            row.save(force_insert=True)
            known[each] = row.pk
    return known


def _taken(model: type[KnownT]) -> set[str]:
    return set(model.objects.values_list("key", flat=True)) | keys.RESERVED


def register(
    model: type[KnownT], source: str, listed: Sequence[Listed], moment: Moment
) -> dict[str, KnownT]:
    """Keep what a source lists by name. Returns its rows by the source's own ids.

    The newest list says what things are called and which have ended; an older one that comes
    late only adds what was not known at all. What is declared keeps its declared name.
    """
    rows = {row.external_id: row for row in model.objects.filter(source=source)}
    fresh = [each for each in listed if each.id not in rows or not rows[each.id].listed]
    named = _keys(model, rows, fresh)
    newest = moment.after == FOREVER
    new, changed = [], []
    for each in listed:
        row = rows.get(each.id)
        if row is None:
            row = model(source=source, external_id=each.id, ended_ms=moment.after)
            new.append(_name(row, each, named[each.id]))
        elif (newest or not row.listed) and _differs(row, each):
            changed.append(_name(row, each, named.get(each.id, row.key)))
    if newest and moment.complete:
        changed += _end(rows.values(), {each.id for each in listed}, moment.at_ms)
    model.objects.bulk_create(new)
    fields = ["key", "name", "listed", "ended_ms", *(["email"] if model is User else [])]
    if changed:
        model.objects.bulk_update(changed, fields, batch_size=500)
    return rows | {row.external_id: row for row in new}


def _differs(row: Known, listed: Listed) -> bool:
    if row.declared:
        return not row.listed
    if isinstance(row, User) and row.email != getattr(listed, "email", ""):
        return True
    return (row.name, row.ended_ms, row.listed) != (listed.name, FOREVER, True)


def _name(row: KnownT, listed: Listed, key: str) -> KnownT:
    if row.pk is not None:
        row.ended_ms = FOREVER
    row.listed = True
    if not row.declared:
        row.key, row.name = key, listed.name
        if isinstance(row, User):
            row.email = getattr(listed, "email", "")
    return row


def _end(rows: Iterable[KnownT], there: set[str], at_ms: int) -> list[KnownT]:
    ended = [
        row
        for row in rows
        if row.external_id not in there
        and row.listed
        and not row.declared
        and row.ended_ms == FOREVER
    ]
    for row in ended:
        row.ended_ms = at_ms
    return ended


def _keys(
    model: type[KnownT], rows: Mapping[str, Known], fresh: Sequence[Listed]
) -> dict[str, str]:
    """New keys for what was not listed before; a sub-project's begins with its parent's."""
    if not fresh:
        return {}
    given = {external: row.key for external, row in rows.items()}
    taken = _taken(model)
    named: dict[str, str] = {}
    for each in fresh:
        above = each.parent if isinstance(each, snapshots.Project) else ""
        parent = named.get(above) or given.get(above)
        part = keys.slug(each.name)
        named[each.id] = keys.unique(f"{parent}/{part}" if parent else part, taken)
    return named
