"""Tables: declared once, shown on a page, downloaded as CSV.

A column says what a row's value is; the page writes it for people, the CSV holds it exactly.
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Generic, TypeVar

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.http import content_disposition_header

from meterhouse.live import figures
from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import from_ms

Row = TypeVar("Row")
Value = str | int | float | Fraction | datetime | None


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column of a table.

    title:  its head, on the page and in the CSV (there with ``unit``, if any)
    value:  what the CSV holds, in base units
    shown:  how a page writes it; None: as it is
    link:   where a click leads; "" nowhere
    kind:   "text", "name", "number", "moment", "state" or "key": how it looks and sorts
    indent: how deep in a tree the row stands, 0 to 6
    later:  left out on narrow screens
    note:   what stands under it there, of a column that is left out
    """

    title: str
    value: Callable[[Row], Value]
    shown: Callable[[Row], object] | None = None
    link: Callable[[Row], str] | None = None
    kind: str = "text"
    unit: str = ""
    indent: Callable[[Row], int] | None = None
    tone: Callable[[Row], str] | None = None
    later: bool = False
    note: Callable[[Row], str] | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as the page shows it; ``raw`` is what it is sorted by."""

    text: str
    kind: str
    raw: str = ""
    link: str = ""
    tone: str = ""
    indent: int = 0
    unit: str = ""
    later: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """Rows to be shown under columns.

    name:  its name in ``?format=csv&table=<name>`` and the file's
    empty: what is said instead when there are no rows
    whole: all rows, when ``rows`` is only the page that is shown of them; the CSV has all
    """

    name: str
    columns: tuple[Column[Row], ...]
    rows: Sequence[Row]
    empty: str = "Nothing here yet."
    title: str = ""
    about: str = ""
    whole: Callable[[], Iterable[Row]] | None = None
    sortable: bool = True
    csv_url: str = field(default="", compare=False)

    @property
    def lines(self) -> list[list[Cell]]:
        return [[_cell(column, row) for column in self.columns] for row in self.rows]


def page(
    request: HttpRequest, template: str, context: dict[str, Any], *tables: Table[Any]
) -> HttpResponse:
    """Show a page with its tables under their names, or the one that is wanted as CSV."""
    if request.GET.get("format") == "csv" and tables:
        return as_csv(_named(request.GET.get("table") or tables[0].name, tables))
    shown = {each.name: replace(each, csv_url=_csv_url(request, each.name)) for each in tables}
    return render(request, template, {**context, "tables": shown})


def _named(name: str, tables: Sequence[Table[Any]]) -> Table[Any]:
    """Raises Mistake if no table of the page has this name."""
    for each in tables:
        if each.name == name:
            return each
    raise Mistake(f"table: {name!r} is none; there are: {', '.join(each.name for each in tables)}")


def page_number(query: QueryDict) -> int:
    """Which page of a table an address asks for, from 1. The view has declared what it may be."""
    return int(query.get("page") or 1)


def require_page(number: int, size: int, total: int) -> None:
    """Raises Mistake for a page after the last; a table without rows has one."""
    last = max(-(-total // size), 1)
    if number > last:
        raise Mistake(f"page: there is no page {number}; the last is {last}")


def pager(query: QueryDict, number: int, size: int, total: int) -> dict[str, object] | None:
    """What stands under a table that has more than one page: where one is, and where to go."""
    if total <= size:
        return None

    def to(there: int) -> str:
        address = query.copy()
        address["page"] = str(there)
        return f"?{address.urlencode()}"

    return {
        "first": min((number - 1) * size + 1, total),
        "last": min(number * size, total),
        "total": total,
        "before": to(number - 1) if number > 1 else "",
        "after": to(number + 1) if number * size < total else "",
    }


def as_csv(table: Table[Any]) -> HttpResponse:
    """The whole table as a file, exact values, UTF-8."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    disposition = content_disposition_header(as_attachment=True, filename=f"{table.name}.csv")
    response.headers["Content-Disposition"] = str(disposition)
    out = csv.writer(response)
    out.writerow([_head(column) for column in table.columns])
    for row in table.whole() if table.whole else table.rows:
        out.writerow([harmless(_plain(column.value(row))) for column in table.columns])
    return response


def harmless(text: str) -> str:
    """A text that a spreadsheet takes for a text, never for a formula.

    A name from a cloud is anybody's to choose. OWASP, CSV Injection: cells that begin with
    = + - @, tab or carriage return are dangerous; a quote in front disarms them. Numbers stay.
    """
    if not text.startswith(("=", "+", "-", "@", "\t", "\r")):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def moment(at_ms: int | None) -> datetime | None:
    """Milliseconds since 1970 as a moment; None for never, and for what has no end."""
    return from_ms(at_ms) if at_ms is not None and 0 < at_ms < 253_402_300_800_000 else None


def _head(column: Column[Any]) -> str:
    return f"{column.title} ({column.unit})" if column.unit else column.title


def _plain(value: Value) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat(timespec="seconds")
        case Fraction() | float():
            return plain(value)
        case _:
            return str(value)


def plain(value: Fraction | float | Decimal) -> str:
    """A number with all its places and no exponent: not every program reads 4.6E-8."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    return f"{exact:f}" if exact.is_finite() else str(exact)


def _cell(column: Column[Any], row: Any) -> Cell:
    value = column.value(row)
    text, unit = _shown(column, row, value)
    return Cell(
        text=text,
        unit=unit,
        kind=column.kind,
        raw=_plain(value),
        link=column.link(row) if column.link else "",
        tone=column.tone(row) if column.tone else "",
        indent=min(column.indent(row), 6) if column.indent else 0,
        later=column.later,
        note=column.note(row) if column.note else "",
    )


def _shown(column: Column[Any], row: Any, value: Value) -> tuple[str, str]:
    shown = column.shown(row) if column.shown else value
    match shown:
        case None:
            return figures.UNKNOWN, ""
        case figures.Figure():
            return shown.number, shown.unit
        case datetime():
            return f"{shown:%Y-%m-%d %H:%M}", ""
        case float() | Fraction():
            return figures.digits(float(shown)), ""
        case int():
            return f"{shown:,}".replace(",", "\N{NARROW NO-BREAK SPACE}"), ""
        case _:
            return str(shown) or figures.UNKNOWN, ""


def _csv_url(request: HttpRequest, name: str) -> str:
    query = request.GET.copy()
    query["format"], query["table"] = "csv", name
    query.pop("page", None)
    return f"?{query.urlencode()}"
