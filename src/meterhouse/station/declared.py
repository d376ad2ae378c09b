"""The sources that a file declares, with their secrets.

In a file a secret is a text, or ``{ file = "path" }``, relative to the declaration.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from meterhouse.inventory.declaration import parse
from meterhouse.inventory.declared import Flaw, Mistakes
from meterhouse.metering.errors import Mistake
from meterhouse.metering.secrets import DOTS, masked
from meterhouse.sources import Configured, configure, kind
from meterhouse.sources.configuration import secret_keys

Table = dict[str, Any]


def declared(path: Path) -> list[Configured]:
    """The sources in a file; what else it declares is for a house. Raises Mistakes, all at once.

    Nothing is known yet: a source without a secret that it needs is a mistake.
    """
    declaration = parse(path)
    found: dict[str, Configured] = {}
    flaws = [flaw for flaw in declaration.flaws if flaw.where.table == "[[sources]]"]
    for source in declaration.sources:
        try:
            name, table = read_table(source.values, {}, path.parent, found)
            found[name] = configure(name, table, where="")
        except Mistake as mistake:
            said = str(mistake).removeprefix(f": source {source.values.get('name')!r}: ")
            flaws.append(Flaw(source.where, said))
    if flaws:
        raise Mistakes(tuple(f"{path.name}: {flaw}" for flaw in sorted(flaws)))
    return list(found.values())


def read_table(
    values: Mapping[str, Any], known: Mapping[str, Table], folder: Path, seen: Collection[str]
) -> tuple[str, Table]:
    """A source's name and its whole table: secrets read from their files, or kept.

    known: the tables that are there already, by name. Raises Mistake.
    """
    table = dict(values)
    name = table.pop("name", None)
    if not isinstance(name, str):
        raise Mistake("key 'name' is missing")
    if name in seen:
        raise Mistake("is declared twice")
    before = known.get(name, {})
    for key, value in table.items():
        table[key] = _unmasked(key, value, before.get(key))
    for key in hidden_keys(table):
        if key in table:
            table[key] = _secret(key, table[key], folder)
        elif key in before:
            table[key] = before[key]
    return name, table


def _unmasked(key: str, value: Any, before: Any) -> Any:
    """A value that was exported with dots for what must not be seen is the one that is there."""
    is_masked = f"={DOTS}" in str(value) or f":{DOTS}@" in str(value)
    if not is_masked:
        return value
    if before is None or masked(before) != value:
        raise Mistake(f"key {key!r}: holds {DOTS} where a secret was; write the secret there")
    return before


def hidden_keys(table: Table) -> frozenset[str]:
    """The keys of a source's table that hold secrets."""
    called = table.get("kind")
    return secret_keys(kind(called).config) if isinstance(called, str) else frozenset()


def _secret(key: str, value: Any, folder: Path) -> Any:
    if not isinstance(value, dict) or set(value) != {"file"}:
        return value
    path = folder / str(value["file"])
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Mistake(f"key {key!r}: {path}: {error.strerror}") from error
    except ValueError as error:
        raise Mistake(f"key {key!r}: {str(path)!r} holds no text") from error
