"""What the page shows, as plain texts and widths: the template only places them.

    report ── layout() ──▶ one JSON value ── document.typ ──▶ pages

Every name travels as a JSON string and is set as a string: nothing in it is ever markup.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from importlib.metadata import version
from itertools import groupby

from meterhouse.metering.periods import Period
from meterhouse.metering.snapshots import State
from meterhouse.reports.pdf.columns import (
    COLUMNS,
    COMPARED,
    Column,
    emitted,
    grouped,
    money,
    percent,
    places_for,
)
from meterhouse.usage.figures import KWH, figures, rounded
from meterhouse.usage.quantities import NOTHING, Quantities
from meterhouse.usage.report import Axis, Report, Row
from meterhouse.usage.summary import Largest, add, compared, largest, measure

Value = object
"""Anything JSON can say."""

BARS = 12
"""The chart's largest rows; it says how many more there are."""

BAR_LETTERS = 32
"""Letters that fit beside a bar."""

LEVELS = 2
"""Levels of projects under each institution; deeper ones are in the sums."""

DEEPEST = 8
"""Levels in a report by project: deeper, and the page is too narrow for the names."""

RESOURCES = 12
"""The largest resources of a project that are listed; of the others there is the sum."""

PROJECTS = 60
"""The largest projects whose resources are listed; the others have one line each."""

USERS = 1500
"""The largest users that are listed. A document is read; who wants every line takes the CSV."""


def layout(report: Report) -> dict[str, Value]:
    pages = _Pages(report)
    return {
        "title": report.title,
        "subject": report.subject,
        "period": span(report.period),
        "generated": moment(report.generated_at),
        "generator": f"Meterhouse {version('meterhouse')}",
        "head": pages.head(),
        "key_figures": pages.key_figures(),
        "energy_figures": list(pages.energy_figures()),
        "states": pages.states(),
        "chart": pages.chart(),
        "sections": list(pages.sections()),
        "gaps": [
            {
                "source": gap.source,
                "kind": gap.kind,
                "from": moment(gap.period.start),
                "to": moment(gap.period.end),
                "length": length(gap.period.length),
            }
            for gap in report.gaps
        ],
        "notes": [*report.notes, _NOTE],
    }


METERED, SEEN = "Metered", "Coverage"

_NOTE = (
    f"{METERED} is the part of the time in which power can be drawn that was measured. {SEEN} is "
    "the part of the time in which a source said what exists. Both are rounded down. "
    "Figures are rounded half up, each for itself, so that a column may differ from its sum in "
    "the last place; the same report as JSON holds the whole numbers they were rounded from."
)


class _Pages:
    """One report, with as many decimals in each column as its total deserves."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.places = [places_for(column, report.total) for column in COLUMNS]

    def head(self) -> list[Value]:
        """Titles and units of the columns; without those on energy if none was measured."""
        total = self.report.total
        metered = [[METERED, ""]] if total.measured_ms else []
        shown = COLUMNS if metered else COLUMNS[:-1]
        metered[:0] = [["Cost", ""]] * bool(total.costs) + [["CO2e", "kg"]] * bool(
            total.factored_ms
        )
        return [*([column.title, column.unit] for column in shown), *metered, [SEEN, ""]]

    def cells(self, used: Quantities) -> list[str]:
        numbers = self._numbers(used)
        if not self.report.total.measured_ms:
            return [*numbers[:-1], percent(used.coverage)]
        metered = percent(used.energy_coverage if used.measured_ms else None)
        worth = [money(used)] * bool(self.report.total.costs)
        worth += [emitted(used)] * bool(self.report.total.factored_ms)
        return [*numbers, *worth, metered, percent(used.coverage)]

    def _numbers(self, used: Quantities) -> list[str]:
        pairs = zip(COLUMNS, self.places, strict=True)
        return [column.text(used, places) for column, places in pairs]

    def key_figures(self) -> list[Value]:
        total = self.report.total
        notes = [""] * len(COLUMNS)
        if total.unseen_ms:
            notes[0] = f"{percent(total.coverage)} of the time seen"
        if total.measured_ms:
            notes[-1] = f"{percent(total.energy_coverage)} of the time metered"
        return [
            {"title": column.title, "unit": column.unit, "value": text, "note": note}
            for column, text, note in zip(COLUMNS, self._numbers(total), notes, strict=True)
        ]

    def energy_figures(self) -> Iterator[Value]:
        """What the energy consists of, and what it stands for, as far as that is known."""
        total, places = self.report.total, self.places[-1]
        for title, part, note in (
            ("Idle share", total.idle_mj, "of the energy: drawn whatever runs"),
            ("Overhead", total.overhead_mj, "of the energy: feeds no node"),
        ):
            if part:
                value = grouped(rounded(part, KWH, places))
                yield {"title": title, "unit": "kWh", "value": value, "note": note}
        for currency, amount in figures(total).costs.items():
            value = grouped(round(amount, 2))
            yield {"title": "Cost", "unit": currency, "value": value, "note": ""}
        if total.factored_ms:
            yield {"title": "CO2e", "unit": "kg", "value": emitted(total), "note": ""}

    def states(self) -> list[Value]:
        servers = self.report.total.server_seconds
        whole = sum(servers.values())
        return [
            {
                "name": state.value,
                "share": servers[state] / whole,
                "percent": percent(Fraction(servers[state], whole)),
            }
            for state in State
            if servers.get(state)
        ]

    def chart(self) -> dict[str, Value]:
        by = measure(self.report)
        rows = compared(self.report)
        rows = rows if len(rows) > 1 else ()
        chosen = largest(rows, by, BARS)
        most = max((getattr(row.subtree, by) for row in chosen.rows), default=0)
        column, places = self._column(by)
        what = f"The {BARS} largest of {grouped(len(rows))}" if chosen.others else ""
        return {
            "title": f"{column.name} by {rows[0].axis}" if rows else "",
            "note": what,
            "bars": [
                {
                    "name": short(row.name, BAR_LETTERS),
                    "of": self._project_beside(row),
                    "share": getattr(row.subtree, by) / most if most else 0,
                    "value": column.text(row.subtree, places),
                }
                for row in chosen.rows
            ],
        }

    def _project_beside(self, row: Row) -> str:
        """The project of a user or resource, as far as there is room beside its name."""
        room = BAR_LETTERS - len(row.name) - 3
        name = row.project_path.rpartition(" / ")[2]
        return short(name, room) if row.axis in _LEAVES and room > 3 else ""

    def _column(self, amount: str) -> tuple[Column, int]:
        column = next(each for each in COMPARED if each.amount == amount)
        return column, places_for(column, self.report.total)

    def sections(self) -> Iterator[Value]:
        write: dict[Axis, Callable[[], Iterator[Value]]] = {
            Axis.INSTITUTION: self._by_institution,
            Axis.PROJECT: self._by_project,
            Axis.USER: self._by_user,
            Axis.RESOURCE: self._by_resource,
        }
        return write[self.report.by]() if self.report.rows else iter(())

    def _by_institution(self) -> Iterator[Value]:
        rows = self.report.rows
        payers = [row for row in rows if row.axis == Axis.INSTITUTION]
        lines = [self._line(row.name, row.own) for row in payers]
        yield self._section("Institutions", "Institution", lines, self.report.total)
        for payer in payers:
            mine = [
                row for row in rows if row.institution == payer.key and row.axis == Axis.PROJECT
            ]
            yield self._section(payer.name, "Project", self._tree(mine, LEVELS), payer.own)

    def _by_project(self) -> Iterator[Value]:
        lines = self._tree(self.report.rows)
        yield self._section("Projects", "Project", lines, self.report.total)

    def _tree(self, rows: Sequence[Row], levels: int = DEEPEST) -> list[Value]:
        """A project with others below it gets its sum, then what is its own, then the others.

        What lies deeper than so many levels is in the sum of the last one shown.
        """
        lines = []
        edge = min((row.depth for row in rows), default=0)
        shown = [row for row in rows if row.depth - edge < levels]
        for row, following in zip(shown, [*shown[1:], None], strict=False):
            depth = row.depth - edge
            if following is None or following.depth <= row.depth:
                more = "" if row.subtree == row.own else "with all below it"
                lines.append(self._line(row.name, row.subtree, depth=depth, second=more))
                continue
            lines.append(self._line(row.name, row.subtree, depth=depth, style="sum"))
            if row.own != NOTHING:
                lines.append(self._line("directly in it", row.own, depth=depth + 1, style="own"))
        return lines

    def _by_user(self) -> Iterator[Value]:
        rows = self.report.rows
        chosen = largest(rows, measure(self.report), USERS)
        kept = {id(row) for row in chosen.rows}
        lines = [
            self._line(row.name, row.own, second=row.project_path)
            for row in rows
            if id(row) in kept
        ]
        lines.extend(self._rest(chosen))
        yield self._section("Users", "User, project", lines, self.report.total)

    def _by_resource(self) -> Iterator[Value]:
        groups = [
            (path or "Unassigned", tuple(rows))
            for path, rows in groupby(self.report.rows, key=lambda row: row.project_path)
        ]
        by = measure(self.report)
        sums = {path: add(row.own for row in rows) for path, rows in groups}
        order = sorted(sums, key=lambda path: getattr(sums[path], by), reverse=True)
        large = frozenset(order[:PROJECTS])
        for path, rows in groups:
            if path in large:
                chosen = largest(rows, by, RESOURCES)
                lines = [self._line(row.name, row.own, second=row.kind) for row in chosen.rows]
                lines.extend(self._rest(chosen))
                yield self._section(path, "Resource", lines, sums[path])
        others = [path for path in sums if path not in large]
        if others:
            lines = [self._line(path, sums[path]) for path in others]
            total = add(sums[path] for path in others)
            yield self._section("Smaller projects", "Project", lines, total)

    def _rest(self, chosen: Largest) -> Iterator[Value]:
        if chosen.others:
            yield self._line(f"{grouped(chosen.others)} more", chosen.rest, style="own")

    def _line(
        self, name: str, used: Quantities, *, depth: int = 0, style: str = "", second: str = ""
    ) -> Value:
        """style: "sum" with what is below, "own" without it, "" where it is the same."""
        return [name, second, depth, style, *self.cells(used)]

    def _section(self, title: str, head: str, lines: list[Value], total: Quantities) -> Value:
        return {"title": title, "head": head, "lines": lines, "total": self.cells(total)}


_LEAVES = frozenset({Axis.USER, Axis.RESOURCE})


def short(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}…"


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def span(period: Period) -> str:
    """The period in words: a month by its name, whole days by the last one that is in."""
    start, end = period.start, period.end
    if start < end and period == Period.month(start.year, start.month):
        return f"{start:%B %Y}"
    days = (
        start - start.replace(hour=0, minute=0, second=0, microsecond=0),
        end - end.replace(hour=0, minute=0, second=0, microsecond=0),
    )
    if start < end and not any(days):
        return f"{start:%Y-%m-%d} to {end - timedelta(days=1):%Y-%m-%d}"
    return f"{moment(start)} to {moment(end)} UTC"


def length(of: timedelta) -> str:
    """12 s, 3 min, 5 h 20 min, 2 d 4 h: the two largest units."""
    seconds = int(of.total_seconds())
    parts = (
        (seconds // 86400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    )
    first = next((place for place, (count, _) in enumerate(parts) if count), len(parts) - 1)
    chosen = [f"{count} {unit}" for count, unit in parts[first : first + 2] if count]
    return " ".join(chosen) or "0 s"
