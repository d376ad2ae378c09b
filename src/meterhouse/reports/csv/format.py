"""CSV as RFC 4180 has it: UTF-8, CRLF, one header, one line a row, the total last.

Columns are public: adding one at the end is safe, renaming or moving one is not. docs/reports.md
says what each means.
"""

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO

from meterhouse.metering.snapshots import State
from meterhouse.reports import ReportFormat
from meterhouse.usage.figures import Figures, figures
from meterhouse.usage.quantities import Quantities
from meterhouse.usage.report import Report, Row

Cell = object

COLUMNS = (
    "row",
    "period_start",
    "period_end",
    "institution",
    "project",
    "project_path",
    "kind",
    "key",
    "name",
    "path",
    "depth",
    "server_hours",
    *(f"server_hours_{state}" for state in State),
    "resource_hours",
    "vcpu_hours",
    "ram_gib_hours",
    "disk_gib_hours",
    "energy_kwh",
    "coverage",
    "energy_coverage",
    "subtree_server_hours",
    "subtree_resource_hours",
    "subtree_vcpu_hours",
    "subtree_ram_gib_hours",
    "subtree_disk_gib_hours",
    "subtree_energy_kwh",
    "energy_estimated_kwh",
    "energy_idle_kwh",
    "energy_overhead_kwh",
    "energy_rule",
    "cost",
    "currency",
    "co2e_kg",
    "subtree_cost",
    "subtree_currency",
    "subtree_co2e_kg",
)

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
"""A cell that begins so may be run as a formula: OWASP, "CSV Injection". The wide forms of the
signs count as well: Excel takes them for the narrow ones under Japanese input."""


def write(report: Report, out: BinaryIO) -> None:
    text = io.TextIOWrapper(out, "utf-8", newline="", write_through=False)
    try:
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows(_lines(report))
    finally:
        text.detach()


def _lines(report: Report) -> Iterator[list[Cell]]:
    period = [_moment(report.period.start), _moment(report.until)]
    for row in report.rows:
        yield [str(row.axis), *period, *_labels(row), *_numbers(row.own, row.subtree)]
    nobody = ["", "", "", "", "", "Total", "Total", 0]
    yield ["total", *period, *nobody, *_numbers(report.total, report.total)]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _labels(row: Row) -> list[Cell]:
    texts = (
        row.institution,
        row.project,
        row.project_path,
        row.kind,
        row.key,
        row.name,
        row.path,
    )
    return [*map(harmless, texts), row.depth]


def harmless(text: str) -> str:
    """Put an apostrophe before what a spreadsheet might run; it shows such a cell as text."""
    return f"'{text}" if text.startswith(DANGEROUS) else text


def _numbers(own: Quantities, subtree: Quantities) -> list[Cell]:
    mine = figures(own)
    below = mine if subtree is own else figures(subtree)
    return [
        mine.server_hours,
        *mine.server_hours_by_state.values(),
        *_sums(mine),
        mine.coverage,
        mine.energy_coverage,
        below.server_hours,
        *_sums(below),
        mine.energy_estimated_kwh,
        mine.energy_idle_kwh,
        mine.energy_overhead_kwh,
        mine.energy_rule,
        *_costs(mine),
        mine.co2e_kg,
        *_costs(below),
        below.co2e_kg,
    ]


def _costs(of: Figures) -> tuple[str, str]:
    """Amounts and their currencies; several, which are never added, in one order, by spaces."""
    return " ".join(f"{each:f}" for each in of.costs.values()), " ".join(of.costs)


def _sums(of: Figures) -> tuple[Cell, ...]:
    """None, for unknown, is an empty cell."""
    return (
        of.resource_hours,
        of.vcpu_hours,
        of.ram_gib_hours,
        of.disk_gib_hours,
        of.energy_kwh,
    )


FORMAT = ReportFormat("csv", ".csv", "text/csv; charset=utf-8", write)
