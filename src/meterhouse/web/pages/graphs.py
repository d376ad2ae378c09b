"""Graphs: every series that may be seen, one of them over any period, and its points as JSON."""

from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.http import urlencode

from meterhouse.inventory import reading as inventory
from meterhouse.inventory.finding import Wanted
from meterhouse.live import figures, graphs
from meterhouse.live.graphs import Floats, Graph
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import from_ms
from meterhouse.store import reading
from meterhouse.store.reading import Stored
from meterhouse.web.pages.periods import LASTS, graph_period
from meterhouse.web.pages.tables import Column, Table, page, page_number, pager
from meterhouse.web.rights import scope_in
from meterhouse.web.sight import sight_of

WIDEST_PX = 4000
SIZE = 100


def series(request: HttpRequest) -> HttpResponse:
    """One series as a graph if the address names one, else the list of them."""
    if request.GET.get("resource") and request.GET.get("meter"):
        return _one(request)
    text = request.GET.get("q", "").strip().lower()
    rows = [one for one in visible(request) if text in f"{one.series.resource} {one.series.meter}"]
    number = page_number(request.GET)
    shown = rows[(number - 1) * SIZE : number * SIZE]
    context = {
        "heading": "Graphs",
        "about": "Every series: one meter on one resource.",
        "query": request.GET,
        "pager": pager(request.GET, number, SIZE, len(rows)),
    }
    return page(request, "meterhouse/graphs.html", context, _table(shown, rows))


def data(request: HttpRequest) -> HttpResponse:
    """The points of a graph, for the browser."""
    try:
        return JsonResponse(_points(_graph(request)))
    except Mistake as mistake:
        return JsonResponse({"error": str(mistake)}, status=400)


def visible(request: HttpRequest) -> list[Stored]:
    """Every series of what is the reader's now or was once."""
    scope = scope_in(request)
    found = reading.find()
    if scope.everything:
        return found
    mine = inventory.resources(scope, Wanted(ended=True), size=10**6).rows
    keys = {each.key for each in mine}
    return [one for one in found if one.series.resource in keys]


def _one(request: HttpRequest) -> HttpResponse:
    resource, meter = request.GET["resource"], request.GET["meter"]
    if not sight_of(resource, scope_in(request)):
        raise Http404
    mistake = ""
    try:
        chosen = graph_period(request.GET, now=SystemClock().now())
    except Mistake as error:
        mistake = str(error)
        chosen = graph_period({}, now=SystemClock().now())
    here = {"resource": resource, "meter": meter}
    found = inventory.resource(resource, scope_in(request))
    context = {
        "heading": figures.title(meter),
        "key": resource,
        "name": found.name if found else resource,
        "meter": meter,
        "mistake": mistake,
        "period": chosen.period,
        "lasts": [
            (name, f"?{urlencode({**here, 'last': name})}", name == chosen.name) for name in LASTS
        ],
        "chosen": chosen,
        "query": _query(request.GET),
        "others": [
            (figures.title(one.series.meter), f"?{_other(request.GET, one)}", _same(one, meter))
            for one in reading.find(resource=resource)
        ],
        "crumbs": [
            ("Resources", reverse("resources")),
            (found.name if found else resource, reverse("resource", args=[resource])),
        ],
    }
    return _as_csv(request) or page(request, "meterhouse/graph.html", context)


def _as_csv(request: HttpRequest) -> HttpResponse | None:
    if request.GET.get("format") != "csv":
        return None
    try:
        drawn = _graph(request)
    except Mistake as mistake:
        return HttpResponse(str(mistake), status=400, content_type="text/plain")
    columns = (drawn.at, drawn.minimum, drawn.average, drawn.maximum)
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    table = Table(
        f"{drawn.meter}",
        (
            Column("Time", lambda row: from_ms(round(row[0] * 1000)).isoformat()),
            Column("Minimum", lambda row: _number(row[1]), unit=drawn.unit),
            Column("Average", lambda row: _number(row[2]), unit=drawn.unit),
            Column("Maximum", lambda row: _number(row[3]), unit=drawn.unit),
        ),
        rows,
    )
    return page(request, "", {}, table)


def _graph(request: HttpRequest) -> Graph:
    """The graph an address asks for. Raises Mistake, or Http404 for what may not be seen."""
    query = request.GET
    return draw(query.get("resource", ""), query.get("meter", ""), query, request)


def draw(resource: str, meter: str, query: Mapping[str, str], request: HttpRequest) -> Graph:
    """Draw what may be seen of a series over the period that the query names.

    Raises Mistake for what is no period, Http404 for a series that is not there or not theirs.
    """
    sight = sight_of(resource, scope_in(request))
    found = reading.find(resource=resource, meter=meter) if sight else []
    if not found:
        raise Http404
    chosen = graph_period(query, now=SystemClock().now())
    width = query.get("width", "")
    width_px = min(int(width), WIDEST_PX) if width.isdecimal() else 1000
    return graphs.clipped(graphs.graph(found[0], chosen.period, width_px), sight.stretches)


def _points(drawn: Graph) -> dict[str, object]:
    return {
        "title": drawn.title,
        "unit": drawn.unit,
        "rate": drawn.is_rate,
        "from": drawn.period.start_ms / 1000,
        "to": drawn.period.end_ms / 1000,
        "width": drawn.width_ms / 1000,
        "columns": [
            drawn.at.tolist(),
            *(holes(column) for column in (drawn.minimum, drawn.average, drawn.maximum)),
        ],
    }


def holes(column: Floats) -> list[float | None]:
    """JSON has no NaN: what is not known is null."""
    return [_number(value) for value in column.tolist()]


def _number(value: float) -> float | None:
    return value if value == value else None  # noqa: PLR0124 only NaN differs from itself


def _table(shown: list[Stored], rows: list[Stored]) -> Table[Stored]:
    return Table(
        "series",
        (
            Column("Resource", lambda one: one.series.resource, kind="name", link=_url),
            Column("Meter", lambda one: figures.title(one.series.meter)),
            Column("Name", lambda one: one.series.meter, kind="key", later=True),
            Column("First reading", lambda one: from_ms(one.first_ms), kind="moment", later=True),
            Column("Last reading", lambda one: from_ms(one.last_ms), kind="moment"),
        ),
        shown,
        title="Series",
        about=f"{len(rows)}",
        empty="No series",
        whole=lambda: rows,
        sortable=len(shown) == len(rows),
    )


def _url(one: Stored) -> str:
    query = {"resource": one.series.resource, "meter": one.series.meter, "last": "day"}
    return f"{reverse('graphs')}?{urlencode(query)}"


def _query(query: Mapping[str, str]) -> str:
    kept = ("resource", "meter", "last", "from", "to")
    return urlencode({key: query[key] for key in kept if key in query})


def _other(query: Mapping[str, str], one: Stored) -> str:
    period = {key: query[key] for key in ("last", "from", "to") if key in query}
    return urlencode({"resource": one.series.resource, "meter": one.series.meter, **period})


def _same(one: Stored, meter: str) -> bool:
    return one.series.meter == meter
