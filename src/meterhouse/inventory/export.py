"""What was declared, written as a file that declares it again.

What sources found is theirs to find again; of it, only what something declared refers to is
written, with the source's own id.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

import tomlkit

from meterhouse.inventory import house
from meterhouse.inventory.facts import FOREVER
from meterhouse.inventory.house import Pair
from meterhouse.inventory.models import Institution, Known, Project, User
from meterhouse.inventory.plan_rules import as_rule
from meterhouse.inventory.plan_terms import standing
from meterhouse.inventory.spans import Span
from meterhouse.inventory.terms import SHEETS, Sheet
from meterhouse.metering.periods import from_ms

Tables = list[dict[str, Any]]


def export(sources: Sequence[Mapping[str, Any]] = ()) -> str:
    """Everything declared, as TOML. sources: ``[[sources]]`` tables to put at its end."""
    institutions = {row.pk: row for row in Institution.objects.order_by("key")}
    projects = {row.pk: row for row in Project.objects.order_by("key")}
    users = {row.pk: row for row in User.objects.order_by("key")}
    members, funds, rules = house.memberships(), house.shares(), house.rules()
    payers = {pair[1] for pair in funds}
    people = {*(pair[0] for pair in members), *(rule.user_id for rule in rules)}
    owners = {
        *(pair[1] for pair in members),
        *(pair[0] for pair in funds),
        *(rule.project_id for rule in rules),
    }
    keys = (
        {pk: row.key for pk, row in projects.items()},
        {pk: row.key for pk, row in users.items()},
    )
    return _toml(
        institutions=[_known(row) for row in _needed(institutions, payers)],
        projects=[_project(row, keys[0]) for row in _needed(projects, _above(projects, owners))],
        users=[_user(row) for row in _needed(users, people)],
        memberships=_dated(members, ("user", "project", "role"), users, projects),
        shares=_dated(funds, ("project", "institution", "weight"), projects, institutions),
        **{sheet.table: _terms(sheet) for sheet in SHEETS},
        rules=[_rule(*as_rule(row, *keys)) for row in rules],
        sources=[dict(each) for each in sources],
    )


def _needed(rows: Mapping[int, Any], referred: set[Any]) -> list[Any]:
    return [row for pk, row in rows.items() if row.declared or pk in referred]


def _above(projects: Mapping[int, Project], referred: set[int | None]) -> set[int | None]:
    """Those referred to or declared, and all above them."""
    found = referred | {pk for pk, row in projects.items() if row.declared}
    waiting = list(found - {None})
    while waiting:
        parent = projects[waiting.pop() or 0].parent_id
        if parent is not None and parent not in found:
            found.add(parent)
            waiting.append(parent)
    return found


def _known(row: Known) -> dict[str, Any]:
    origin = {"source": row.source, "external_id": row.external_id} if row.source else {}
    return {"key": row.key, "name": row.name, **origin}


def _project(row: Project, keys: Mapping[int, str]) -> dict[str, Any]:
    return {**_known(row), "parent": keys.get(row.parent_id or 0, "")}


def _user(row: User) -> dict[str, Any]:
    return {**_known(row), **({"email": row.email} if row.email else {})}


def _dated(
    pairs: Mapping[Pair, Sequence[Span]],
    words: tuple[str, str, str],
    ones: Mapping[int, Known],
    others: Mapping[int, Known],
) -> Tables:
    tables = []
    for (one, other), spans in pairs.items():
        for span in spans:
            table = dict(zip(words, (ones[one].key, others[other].key, span.value), strict=True))
            tables.append(table | _dates(span))
    return sorted(tables, key=lambda table: [str(table[word]) for word in words[:2]])


def _terms(sheet: Sheet) -> Tables:
    columns = (*sheet.keys, *sheet.values)
    return [
        {name: text for name, text in zip(columns, (*key, *value), strict=True) if text}
        | _dates(span)
        for key, spans in sorted(standing(sheet).items())
        for span in spans
        for value in [span.value if isinstance(span.value, tuple) else ()]
    ]


def _dates(span: Span) -> dict[str, Any]:
    start = {"from": _moment(span.start_ms)} if span.start_ms else {}
    return start | ({"until": _moment(span.end_ms)} if span.end_ms != FOREVER else {})


def _moment(at_ms: int) -> Any:
    at = from_ms(at_ms)
    midnight = at == datetime.combine(at.date(), time(), UTC)
    return at.date() if midnight else at


def _rule(source: str, match: str, pattern: str, project: str, user: str) -> dict[str, Any]:
    texts = {
        "source": source,
        "tag": pattern if match == "tag" else "",
        "name": pattern if match == "name" else "",
        "project": project,
        "user": user,
    }
    return {word: text for word, text in texts.items() if text}


def _toml(**tables: Tables) -> str:
    document = tomlkit.document()
    for name, rows in tables.items():
        array = tomlkit.aot()
        for row in rows:
            table = tomlkit.table()
            table.update(row)
            array.append(table)
        if rows:
            document[name] = array
    return tomlkit.dumps(document)
