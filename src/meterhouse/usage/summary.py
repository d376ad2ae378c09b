"""What stands out in a report: the largest rows, and what the others come to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from meterhouse.usage.quantities import NOTHING, Quantities
from meterhouse.usage.report import Report, Row

MEASURES = ("vcpu_seconds", "disk_byte_seconds", "millijoules", "resource_seconds")
"""What rows can be compared by; the first that a report has any of is the one to compare by."""


@dataclass(frozen=True, slots=True)
class Largest:
    """rows: the largest, largest first; others: how many more there are, and their sum."""

    rows: tuple[Row, ...]
    others: int
    rest: Quantities


def measure(report: Report) -> str:
    """The name of the amount by which this report's rows are to be compared."""
    return next((name for name in MEASURES if getattr(report.total, name)), MEASURES[-1])


def largest(rows: Sequence[Row], by: str, limit: int) -> Largest:
    """Choose the rows with the most, sub-projects included; of equals, those that come first."""
    order = sorted(range(len(rows)), key=lambda number: -getattr(rows[number].subtree, by))
    others = [rows[number].own for number in order[limit:]]
    return Largest(tuple(rows[n] for n in order[:limit]), len(others), add(others))


def add(quantities: Iterable[Quantities]) -> Quantities:
    return sum(quantities, NOTHING)


def compared(report: Report) -> tuple[Row, ...]:
    """The rows worth comparing: those at the left edge, or right below where there is only one."""
    edge = tuple(row for row in report.rows if row.depth == 0)
    below = tuple(row for row in report.rows if row.depth == 1)
    return below if len(edge) == 1 and below else edge
