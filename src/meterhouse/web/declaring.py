"""A declaration as a whole: the inventory's part and the sources, both or neither.

Secrets are write-only: ``export`` leaves them out, and a source that is declared again without
its secret keeps the one it has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from django.db import transaction

from meterhouse.inventory.declaration import parse
from meterhouse.inventory.declared import Declaration, Flaw
from meterhouse.inventory.export import export as export_inventory
from meterhouse.inventory.plan import Difference, apply, plan
from meterhouse.metering.errors import Mistake
from meterhouse.metering.secrets import masked
from meterhouse.sources import configure
from meterhouse.station.declared import hidden_keys, read_table
from meterhouse.web import sourcebook
from meterhouse.web.closed_months import warnings
from meterhouse.web.sourcebook import Table

__all__ = ["declare", "disputes", "export"]


@dataclass(frozen=True, slots=True)
class _Change:
    """What happens to one source. table: None if it goes."""

    name: str
    table: Table | None
    line: str


def declare(path: Path, data: Path, *, now: datetime, dry_run: bool = False) -> Difference:
    """Make the house as a file declares it, and say what changes. Raises Mistakes, all at once.

    dry_run:  only say it
    """
    declaration = parse(path)
    known = sourcebook.known(data)
    flaws: list[Flaw] = []
    changes = list(_changes(declaration, known, path.parent, flaws))
    declaration = replace(declaration, flaws=(*declaration.flaws, *flaws))
    with transaction.atomic():
        found = (plan if dry_run else apply)(declaration, now=now)
        if not dry_run:
            _carry_out(changes, declaration.file, data)
    return Difference(found.lines + tuple(change.line for change in changes), found.notes)


def disputes(path: Path, *, now: datetime) -> tuple[str, ...]:
    """Say which months that are over a file would change, and how much. Changes nothing."""
    declaration = parse(path)
    return warnings(lambda: apply(declaration, now=now), now=now)


def export(data: Path) -> str:
    """Everything declared, as a file that declares it again; without secrets."""
    tables = [{"name": name, **_shown(table)} for name, table in sourcebook.known(data).items()]
    return export_inventory(tables)


def _carry_out(changes: list[_Change], file: str, data: Path) -> None:
    for change in changes:
        if change.table is None:
            sourcebook.remove(change.name)
        else:
            sourcebook.save(change.name, change.table, where=file, data=data)


def _changes(
    declaration: Declaration, known: Mapping[str, Table], folder: Path, flaws: list[Flaw]
) -> Iterator[_Change]:
    seen: set[str] = set()
    for source in declaration.sources:
        try:
            name, table = read_table(source.values, known, folder, seen)
            configure(name, table, where="")
        except Mistake as mistake:
            # ``configure`` names the source; the flaw's place says that already.
            text = str(mistake).removeprefix(f": source {source.values.get('name')!r}: ")
            flaws.append(Flaw(source.where, text))
            continue
        seen.add(name)
        if line := _line(name, known.get(name), table):
            yield _Change(name, table, line)
    if declaration.prune:
        for name in sorted(known.keys() - seen):
            yield _Change(name, None, f"- source {name}")


def _line(name: str, before: Table | None, after: Table) -> str:
    """What changes about a source, or "" if nothing does; secrets are never shown."""
    if before is None:
        return f"+ source {name} (kind {after.get('kind')})"
    if before.get("kind") != after.get("kind"):
        return f"~ source {name}: kind {before.get('kind')} -> {after.get('kind')}"
    secret = hidden_keys(after)
    changed = [
        f"{key} changed"
        if key in secret
        else f"{key} {masked(before.get(key))!r} -> {masked(after.get(key))!r}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    return f"~ source {name}: {', '.join(changed)}" if changed else ""


def _shown(table: Table) -> Table:
    secret = hidden_keys(table)
    return {key: masked(value) for key, value in table.items() if key not in secret}
