"""The project tree, and one project: what is below it, who funds it, what it owns and used."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from meterhouse.inventory import reading
from meterhouse.inventory.facts import MembershipInfo, ProjectInfo, ShareRow
from meterhouse.inventory.finding import Wanted
from meterhouse.live import figures
from meterhouse.metering.clock import SystemClock
from meterhouse.web.pages import periods, resources
from meterhouse.web.pages.names import Names, address, has_ended, names_for
from meterhouse.web.pages.question import CSV, PERIOD, asks
from meterhouse.web.pages.tables import Column, Table, moment, page


@asks(CSV)
def projects(request: HttpRequest) -> HttpResponse:
    names = names_for(request)
    context = {
        "heading": "Projects",
        "about": "The tree of projects. What is below a project counts for it as well.",
    }
    rows = list(names.projects.values())
    table = _tree(names, rows, "The whole tree", "No projects yet")
    return page(request, "meterhouse/list.html", context, table)


@asks({**CSV, **PERIOD})
def project(request: HttpRequest, key: str) -> HttpResponse:
    names = names_for(request)
    found = next((each for each in names.projects.values() if each.key == key), None)
    if found is None:
        raise Http404
    below = names.below(found)
    inside = {found.id, *(each.id for each in below)}
    funding = names.shares_now(found, SystemClock().now_ms())
    period = periods.kept(request.GET)
    context = {
        "heading": found.name,
        "key": found.key,
        "ended": has_ended(found.ended_ms),
        "crumbs": _crumbs(names, found),
        "parts": funding.parts(names),
        "inherited": names.projects.get(funding.project_id or 0)
        if funding.project_id != found.id
        else None,
        "usage": address("usage", {"project": found.key, **period}),
        "report": address("reports", {"by": "resource", "project": found.key, **period}),
        "more": address("resources", {"project": found.key}),
    }
    owned = reading.resources(names.scope, Wanted(projects=inside), size=20)
    return page(
        request,
        "meterhouse/project.html",
        context,
        resources.table(names, owned, Wanted(projects=inside)),
        _tree(names, below, "Below it", "It has no projects below it", above=found.depth + 1),
        _members(names, inside),
        _shares(names, found),
    )


def _tree(
    names: Names, rows: list[ProjectInfo], title: str, empty: str, above: int = 0
) -> Table[ProjectInfo]:
    now_ms = SystemClock().now_ms()

    def payers(row: ProjectInfo) -> str:
        parts = names.shares_now(row, now_ms).parts(names)
        return ", ".join(f"{name} {figures.percent(part)}" for name, part in parts) or "unassigned"

    return Table(
        "projects",
        (
            Column(
                "Project",
                lambda row: row.name,
                kind="name",
                link=lambda row: reverse("project", args=[row.key]),
                indent=lambda row: row.depth - above,
            ),
            Column("Key", lambda row: row.key, kind="key", later=True),
            Column("Funded by", payers),
            Column("Known from", lambda row: row.source or "declaration", later=True),
            Column("Ended", lambda row: moment(row.ended_ms), kind="moment", later=True),
        ),
        rows,
        empty=empty,
        title=title,
        sortable=False,  # the order is the tree
    )


@dataclass(frozen=True, slots=True)
class _Member:
    user: str
    user_url: str
    project: str
    membership: MembershipInfo


def _members(names: Names, inside: set[int]) -> Table[_Member]:
    rows = [
        _Member(
            names.user(each.user_id),
            names.user_url(each.user_id),
            names.project(each.project_id),
            each,
        )
        for each in reading.memberships(names.scope)
        if each.project_id in inside
    ]
    return Table(
        "users",
        (
            Column("User", lambda row: row.user, kind="name", link=lambda row: row.user_url),
            Column("Project", lambda row: row.project),
            Column("Role", lambda row: row.membership.role, later=True),
            Column("From", lambda row: moment(row.membership.start_ms), kind="moment", later=True),
            Column("Until", lambda row: moment(row.membership.end_ms), kind="moment", later=True),
        ),
        rows,
        title="Users",
        empty="Nobody is in it",
    )


def _shares(names: Names, project: ProjectInfo) -> Table[ShareRow]:
    def institution(row: ShareRow) -> str:
        found = names.institutions.get(row.institution_id)
        return found.name if found else ""

    return Table(
        "shares",
        (
            Column("Institution", institution, kind="name"),
            Column("Weight", lambda row: row.weight, kind="number"),
            Column("From", lambda row: moment(row.start_ms), kind="moment"),
            Column("Until", lambda row: moment(row.end_ms), kind="moment"),
        ),
        sorted(
            (share for share in names.shares if share.project_id == project.id),
            key=lambda share: -share.start_ms,
        ),
        title="Shares over time",
        empty="It has no shares of its own",
    )


def _crumbs(names: Names, project: ProjectInfo) -> list[tuple[str, str]]:
    above = [names.projects[number] for number in project.ancestors]
    return [
        ("Projects", reverse("projects")),
        *((each.name, reverse("project", args=[each.key])) for each in above),
    ]
