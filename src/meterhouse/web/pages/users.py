"""Users of the clouds: which projects they are in, what is theirs."""

from collections import defaultdict

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from meterhouse.inventory import reading
from meterhouse.inventory.facts import MembershipInfo, UserInfo
from meterhouse.inventory.finding import Wanted
from meterhouse.metering.clock import SystemClock
from meterhouse.web.pages import periods, resources
from meterhouse.web.pages.names import Names, address, has_ended, names_for
from meterhouse.web.pages.question import CSV, PERIOD, asks
from meterhouse.web.pages.tables import Column, Table, moment, page


@asks(CSV)
def users(request: HttpRequest) -> HttpResponse:
    names = names_for(request)
    inside = _projects_now(names)
    table = Table(
        "users",
        (
            Column("Name", lambda row: row.name, kind="name", link=_url),
            Column("Key", lambda row: row.key, kind="key", later=True),
            Column("E-mail", lambda row: row.email, later=True),
            Column("Projects", lambda row: ", ".join(inside[row.id])),
            Column("Known from", lambda row: row.source or "declaration", later=True),
        ),
        list(names.users.values()),
        empty="No users yet",
        title="All users",
    )
    context = {"heading": "Users", "about": "People of the clouds that are metered."}
    return page(request, "meterhouse/list.html", context, table)


@asks({**CSV, **PERIOD})
def user(request: HttpRequest, key: str) -> HttpResponse:
    names = names_for(request)
    found = next((each for each in names.users.values() if each.key == key), None)
    if found is None:
        raise Http404
    wanted = Wanted(user=found.id)
    period = periods.kept(request.GET)
    context = {
        "heading": found.name,
        "key": found.key,
        "email": found.email,
        "ended": has_ended(found.ended_ms),
        "crumbs": [("Users", reverse("users"))],
        "usage": address("usage", {"user": found.key, **period}),
        "report": address("reports", {"by": "user", **period}),
        "more": address("resources", {"user": found.key}),
    }
    owned = reading.resources(names.scope, wanted, size=20)
    return page(
        request,
        "meterhouse/user.html",
        context,
        resources.table(names, owned, wanted),
        _memberships(names, found),
    )


def _memberships(names: Names, user: UserInfo) -> Table[MembershipInfo]:
    return Table(
        "projects",
        (
            Column(
                "Project",
                lambda row: names.project(row.project_id),
                kind="name",
                link=lambda row: names.project_url(row.project_id),
            ),
            Column("Role", lambda row: row.role),
            Column("From", lambda row: moment(row.start_ms), kind="moment"),
            Column("Until", lambda row: moment(row.end_ms), kind="moment"),
        ),
        [each for each in reading.memberships(names.scope) if each.user_id == user.id],
        title="Projects",
        empty="In no project that you may see",
    )


def _projects_now(names: Names) -> dict[int, list[str]]:
    """User id to the names of the projects they are in now."""
    now_ms = SystemClock().now_ms()
    found: dict[int, list[str]] = defaultdict(list)
    for each in reading.memberships(names.scope):
        if each.start_ms <= now_ms < each.end_ms and each.project_id in names.projects:
            found[each.user_id].append(names.projects[each.project_id].name)
    return found


def _url(row: UserInfo) -> str:
    return reverse("user", args=[row.key])
