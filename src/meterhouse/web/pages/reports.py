"""The report builder: what was used, by whom, in which period; to look at and to download."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header, urlencode

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
from meterhouse.web.pages.names import Names, names_for
from meterhouse.web.pages.periods import PRESETS, Chosen, only, report_period
from meterhouse.web.pages.periods import written as written_moment
from meterhouse.web.rights import scope_in

WORDS = ("by", "period", "from", "to", "institution", "project", "format")
"""What the address of a report may say."""

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
    def indent(self) -> int:
        return min(self.row.depth, 6)


def reports(request: HttpRequest) -> HttpResponse:
    query = request.GET.dict()
    report, mistake = _tried(request, query)
    wanted = query.get("format", "")
    if wanted and report is not None:
        return _download(report, wanted)
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
        "institutions": names.institutions.values(),
        "projects": names.projects.values(),
        "mistake": mistake,
        "report": report,
        "downloads": _downloads(query),
        **(_shown(report, names) if report else {}),
    }
    status = 400 if mistake else 200
    return render(request, "meterhouse/reports.html", context, status=status)


def usage(request: HttpRequest) -> HttpResponse:
    """The last 30 days of one institution, project, user or resource: a part of its page.

    A user has a row in each project, a node one more for its idle share: they are added up.
    Without a word of whose, it is of all that the reader may see.
    """
    query = request.GET
    now = SystemClock().now()
    period = report_period({}, now=now).period
    by, key = next(((axis, query[axis]) for axis in Axis if query.get(axis)), (Axis.PROJECT, ""))
    narrow = {by.value: key} if by in {Axis.INSTITUTION, Axis.PROJECT} and key else {}
    try:
        report = ask(request, period, by=by, **narrow)
    except Mistake:
        report = ask(request, period, by=by)
    mine = [row for row in report.rows if not key or (row.axis, row.key) == (by, key)]
    used = add(row.subtree for row in mine) if key else report.total
    context = {
        "figures": figures(used, 1) if mine else None,
        "measured": percent(figures(used).energy_coverage),
        "is_meter": bool(key) and any(row.kind in METERS for row in mine),
        "period": period,
    }
    return render(request, "meterhouse/usage.html", context)


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
    start, end = report.period.start, report.period.end
    filename = f"usage-by-{report.by}-{start:%Y%m%d}-{end:%Y%m%d}{chosen.suffix}"
    disposition = content_disposition_header(as_attachment=True, filename=filename)
    response.headers["Content-Disposition"] = str(disposition)
    return response


def _shortest(at: datetime, chosen: Chosen) -> str:
    """A moment as its field shows it: a midnight is its date, seconds only if they were asked."""
    if at.time() == time():
        return f"{at:%F}"
    return written_moment(at, to_second=chosen.name == "custom" and at.second > 0)


def _tried(request: HttpRequest, query: Mapping[str, str]) -> tuple[Report | None, str]:
    try:
        only(query, WORDS)
        return wanted(request, query), ""
    except Mistake as mistake:
        return None, str(mistake)


def _download(report: Report, name: str) -> HttpResponse:
    try:
        return as_file(report, name)
    except Mistake as mistake:
        return HttpResponse(str(mistake), status=400, content_type="text/plain; charset=utf-8")


def _downloads(query: Mapping[str, str]) -> list[tuple[str, str]]:
    rest = {key: value for key, value in query.items() if key != "format"}
    return [(name.upper(), f"?{urlencode({**rest, 'format': name})}") for name in formats()]


def _shown(report: Report, names: Names) -> dict[str, object]:
    compared = measure(report)
    whole = getattr(report.total, compared)
    telling = [row for row in report.rows if row.kind not in METERS]
    lines = [_line(row, compared, whole, names) for row in telling[:SHOWN]]
    return {
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


def _line(row: Row, compared: str, whole: int, names: Names) -> Line:
    part = getattr(row.subtree, compared) / whole if whole else 0.0
    exact = figures(row.subtree)
    known = percent(exact.coverage), percent(exact.energy_coverage)
    return Line(row, figures(row.subtree, 1), figures(row.own, 1), *known, part, _url(row, names))


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
