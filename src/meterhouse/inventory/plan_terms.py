"""Plans what becomes of declared prices, carbon factors, feeds and idle powers."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from meterhouse.inventory.declared import Term
from meterhouse.inventory.house import Findings
from meterhouse.inventory.models import CarbonFactor, Feed, IdlePower, Price
from meterhouse.inventory.plan_steps import Line, steps
from meterhouse.inventory.spans import Span, dated, overlay, until
from meterhouse.inventory.terms import SHEETS, Sheet
from meterhouse.inventory.terms_in_force import Wired, wired

Key = tuple[str, ...]

MODELS: Mapping[str, type[Any]] = {
    "prices": Price,
    "carbon": CarbonFactor,
    "feeds": Feed,
    "idle": IdlePower,
}


def plan_terms(declared: Sequence[Term], findings: Findings) -> None:
    words = {word for term in declared if term.table in ("feeds", "idle") for word in term.key}
    there = wired(words, findings.now_ms)
    for sheet in SHEETS:
        mine = [term for term in declared if term.table == sheet.table]
        _plan(sheet, mine, there, findings)


def standing(sheet: Sheet) -> dict[Key, list[Span]]:
    """The terms of one kind that count, oldest first, by what they are about."""
    found: dict[Key, list[Span]] = {}
    for row in MODELS[sheet.table].objects.filter(withdrawn_ms=None).order_by("start_ms"):
        key, value = (
            tuple(getattr(row, name) for name in names) for names in (sheet.keys, sheet.values)
        )
        found.setdefault(key, []).append(Span(row.start_ms, row.end_ms, value, row.pk))
    return found


def _plan(sheet: Sheet, declared: Sequence[Term], others: Wired, findings: Findings) -> None:
    there = standing(sheet)
    by_key: dict[Key, list[Term]] = {}
    for term in declared:
        by_key.setdefault(term.key, []).append(term)
    for key, terms in by_key.items():
        was = there.get(key, [])
        first = not was and not others.has(sheet.table, key)
        spans = [dated(was, term, now_ms=findings.now_ms, first=first) for term in terms]
        kept = until(was, findings.now_ms) if findings.prune else was
        steps(_line(sheet, key), was, overlay(kept, spans), findings)
    for key in sorted(there.keys() - by_key.keys()):
        _plan_absent(sheet, key, there[key], findings)


def _plan_absent(sheet: Sheet, key: Key, rows: Sequence[Span], findings: Findings) -> None:
    """Plan what becomes of those in the house that the file does not have."""
    if all(row.end_ms <= findings.now_ms for row in rows):
        return
    if findings.prune:
        steps(_line(sheet, key), rows, until(rows, findings.now_ms), findings)
    else:
        findings.staying += 1


def _line(sheet: Sheet, key: Key) -> Line:
    return Line(sheet.title(key), MODELS[sheet.table], partial(_append, sheet, key))


def _append(sheet: Sheet, key: Key, span: Span) -> None:
    columns = dict(zip((*sheet.keys, *sheet.values), (*key, *_values(span)), strict=True))
    MODELS[sheet.table].objects.create(**columns, start_ms=span.start_ms, end_ms=span.end_ms)


def _values(span: Span) -> Key:
    return span.value if isinstance(span.value, tuple) else ()
