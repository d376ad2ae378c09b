"""The steps that make the dated rows about one thing what they are to be, and their lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from meterhouse.inventory.facts import FOREVER
from meterhouse.inventory.house import Findings
from meterhouse.inventory.spans import Span
from meterhouse.metering.periods import from_ms


@dataclass(frozen=True, slots=True)
class Line:
    """The rows about one thing. title: how lines call them; append: writes a new one."""

    title: str
    model: type[Any]
    append: Callable[[Span], None]


def steps(line: Line, before: Sequence[Span], after: Sequence[Span], findings: Findings) -> None:
    """Withdraw what is gone, append what is new, end what ends: nothing else is edited."""
    was = {row.id: row for row in before}
    kept = {span.id for span in after}
    for row in before:
        if row.id not in kept:
            do = _withdraw(line, row, findings.now_ms)
            findings.step(f"- {_told(line, row)}", do)
    for span in after:
        if not span.id:
            findings.step(f"+ {_told(line, span)}", _append(line, span))
        elif span.end_ms != was[span.id].end_ms:
            now = _until(span.end_ms) or "lasting"
            findings.step(f"~ {_told(line, was[span.id])}, now {now}", _end(line, span))


def _withdraw(line: Line, row: Span, now_ms: int) -> Callable[[], object]:
    return lambda: line.model.objects.filter(pk=row.id).update(withdrawn_ms=now_ms)


def _end(line: Line, span: Span) -> Callable[[], object]:
    return lambda: line.model.objects.filter(pk=span.id).update(end_ms=span.end_ms)


def _append(line: Line, span: Span) -> Callable[[], object]:
    return lambda: line.append(span)


def _told(line: Line, span: Span) -> str:
    """``share osl in debian: 3 from 2026-05-01``."""
    value = span.value if isinstance(span.value, tuple) else (str(span.value),)
    parts = [each for each in value if each]
    if span.start_ms:
        parts.append(f"from {moment(span.start_ms)}")
    if span.end_ms != FOREVER:
        parts.append(_until(span.end_ms))
    return f"{line.title}: {' '.join(parts)}" if parts else line.title


def _until(end_ms: int) -> str:
    return "" if end_ms == FOREVER else f"until {moment(end_ms)}"


def moment(at_ms: int) -> str:
    """``2026-05-01``, or with the time if it is not midnight."""
    at = from_ms(at_ms).astimezone(UTC)
    text = at.isoformat().replace("+00:00", "Z")
    return text.removesuffix("T00:00:00Z")
