"""JSON with everything a report knows; a row a line, so that a difference can be read.

Figures are numbers written out exactly as CSV has them; ``exact`` holds the whole numbers they
were rounded from. Unknown is null. docs/reports.md has the schema, SCHEMA its version.
"""

from collections.abc import Iterable
from decimal import Decimal
from importlib.metadata import version
from typing import BinaryIO

import msgspec

from meterhouse.reports import ReportFormat
from meterhouse.usage.figures import figures
from meterhouse.usage.quantities import Quantities
from meterhouse.usage.report import Axis, Report, Row

SCHEMA = 1
"""Rises when something is renamed or taken away, not when something is added."""

NESTED = frozenset({Axis.INSTITUTION, Axis.PROJECT})
"""Lines that may have something below them."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def write(report: Report, out: BinaryIO) -> None:
    out.write(b"{")
    out.writelines(
        _ENCODER.encode(name) + b":" + _ENCODER.encode(value) + b",\n"
        for name, value in _head(report).items()
    )
    _write_list(out, "notes", report.notes)
    out.write(b",\n")
    gaps = (
        {
            "source": gap.source,
            "kind": gap.kind,
            "start": gap.period.start,
            "end": gap.period.end,
        }
        for gap in report.gaps
    )
    _write_list(out, "gaps", gaps)
    out.write(b",\n")
    _write_list(out, "rows", map(_row, report.rows))
    out.write(b"}\n")


def _head(report: Report) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "generator": {"name": "meterhouse", "version": version("meterhouse")},
        "title": report.title,
        "subject": report.subject,
        "by": report.by,
        "period": {"start": report.period.start, "end": report.period.end},
        "until": report.until,
        "generated_at": report.generated_at,
        "total": _figures(report.total),
    }


def _write_list(out: BinaryIO, name: str, items: Iterable[object]) -> None:
    out.write(_ENCODER.encode(name) + b":[")
    separator = b"\n"
    for item in items:
        out.write(separator + _ENCODER.encode(item))
        separator = b",\n"
    out.write(b"]")


def _row(row: Row) -> dict[str, object]:
    return {
        "row": row.axis,
        "key": row.key,
        "name": row.name,
        "path": row.path,
        "depth": row.depth,
        "institution": row.institution,
        "project": row.project,
        "project_path": row.project_path,
        "kind": row.kind,
        "own": _figures(row.own),
        "subtree": _figures(row.subtree) if row.axis in NESTED else None,
    }


def _figures(used: Quantities) -> msgspec.Raw:
    """Figures for people, and among them the whole numbers that they were rounded from."""
    whole = figures(used)
    costs = {code: _plain(amount) for code, amount in whole.costs.items()}
    fields = {**msgspec.structs.asdict(whole), "costs": costs}
    shown, exact = _ENCODER.encode(fields), _ENCODER.encode(used)
    return msgspec.Raw(b'%b,"exact":%b}' % (shown[:-1], exact))


def _plain(amount: Decimal) -> msgspec.Raw:
    """A number with all its places: 0.000000046, which others would write as 4.6E-8."""
    return msgspec.Raw(f"{amount:f}".encode())


FORMAT = ReportFormat("json", ".json", "application/json", write)
