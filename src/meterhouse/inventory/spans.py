"""What a declaration makes of the dated rows between two things: pure arithmetic.

The file's rows hold for the time they name; what the house knows about other times stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from meterhouse.inventory.declared import Dated, Term
from meterhouse.inventory.stretches import without


@dataclass(frozen=True, slots=True)
class Span:
    """A value from ``start_ms`` (0: since always) until ``end_ms``. id: its row, 0: none yet."""

    start_ms: int
    end_ms: int
    value: str | int | tuple[str, ...]
    id: int = 0


def dated(rows: Sequence[Span], declared: Dated | Term, *, now_ms: int, first: bool) -> Span:
    """When a declared row holds that may not say from when.

    rows:  what the house has between the two
    first: whether nothing at all was declared before that this would change the past of

    Without ``from``, what is declared is what holds now: if it does already, since when it does;
    else since always if nothing was declared before, and otherwise from now on.
    """
    end, value = declared.end_ms, declared.value
    if declared.start_ms is not None:
        return Span(declared.start_ms, end, value)
    asked = min(now_ms, end - 1)
    there = next((row for row in rows if row.start_ms <= asked < row.end_ms), None)
    if there is not None and there.value == value:
        return Span(there.start_ms, end, value)
    always = end <= now_ms or first
    return Span(0 if always else now_ms, end, value)


def overlay(rows: Sequence[Span], new: Sequence[Span]) -> list[Span]:
    """The rows with others laid over them, oldest first; equal neighbours are joined.

    A row that keeps its beginning and value keeps its id.
    """
    over = [(span.start_ms, span.end_ms) for span in new]
    left = [
        replace(row, start_ms=start, end_ms=end, id=row.id if start == row.start_ms else 0)
        for row in rows
        for start, end in without([(row.start_ms, row.end_ms)], over)
    ]
    ids = {(row.start_ms, row.value): row.id for row in rows}
    mine = [replace(span, id=ids.get((span.start_ms, span.value), span.id)) for span in new]
    joined: list[Span] = []
    for span in sorted((*left, *mine), key=lambda span: span.start_ms):
        last = joined[-1] if joined else None
        if last is not None and last.end_ms == span.start_ms and last.value == span.value:
            joined[-1] = replace(last, end_ms=span.end_ms)
        else:
            joined.append(span)
    return joined


def until(rows: Sequence[Span], end_ms: int) -> list[Span]:
    """The rows as far as they lie before a moment."""
    return [replace(row, end_ms=min(row.end_ms, end_ms)) for row in rows if row.start_ms < end_ms]
