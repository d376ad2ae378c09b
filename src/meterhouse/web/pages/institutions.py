"""Institutions: who they are, what they fund, what that used."""

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from meterhouse.inventory.facts import InstitutionInfo, ProjectInfo
from meterhouse.live import figures
from meterhouse.metering.clock import SystemClock
from meterhouse.web.pages import periods
from meterhouse.web.pages.names import Names, address, has_ended, names_for
from meterhouse.web.pages.question import CSV, PERIOD, asks
from meterhouse.web.pages.tables import Column, Table, moment, page


@asks(CSV)
def institutions(request: HttpRequest) -> HttpResponse:
    names = names_for(request)
    now_ms = SystemClock().now_ms()
    funded = {number: len(_funded(names, number, now_ms)) for number in names.institutions}
    table = Table(
        "institutions",
        (
            Column("Name", lambda row: row.name, kind="name", link=_url),
            Column("Key", lambda row: row.key, kind="key", later=True),
            Column("Projects funded now", lambda row: funded[row.id], kind="number"),
            Column("Known from", lambda row: row.source or "declaration", later=True),
            Column("Ended", lambda row: moment(row.ended_ms), kind="moment", later=True),
        ),
        list(names.institutions.values()),
        empty="No institutions yet",
        title="All institutions",
    )
    return page(
        request,
        "meterhouse/list.html",
        {"heading": "Institutions", "about": "Who pays for projects, and for which part of them."},
        table,
    )


@asks({**CSV, **PERIOD})
def institution(request: HttpRequest, key: str) -> HttpResponse:
    names = names_for(request)
    found = next((each for each in names.institutions.values() if each.key == key), None)
    if found is None:
        raise Http404
    now_ms = SystemClock().now_ms()
    period = periods.kept(request.GET)
    context = {
        "heading": found.name,
        "key": found.key,
        "ended": has_ended(found.ended_ms),
        "crumbs": [("Institutions", reverse("institutions"))],
        "usage": address("usage", {"institution": found.key, **period}),
        "report": address("reports", {"by": "project", "institution": found.key, **period}),
    }
    return page(request, "meterhouse/institution.html", context, _projects(names, found, now_ms))


def _projects(names: Names, institution: InstitutionInfo, now_ms: int) -> Table[ProjectInfo]:
    parts = _funded(names, institution.id, now_ms)
    return Table(
        "projects",
        (
            Column("Project", lambda row: " / ".join(row.path), kind="name", link=_project_url),
            Column(
                "Share now",
                lambda row: round(parts[row.id], 6),
                shown=lambda row: figures.percent(parts[row.id]),
                kind="number",
            ),
            Column("Known from", lambda row: row.source or "declaration", later=True),
        ),
        [names.projects[number] for number in parts],
        title="Projects it funds",
        empty="It funds no project at present",
    )


def _funded(names: Names, institution: int, now_ms: int) -> dict[int, float]:
    """Project ids in the order of the tree, to the institution's part of 1 now."""
    parts = {}
    for project in names.projects.values():
        held = names.shares_now(project, now_ms).shares
        mine = sum(share.weight for share in held if share.institution_id == institution)
        if mine:
            parts[project.id] = mine / sum(share.weight for share in held)
    return parts


def _url(row: InstitutionInfo) -> str:
    return reverse("institution", args=[row.key])


def _project_url(row: ProjectInfo) -> str:
    return reverse("project", args=[row.key])
