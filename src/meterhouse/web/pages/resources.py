"""Resources: found, filtered, page by page; and one with its history, its series and its usage."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from meterhouse.inventory import reading
from meterhouse.inventory.facts import ResourceInfo, RevisionInfo
from meterhouse.inventory.finding import ORDERS, Page, Wanted
from meterhouse.live import figures
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.meters import POWER
from meterhouse.metering.snapshots import State
from meterhouse.store import reading as store
from meterhouse.store.reading import Stored
from meterhouse.usage.wires import Wires, wires_of
from meterhouse.usage.wiring import HOSTS, METERS
from meterhouse.web.pages import periods
from meterhouse.web.pages.names import Names, address, has_ended, names_for
from meterhouse.web.pages.question import CSV, FLAG, LOOKS, PAGE, PERIOD, asks, one_of, text
from meterhouse.web.pages.tables import (
    Column,
    Table,
    moment,
    page,
    page_number,
    pager,
    require_page,
)
from meterhouse.web.sight import sight_of

SIZE = 50
TONES = {
    State.RUNNING: "good",
    State.PRESENT: "good",
    State.ERROR: "bad",
    State.UNKNOWN: "warn",
    State.PAUSED: "warn",
}
ORDER_TITLES = {
    "name": "Name",
    "newest": "Newest change",
    "vcpus": "Most vCPUs",
    "ram": "Most memory",
    "disk": "Most disk",
}
CHANGES = {
    "gone": "came back",
    "vcpus": "vCPUs",
    "ram": "memory",
    "details": "details",
}
MEASURES = {
    "outlet": "at the outlet: all that goes through the cable",
    "node": "in the node: what it says of itself",
    "package": "in the processor packages: a part of the node",
}
WIRED = ("feeds", "measures")
"""Details that a page says in words of its own."""


@asks(
    {
        **CSV,
        "q": text,
        "kind": text,
        "project": text,
        "user": text,
        "page": PAGE,
        "state": one_of(tuple(State)),
        "ended": FLAG,
        "order": one_of(ORDERS),
    }
)
def resources(request: HttpRequest) -> HttpResponse:
    names = names_for(request)
    query = request.GET
    wanted = _wanted(query.dict(), names)
    order = query.get("order") or "name"
    number = page_number(query)
    found = reading.resources(names.scope, wanted, order=order, page=number, size=SIZE)
    require_page(number, SIZE, found.total)
    context = {
        "heading": "Resources",
        "about": "Everything that is metered: instances, nodes, volumes, outlets.",
        "query": query,
        "states": list(State),
        "orders": ORDER_TITLES,
        "pager": pager(query, found.number, SIZE, found.total),
        "filtered": any(query.get(key) for key in ("q", "kind", "state", "project", "user")),
    }
    return page(
        request, "meterhouse/resources.html", context, table(names, found, wanted, order=order)
    )


@asks({**CSV, **LOOKS, **PERIOD})
def resource(request: HttpRequest, key: str) -> HttpResponse:
    names = names_for(request)
    found = reading.resource(key, names.scope)
    if found is None:
        raise Http404
    sight = sight_of(key, names.scope)
    context = {
        "heading": found.name or found.key,
        "key": found.key,
        "found": found,
        "tone": TONES.get(found.state, ""),
        "ended": has_ended(found.ended_ms),
        "began": moment(found.began_ms),
        "over": moment(found.ended_ms),
        "project": names.project(found.project_id),
        "project_url": names.project_url(found.project_id),
        "user": names.user(found.user_id),
        "user_url": names.user_url(found.user_id),
        "ram": figures.gibibytes(found.ram_bytes) if found.ram_bytes else None,
        "disk": figures.gibibytes(found.disk_bytes) if found.disk_bytes else None,
        "crumbs": [("Resources", reverse("resources"))],
        "power": sight and store.find(resource=found.key, meter=POWER.name),
        "wires": _wires(found, names),
        "measures": measured(found.details),
        "facts": {word: text for word, text in found.details.items() if word not in WIRED},
        "usage": address("usage", {"resource": found.key, **periods.kept(request.GET)}),
        **_series(store.find(resource=found.key) if sight else []),
    }
    return page(request, "meterhouse/resource.html", context, _history(names, found))


def measured(details: Mapping[str, str]) -> str:
    """Where a meter measures, in words."""
    place = details.get("measures", "")
    return MEASURES.get(place, place)


def _wires(found: ResourceInfo, names: Names) -> Wires:
    """How a node or a meter is wired now."""
    if found.kind not in {*HOSTS, *METERS} or has_ended(found.ended_ms):
        return Wires()
    return wires_of(found.key, names.scope, SystemClock().now())


def _series(found: Sequence[Stored]) -> dict[str, object]:
    """Every graph of a page over the same period, so that they can be compared."""
    if not found:
        return {"series": []}
    first_ms, last_ms = min(one.first_ms for one in found), max(one.last_ms for one in found)
    chosen = periods.covering(first_ms, last_ms, now=SystemClock().now())
    until = f"{chosen.period.start:%Y-%m-%d %H:%M} to {chosen.period.end:%Y-%m-%d %H:%M} UTC"
    series = [{"resource": one.series.resource, "meter": one.series.meter} for one in found]
    return {
        "shown_period": f"last {chosen.name}" if chosen.name else until,
        "series": [
            {
                "title": figures.title(one["meter"]),
                "query": urlencode({**one, **periods.question(chosen)}),
            }
            for one in series
        ],
    }


def table(
    names: Names, found: Page, wanted: Wanted, *, order: str = "name"
) -> Table[ResourceInfo]:
    """Resources as rows; its CSV has those of all pages."""

    def whole() -> Iterator[ResourceInfo]:
        yield from reading.resources(names.scope, wanted, order=order, size=10**6).rows

    return Table(
        "resources",
        (
            Column("Name", lambda row: row.name or row.key, kind="name", link=url),
            Column("Kind", lambda row: row.kind, later=True),
            Column("State", _state, tone=_tone, kind="state"),
            Column(
                "Project",
                lambda row: names.project(row.project_id),
                link=lambda row: names.project_url(row.project_id),
            ),
            Column(
                "User",
                lambda row: names.user(row.user_id),
                link=lambda row: names.user_url(row.user_id),
                later=True,
            ),
            Column(
                "vCPUs",
                lambda row: row.vcpus,
                shown=lambda row: row.vcpus or None,
                kind="number",
            ),
            Column(
                "Memory",
                lambda row: row.ram_bytes,
                shown=lambda row: figures.gibibytes(row.ram_bytes or None),
                kind="number",
                unit="bytes",
                later=True,
            ),
            Column(
                "Disk",
                lambda row: row.disk_bytes,
                shown=lambda row: figures.gibibytes(row.disk_bytes or None),
                kind="number",
                unit="bytes",
                later=True,
            ),
            Column("Key", lambda row: row.key, kind="key", later=True),
        ),
        found.rows,
        title="Resources",
        about=f"{found.total}",
        empty="No resources",
        whole=whole,
        sortable=found.pages == 1,
    )


def url(row: ResourceInfo) -> str:
    return reverse("resource", args=[row.key])


def _state(row: ResourceInfo) -> str:
    return "ended" if has_ended(row.ended_ms) else row.state.value


def _tone(row: ResourceInfo) -> str:
    return "over" if has_ended(row.ended_ms) else TONES.get(row.state, "plain")


def _wanted(query: dict[str, Any], names: Names) -> Wanted:
    wanted = Wanted(
        text=query.get("q", "").strip(),
        kind=query.get("kind", "").strip(),
        state=State(query["state"]) if query.get("state") else None,
        ended=query.get("ended") == "1",
    )
    if query.get("project"):
        wanted = replace(wanted, projects=_inside(names, query["project"]))
    if query.get("user"):
        wanted = replace(wanted, user=_person(names, query["user"]))
    return wanted


def _person(names: Names, key: str) -> int:
    """Raises Mistake for a user who is not there, or not theirs to see: the same words."""
    for each in names.users.values():
        if each.key == key:
            return each.id
    raise Mistake(f"user: {key!r}: there is no such user here, or none you may see")


def _inside(names: Names, key: str) -> list[int]:
    """Ids of a project and those below it. Raises Mistake as for users."""
    for each in names.projects.values():
        if each.key == key:
            return [each.id, *(one.id for one in names.below(each))]
    raise Mistake(f"project: {key!r}: there is no such project here, or none you may see")


def _history(names: Names, resource: ResourceInfo) -> Table[RevisionInfo]:
    return Table(
        "history",
        (
            Column("From", lambda row: moment(row.start_ms), kind="moment"),
            Column(
                "Until",
                lambda row: moment(row.end_ms),
                shown=lambda row: moment(row.end_ms) or "now",
                kind="moment",
            ),
            Column("Changed", _changes),
            Column(
                "State",
                lambda row: row.state.value,
                tone=lambda row: TONES.get(row.state, "plain"),
                kind="state",
            ),
            Column(
                "Project",
                lambda row: names.project(row.project_id),
                link=lambda row: names.project_url(row.project_id),
            ),
            Column(
                "User",
                lambda row: names.user(row.user_id),
                link=lambda row: names.user_url(row.user_id),
            ),
            Column(
                "vCPUs", lambda row: row.vcpus, shown=lambda row: row.vcpus or None, kind="number"
            ),
            Column(
                "Memory",
                lambda row: row.ram_bytes,
                shown=lambda row: figures.gibibytes(row.ram_bytes or None),
                kind="number",
                unit="bytes",
            ),
            Column(
                "Disk",
                lambda row: row.disk_bytes,
                shown=lambda row: figures.gibibytes(row.disk_bytes or None),
                kind="number",
                unit="bytes",
            ),
        ),
        reading.history(resource.key, names.scope),
        title="History",
        about="Whose it was, and how large",
        empty="Nothing is known of its past",
        sortable=False,
    )


def _changes(row: RevisionInfo) -> str:
    if not row.changed:
        return "first seen"
    return ", ".join(CHANGES.get(word, word) for word in row.changed)
