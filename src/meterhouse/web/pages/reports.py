"""The report builder: what was used, by whom, in which period; to look at and to download."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header, urlencode

from meterhouse.inventory.facts import InstitutionInfo
from meterhouse.live import figures as written
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import Period
from meterhouse.reports import formats
from meterhouse.usage.counting import IDLE, OVERHEAD
from meterhouse.usage.figures import Figures, figures
from meterhouse.usage.report import Axis, Report, Row
from meterhouse.usage.statement import statement
from meterhouse.usage.summary import add, measure
from meterhouse.usage.wiring import METERS
from meterhouse.web.pages import periods
from meterhouse.web.pages.legends import natural
from meterhouse.web.pages.names import Names, names_for
from meterhouse.web.pages.periods import PRESETS, Chosen, report_period
from meterhouse.web.pages.periods import written as written_moment
from meterhouse.web.pages.question import PERIOD, Question, asks, one_of, text
from meterhouse.web.pages.refusals import Form
from meterhouse.web.rights import scope_in

SORTS: Mapping[str, tuple[str, Callable[[Row], object]]] = {
    "name": ("Name", lambda row: natural(row.name)),
    "server": ("Server h", lambda row: sum(row.own.server_seconds.values())),
    "vcpu": ("vCPU-h", lambda row: row.own.vcpu_seconds),
    "ram": ("RAM GiB-h", lambda row: row.own.ram_byte_seconds),
    "disk": ("Disk GiB-h", lambda row: row.own.disk_byte_seconds),
    "kwh": ("kWh", lambda row: row.own.millijoules),
    "cost": ("Cost", lambda row: sum(row.own.costs.values())),
    "co2e": ("CO₂e kg", lambda row: row.own.micrograms),
}
"""What rows can be ordered by that are no tree: users and resources."""

FLAT = (Axis.USER, Axis.RESOURCE)

WORDS = {
    "by": one_of(tuple(Axis)),
    "institution": text,
    "project": text,
    **PERIOD,
    "format": one_of(tuple(formats())),
    "sort": one_of([f"{sign}{each}" for each in SORTS for sign in ("", "-")]),
}
QUESTION = Question(WORDS)
"""What the address of a report may say."""

LONG = timedelta(days=92)

SHOWN = 200
"""So many rows are shown, none of meters, whose energy is where it went. Downloads have all."""

COMPARED = {
    "vcpu_seconds": "all vCPU-hours",
    "disk_byte_seconds": "all disk",
    "millijoules": "all energy",
    "resource_seconds": "the time of all resources",
}
"""What the bars of a table compare, by the amount's name."""

SAID_KINDS = (IDLE, OVERHEAD)
"""Kinds that a row by resource says beside its name, which is that of its node or outlet."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the preview: with what is below it, alone, and its part of the total (0 to 1).

    coverage, measured: how much of the time its source saw, and in how much power was measured
    """

    row: Row
    whole: Figures
    own: Figures
    coverage: str
    measured: str
    part: float
    url: str

    @property
    def has_more(self) -> bool:
        """Whether it has something of its own beside what is below it."""
        return self.row.own != self.row.subtree and self.row.own.resource_seconds > 0

    @property
    def above(self) -> str:
        """The path of the project that it is in, to the last slash: what may be cut."""
        path, _, leaf = self.row.project_path.rpartition(" / ")
        return f"{path} / " if leaf and path else ""

    @property
    def leaf(self) -> str:
        return self.row.project_path.rpartition(" / ")[2]

    @property
    def indent(self) -> int:
        return min(self.row.depth, 6)


@asks(WORDS, tells=True)
def reports(request: HttpRequest) -> HttpResponse:
    query = request.GET.dict()
    if query.get("format"):
        QUESTION.check(request.GET)
        return as_file(wanted(request, query), query["format"])
    is_later = not request.headers.get("HX-Request") and _is_long(request)
    report, mistake = (None, "") if is_later else _tried(request, query)
    names = names_for(request)
    try:
        chosen = report_period(query, now=SystemClock().now())
    except Mistake:
        chosen = report_period({}, now=SystemClock().now())
    context = {
        "heading": "Reports",
        "about": "What was used, to the second, with what is not known said beside it.",
        "query": query,
        "axes": list(Axis),
        "by": report.by if report else Axis.PROJECT,
        "presets": PRESETS,
        "chosen": chosen,
        "from": _shortest(chosen.period.start, chosen),
        "to": _shortest(chosen.period.end, chosen),
        "institutions": _offered(names),
        "projects": names.projects.values(),
        "mistake": mistake,
        "report": report,
        "later_url": request.get_full_path() if is_later else "",
        "downloads": _downloads(query),
        **(_shown(report, names, chosen, query) if report else {}),
    }
    # What htmx fetched is shown as well if it says what is wrong.
    status = 400 if mistake and not request.headers.get("HX-Request") else 200
    return render(request, "meterhouse/reports.html", context, status=status)


def _is_long(request: HttpRequest) -> bool:
    """Whether a report may take so long that the page comes first, and its figures when they are
    there: meanwhile one may go elsewhere.
    """
    try:
        QUESTION.check(request.GET)
        period = report_period(request.GET.dict(), now=SystemClock().now()).period
    except Mistake:
        return False
    return period.length > LONG


@asks({**{axis.value: text for axis in Axis}, **PERIOD}, form=Form.PART)
def usage(request: HttpRequest) -> HttpResponse:
    """What one institution, project, user or resource used: a part of its page.

    Of the last 30 days, unless the address says another period.

    A user has a row in each project, a node one more for its idle share: they are added up.
    Without a word of whose, it is of all that the reader may see.
    """
    query = request.GET
    chosen = report_period(query, now=SystemClock().now())
    period = chosen.period
    by, key = next(((axis, query[axis]) for axis in Axis if query.get(axis)), (Axis.PROJECT, ""))
    narrow = {by.value: key} if by in {Axis.INSTITUTION, Axis.PROJECT} and key else {}
    try:
        report = ask(request, period, by=by, **narrow)
    except Mistake:
        return render(request, "meterhouse/usage.html", {"hidden": True})
    mine = [row for row in report.rows if not key or (row.axis, row.key) == (by, key)]
    used = add(row.subtree for row in mine) if key else report.total
    context = {
        "figures": figures(used, 1) if mine else None,
        "measured": percent(figures(used).energy_coverage),
        "is_meter": bool(key) and any(row.kind in METERS for row in mine),
        "period": period,
        "said": said_of(chosen),
    }
    return render(request, "meterhouse/usage.html", context)


def said_of(chosen: Chosen) -> str:
    """A period as a tile says it."""
    if chosen.name != "custom":
        return PRESETS[chosen.name].lower()
    return f"{_shortest(chosen.period.start, chosen)} to {_shortest(chosen.period.end, chosen)}"


def _offered(names: Names) -> list[InstitutionInfo]:
    """The institutions whose part this reader may ask for: a list offers no other."""
    scope = names.scope
    theirs = scope.institutions | {
        share.institution_id for share in names.shares if share.project_id in scope.granted
    }
    return [each for each in names.institutions.values() if scope.everything or each.id in theirs]


def ask(
    request: HttpRequest,
    period: Period,
    *,
    by: Axis,
    institution: str | None = None,
    project: str | None = None,
) -> Report:
    """The report for who asks. Raises Mistake."""
    return statement(
        period,
        by=by,
        institution=institution,
        project=project,
        scope=scope_in(request),
        now=SystemClock().now(),
    )


def wanted(request: HttpRequest, query: Mapping[str, str]) -> Report:
    """The report that an address asks for. Raises Mistake for what cannot be asked."""
    chosen: Chosen = report_period(query, now=SystemClock().now())
    by = query.get("by") or Axis.PROJECT
    if by not in set(Axis):
        raise Mistake(f"by: {by!r} is no axis; there are: {', '.join(Axis)}")
    return ask(
        request,
        chosen.period,
        by=Axis(by),
        institution=query.get("institution") or None,
        project=query.get("project") or None,
    )


def as_file(report: Report, name: str) -> HttpResponse:
    """A report in a format. Raises Mistake if there is no such format."""
    chosen = formats().get(name)
    if chosen is None:
        raise Mistake(f"format: {name!r} is none; there are: {', '.join(formats())}")
    out = io.BytesIO()
    chosen.write(report, out)
    response = HttpResponse(out.getvalue(), content_type=chosen.media_type)
    filename = f"{file_name(report)}{chosen.suffix}"
    disposition = content_disposition_header(as_attachment=True, filename=filename)
    response.headers["Content-Disposition"] = str(disposition)
    return response


def file_name(report: Report) -> str:
    """Says the period, so that files of two periods have two names: a midnight is its date."""
    return "-".join(("usage-by", report.by, *map(_in_name, _ends(report.period))))


def _ends(period: Period) -> tuple[datetime, datetime]:
    return period.start, period.end


def _in_name(at: datetime) -> str:
    return f"{at:%Y%m%d}" if at.time() == time() else f"{at:%Y%m%dT%H%M%SZ}"


def _shortest(at: datetime, chosen: Chosen) -> str:
    """A moment as its field shows it: a midnight is its date, seconds only if they were asked."""
    if at.time() == time():
        return f"{at:%F}"
    return written_moment(at, to_second=chosen.name == "custom" and at.second > 0)


def _tried(request: HttpRequest, query: Mapping[str, str]) -> tuple[Report | None, str]:
    try:
        QUESTION.check(request.GET)
        return wanted(request, query), ""
    except Mistake as mistake:
        return None, str(mistake)


def _downloads(query: Mapping[str, str]) -> list[tuple[str, str]]:
    rest = {key: value for key, value in query.items() if key not in {"format", "sort"}}
    return [(name.upper(), f"?{urlencode({**rest, 'format': name})}") for name in formats()]


def _shown(
    report: Report, names: Names, chosen: Chosen, query: Mapping[str, str]
) -> dict[str, object]:
    compared = measure(report)
    whole = getattr(report.total, compared)
    telling = _sorted([row for row in report.rows if row.kind not in METERS], report.by, query)
    within = f"?{urlencode(periods.asked(chosen))}"
    lines = [_line(row, compared, whole, names, within) for row in telling[:SHOWN]]
    return {
        "heads": _heads(report.by, query),
        "is_flat": report.by in FLAT,
        "lines": lines,
        "left_out": len(report.rows) - len(lines),
        "total": figures(report.total, 1),
        "coverage": percent(figures(report.total).coverage),
        "measured": percent(figures(report.total).energy_coverage),
        "compared": COMPARED[compared],
        "currency": next(iter(report.total.costs), "") if len(report.total.costs) == 1 else "",
        "said_kinds": SAID_KINDS,
        "gaps": report.gaps[:50],
        "more_gaps": max(0, len(report.gaps) - 50),
    }


def _sorted(rows: list[Row], by: Axis, query: Mapping[str, str]) -> list[Row]:
    """Raises Mistake for a tree, whose order is its own."""
    sort = query.get("sort", "")
    if not sort:
        return rows
    if by not in FLAT:
        raise Mistake(f"sort: only by {' or '.join(FLAT)}; others stand in the order of the tree")
    key: Callable[[Row], Any] = SORTS[sort.removeprefix("-")][1]
    return sorted(rows, key=key, reverse=sort.startswith("-"))


def _heads(by: Axis, query: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Of each column that rows can be ordered by: where a click leads, and how it stands now."""
    if by not in FLAT:
        return {}
    now = query.get("sort", "")
    return {key: _head(key, now, query) for key in SORTS}


def _head(key: str, now: str, query: Mapping[str, str]) -> dict[str, str]:
    is_here = now.removeprefix("-") == key
    first = key if key == "name" else f"-{key}"
    turned = key if now.startswith("-") else f"-{key}"
    address = urlencode({**query, "sort": turned if is_here else first})
    order = "descending" if now.startswith("-") else "ascending"
    return {"url": f"?{address}", "order": order if is_here else ""}


def _line(row: Row, compared: str, whole: int, names: Names, within: str) -> Line:
    part = getattr(row.subtree, compared) / whole if whole else 0.0
    exact = figures(row.subtree)
    known = percent(exact.coverage), percent(exact.energy_coverage)
    url = _url(row, names)
    to = f"{url}{within}" if url else ""
    return Line(row, figures(row.subtree, 1), figures(row.own, 1), *known, part, to)


def _url(row: Row, names: Names) -> str:
    """The page of what a row is about; "" where its reader may not open it.

    Who may see a user's usage reads in which projects it was, and not those projects' pages.
    """
    opens = {
        Axis.INSTITUTION: names.institution_keys,
        Axis.PROJECT: names.project_keys,
        Axis.USER: names.user_keys,
    }
    if not row.key or row.key == "unassigned" or row.key not in opens.get(row.axis, {row.key}):
        return ""
    return reverse(row.axis.value, args=[row.key])


def percent(part: Decimal | None) -> str:
    return written.percent(float(part)) if part is not None else written.UNKNOWN
