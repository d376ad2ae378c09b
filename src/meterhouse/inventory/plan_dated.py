"""Plans what becomes of declared memberships and shares."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from meterhouse.inventory.declared import Dated
from meterhouse.inventory.house import Findings, Pair, Shelf
from meterhouse.inventory.models import Membership, Share
from meterhouse.inventory.plan_steps import Line, steps
from meterhouse.inventory.spans import Span, dated, overlay, until


@dataclass(frozen=True, slots=True)
class Book:
    """One dated table and the shelves of what it ties together.

    word:   how lines call a row: "share"
    value:  the column that dates are about
    before: what counts as declared before, of a pair: the whole pair, or its first alone
    begun:  of what, in the same words, something was in force in effect, whoever said so
    """

    word: str
    model: type[Membership] | type[Share]
    value: str
    one: Shelf[Any]
    other: Shelf[Any]
    before: Callable[[Pair], object]
    begun: frozenset[object] = frozenset()

    def title(self, one: str, other: str) -> str:
        """``alice in debian``, ``osl in debian``: the project comes last."""
        names = (one, other) if self.other.word == "project" else (other, one)
        return f"{self.word} {' in '.join(names)}"


Rows = Mapping[Pair, Sequence[Span]]


def plan_dated(
    book: Book, rows: Mapping[Pair, list[Span]], declared: Sequence[Dated], findings: Findings
) -> None:
    """Plan one table. rows: those declared in the house, by pair, oldest first."""
    there = _same(book, rows)
    begun = {book.before(pair) for pair in there} | {
        book.one.same.get(each, each) if isinstance(each, int) else each for each in book.begun
    }
    pairs = _pairs(book, declared, findings)
    seen = set()
    for (one, other), several in pairs.items():
        pair = (book.one.after[one].pk, book.other.after[other].pk)
        seen.add(pair)
        was = there.get(pair, ())
        first = book.before(pair) not in begun
        spans = [dated(was, each, now_ms=findings.now_ms, first=first) for each in several]
        kept = until(was, findings.now_ms) if findings.prune else was
        _steps(book, (one, other), was, overlay(kept, spans), findings)
    _plan_absent(book, {pair: rows for pair, rows in there.items() if pair not in seen}, findings)


def _same(book: Book, rows: Mapping[Pair, list[Span]]) -> Rows:
    """The rows by the pairs there will be, when some turn out to be others."""
    found: dict[Pair, Sequence[Span]] = {}
    for (one, other), spans in rows.items():
        pair = (book.one.same.get(one, one), book.other.same.get(other, other))
        found[pair] = overlay(found.get(pair, ()), spans)
    return found


def _pairs(
    book: Book, declared: Sequence[Dated], findings: Findings
) -> dict[tuple[str, str], list[Dated]]:
    """What is declared, by keys; what names nobody known is a flaw."""
    pairs: dict[tuple[str, str], list[Dated]] = {}
    for each in declared:
        known = [
            book.one.known(each.one, each.where, findings),
            book.other.known(each.other, each.where, findings),
        ]
        if all(known):
            pairs.setdefault((each.one, each.other), []).append(each)
    return pairs


def _plan_absent(book: Book, absent: Rows, findings: Findings) -> None:
    """Plan what becomes of those in the house that the file does not have."""
    ones, others = book.one.names(), book.other.names()
    for pair, rows in absent.items():
        if all(row.end_ms <= findings.now_ms for row in rows):
            continue
        if findings.prune:
            names = (ones[pair[0]], others[pair[1]])
            _steps(book, names, rows, until(rows, findings.now_ms), findings)
        else:
            findings.staying += 1


def _steps(
    book: Book,
    names: tuple[str, str],
    before: Sequence[Span],
    after: Sequence[Span],
    findings: Findings,
) -> None:
    line = Line(book.title(*names), book.model, partial(_append, book, names))
    steps(line, before, after, findings)


def _append(book: Book, names: tuple[str, str], span: Span) -> None:
    one, other = book.one.after[names[0]], book.other.after[names[1]]
    book.model.objects.create(
        **{book.one.word: one, book.other.word: other, book.value: span.value},
        start_ms=span.start_ms,
        end_ms=span.end_ms,
    )
