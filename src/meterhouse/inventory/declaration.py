"""A TOML file that declares who there is: read, and checked as far as it speaks of itself.

    [[institutions]]            key, name, source, external_id
    [[projects]]                key, name, parent, source, external_id,
                                shares = { <institution> = <weight>, ... }
    [[users]]                   key, name, email, source, external_id
    [[memberships]]             user, project, role, from, until
    [[shares]]                  project, institution, weight, from, until
    [[prices]], [[carbon]], [[feeds]], [[idle]]
                                what holds for a time by itself: terms.py
    [[rules]]                   tag or name or neither, source, project, user
    [[sources]]                 anything: another room's
    [options]                   prune

Only keys are needed, and what ties two together; what is left out stays as it is. A new project
that gives no parent is below the part of its key before the last slash, or at the top; ``parent =
""`` is the top. ``from`` and ``until`` are dates or moments with an offset, start in, end out.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from meterhouse.inventory.declared import (
    LINE,
    STAR,
    Dated,
    Declaration,
    DeclaredProject,
    DeclaredRule,
    DeclaredUser,
    Flaw,
    Mistakes,
    Named,
    SourceTable,
    Term,
    Where,
)
from meterhouse.inventory.facts import FOREVER
from meterhouse.inventory.keys import RESERVED, did_you_mean, is_key, is_path
from meterhouse.inventory.terms import SHEETS, Sheet
from meterhouse.inventory.toml import Table, lines_of_tables
from meterhouse.metering.names import plain

TABLES = (
    *("institutions", "projects", "users", "memberships", "shares", "rules", "sources"),
    *(sheet.table for sheet in SHEETS),
)
_PART = "small letters, digits, dots, dashes and underscores"

T = TypeVar("T")


def parse(path: Path) -> Declaration:
    """Read a file. Raises Mistakes if it cannot be read or is no TOML.

    Other mistakes are in the declaration's ``flaws``: ``plan`` and ``apply`` refuse it with all
    of them, and with what they find themselves.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows begin with a mark
    except OSError as error:
        raise Mistakes((f"{path.name}: {error.strerror}",)) from error
    except UnicodeDecodeError as error:
        raise Mistakes((f"{path.name}: not UTF-8 at byte {error.start}",)) from error
    return parse_text(text, path.name)


def parse_text(text: str, file: str) -> Declaration:
    """As ``parse``. file: its name, for messages."""
    try:
        document = tomllib.loads(text, parse_float=_decimal)
    except tomllib.TOMLDecodeError as error:
        raise Mistakes((f"{file}: {plain(str(error), LINE)}",)) from error
    except ValueError as error:  # of Python's own, on a number that it does not read
        raise Mistakes((f"{file}: {_beyond(text)}",)) from error
    except RecursionError as error:
        raise Mistakes((f"{file}: values lie too deep inside each other",)) from error
    return _Reader(document, lines_of_tables(text)).declaration(file)


def _decimal(text: str) -> Decimal:
    """Raises ValueError for an exponent beyond all numbers."""
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(text) from error


_LONG = re.compile(r"[0-9](?:_?[0-9]){4300,}|[eE][+-]?[0-9_]{9,}")


def _beyond(text: str) -> str:
    """Where the number stands that is too long or too large to be read."""
    long = _LONG.search(text)
    line = f" (line {text.count(chr(10), 0, long.start()) + 1})" if long else ""
    return f"a number is too long or too large{line}; write it with fewer digits"


class _Reader:
    """Reads table after table, and collects what is wrong."""

    def __init__(self, document: Mapping[str, Any], lines: Mapping[str, list[int]]) -> None:
        self._document, self._lines = document, lines
        self._flaws: list[Flaw] = []

    def declaration(self, file: str) -> Declaration:
        inline: list[Dated] = []
        institutions = self._each("institutions", "key", self._institution)
        projects = self._each("projects", "key", lambda table: self._project(table, inline))
        users = self._each("users", "key", self._user)
        memberships = self._each("memberships", "user", self._membership)
        shares = (*inline, *self._each("shares", "institution", self._share))
        terms = tuple(
            term
            for sheet in SHEETS
            for term in self._each(sheet.table, (*sheet.keys, "")[0], partial(self._term, sheet))
        )
        rules = self._each("rules", "", self._rule) if "rules" in self._document else None
        sources = self._each("sources", "name", _source)
        for named in (institutions, projects, users):
            self._once(named)
        for dated in (memberships, shares, terms):
            self._apart(dated)
        return Declaration(
            file=file,
            institutions=institutions,
            projects=projects,
            users=users,
            memberships=memberships,
            shares=shares,
            terms=terms,
            rules=rules,
            sources=sources,
            prune=self._options(),
            flaws=tuple(self._flaws),
        )

    def _flaw(self, where: Where, text: str) -> None:
        self._flaws.append(Flaw(where, text))

    def _each(self, name: str, title: str, read: Callable[[Table], T]) -> tuple[T, ...]:
        """Read every table of an array. title: the key whose value names a table in messages."""
        tables = self._document.get(name, [])
        if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
            self._flaw(Where(0, f"[[{name}]]"), f"must be tables, each under its own [[{name}]]")
            return ()
        lines = self._lines.get(name, [])
        lines = lines if len(lines) == len(tables) else [0] * len(tables)
        found = []
        for number, (values, line) in enumerate(zip(tables, lines, strict=True), 1):
            where = Where(line, f"[[{name}]]", _title(name, title, values, number))
            found.append(read(Table(values, where, self._flaws)))
        return tuple(found)

    def _named(self, table: Table, is_good: Callable[[str], bool]) -> dict[str, Any]:
        key = table.text("key", needed=True)
        if key and not is_good(key):
            slashes = " (parts joined by slashes)" if is_good is is_path else ""
            table.flaw(f"a key is {_PART}{slashes}, beginning with a letter or digit")
        if key.partition("/")[0] in RESERVED:
            table.flaw(f'"{key}" is what reports call those that have nobody; take another key')
        values = {
            "key": key,
            "name": table.text("name"),
            "source": table.text("source"),
            "external_id": table.text("external_id"),
            "where": table.where,
        }
        if bool(values["source"]) != bool(values["external_id"]):
            table.flaw("source and external_id go together: whose object it is, and its id there")
        return values

    def _institution(self, table: Table) -> Named:
        values = self._named(table, is_key)
        table.done()
        return Named(**values)

    def _project(self, table: Table, inline: list[Dated]) -> DeclaredProject:
        values = self._named(table, is_path)
        parent = None if table.value("parent") is None else table.text("parent")
        inline += self._inline(table, values["key"])
        table.done()
        return DeclaredProject(**values, parent=parent)

    def _inline(self, table: Table, project: str) -> Iterable[Dated]:
        shares = table.value("shares")
        if shares is None:
            return
        if not isinstance(shares, dict):
            table.flaw("shares must be like { osl = 3, nsf = 1 }")
            return
        part = Table(shares, table.where, self._flaws)
        for institution in shares:
            yield Dated(
                one=project,
                other=institution,
                value=part.whole(institution),
                start_ms=None,
                end_ms=FOREVER,
                where=table.where,
            )

    def _user(self, table: Table) -> DeclaredUser:
        values = self._named(table, is_key)
        email = table.text("email")
        if email and "@" not in email:
            table.flaw(f'email "{email}" has no @')
        table.done()
        return DeclaredUser(**values, email=email)

    def _membership(self, table: Table) -> Dated:
        role = table.text("role") or "member"
        return self._dated(table, "user", "project", role)

    def _share(self, table: Table) -> Dated:
        return self._dated(table, "project", "institution", table.whole("weight"))

    def _dated(self, table: Table, one: str, other: str, value: str | int) -> Dated:
        first, second = table.text(one, needed=True), table.text(other, needed=True)
        start, end = _dates(table)
        table.done()
        return Dated(
            one=first, other=second, value=value, start_ms=start, end_ms=end, where=table.where
        )

    def _term(self, sheet: Sheet, table: Table) -> Term:
        columns, count = sheet.read(table), len(sheet.keys)
        start, end = _dates(table)
        table.done()
        return Term(
            table=sheet.table,
            key=columns[:count],
            value=columns[count:],
            start_ms=start,
            end_ms=end,
            where=table.where,
        )

    def _rule(self, table: Table) -> DeclaredRule:
        texts = {match: table.text(match) for match in ("tag", "name")}
        given = {match: text for match, text in texts.items() if text}
        match, pattern = next(iter(given.items()), ("any", ""))
        project, user = table.text("project"), table.text("user")
        rule = DeclaredRule(
            source=table.text("source"),
            match=match,
            pattern=pattern,
            project=project,
            user=user,
            where=table.where,
        )
        if len(given) > 1:
            table.flaw("has a tag and a name; write two rules")
        if not project and not user:
            table.flaw("gives neither a project nor a user")
        if pattern.count(STAR) > 1:
            table.flaw(f'"{pattern}" has more than one {STAR}')
        if STAR in (project, user) and STAR not in pattern:
            table.flaw(
                f'gives "{STAR}", but its tag or name has no {STAR} that stands for anybody'
            )
        table.done()
        return rule

    def _once(self, named: Iterable[Named]) -> None:
        keys: dict[str, Where] = {}
        adopted: dict[tuple[str, str], Where] = {}
        for each in named:
            first = keys.setdefault(each.key, each.where)
            if each.key and first is not each.where:
                self._flaw(each.where, f"declared before{_at(first)}")
            owner = adopted.setdefault((each.source, each.external_id), each.where)
            if each.source and owner is not each.where:
                text = f'"{owner.name}" adopts {each.external_id} of {each.source} already'
                self._flaw(each.where, text)

    def _apart(self, dated: Iterable[Dated | Term]) -> None:
        """About the same, no two may hold at once."""
        found: dict[tuple[str, ...], list[Dated | Term]] = {}
        for each in dated:
            found.setdefault(each.about, []).append(each)
        for several in found.values():
            for one, other in pairwise(sorted(several, key=lambda each: each.start_ms or 0)):
                if (other.start_ms or 0) < one.end_ms:
                    first, second = sorted((one.where, other.where))
                    self._flaw(second, f"overlaps the one before{_at(first)}")

    def _options(self) -> bool:
        for name in self._document.keys() - {*TABLES, "options"}:
            self._flaw(
                Where(0, f"[[{name}]]"),
                f"no such table{did_you_mean(name, [*TABLES, 'options'])}",
            )
        values = self._document.get("options", {})
        where = Where(0, "[options]")
        if not isinstance(values, dict):
            self._flaw(where, "must be one table: [options]")
            return False
        table = Table(values, where, self._flaws)
        prune = table.value("prune")
        if not isinstance(prune, bool | None):
            table.flaw("prune must be true or false")
        table.done()
        return prune is True


def _dates(table: Table) -> tuple[int | None, int]:
    start, until = table.moment("from"), table.moment("until")
    end = FOREVER if until is None else until
    if end <= (start or 0):
        table.flaw("until must be later than from" if start else "until must be after 1970")
    return start, end


def _at(where: Where) -> str:
    return f" on line {where.line}" if where.line else ""


def _title(name: str, key: str, values: Mapping[str, Any], number: int) -> str:
    """How messages call a table: by its key, or "osl in debian", or its number."""
    given = values.get(key, "")
    title = plain(given if isinstance(given, str) else "") or str(number)
    project = values.get("project") if name in ("memberships", "shares") else None
    return f"{title} in {project}" if project else title


def _source(table: Table) -> SourceTable:
    if _is_beyond(table.values):
        table.flaw("a whole number is beyond 64 bits, which are all that TOML has")
        return SourceTable(where=table.where, values={})
    return SourceTable(where=table.where, values=_floats(table.values))


def _is_beyond(value: Any) -> bool:
    """Whether a whole number in it, however deep, has more than 64 bits."""
    if isinstance(value, dict | list):
        return any(map(_is_beyond, value.values() if isinstance(value, dict) else value))
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def _floats(value: Any) -> Any:
    """The same with its numbers as sources expect them."""
    if isinstance(value, dict):
        return {key: _floats(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_floats(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value
