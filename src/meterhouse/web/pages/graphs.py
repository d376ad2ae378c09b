"""Graphs: every series that may be seen, one of them over any period, and its points as JSON."""

from collections.abc import Iterable, Mapping

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from meterhouse.inventory import reading as inventory
from meterhouse.inventory.finding import Wanted
from meterhouse.live import figures, graphs, summaries
from meterhouse.live.graphs import Floats, Graph
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import from_ms
from meterhouse.store import reading
from meterhouse.store.reading import Stored
from meterhouse.web.pages import periods
from meterhouse.web.pages.periods import LASTS, Chosen, graph_period
from meterhouse.web.pages.points import told
from meterhouse.web.pages.question import (
    CSV,
    FLAG,
    PAGE,
    Question,
    asks,
    moment,
    one_of,
    text,
    whole,
)
from meterhouse.web.pages.refusals import Form
from meterhouse.web.pages.tables import Column, Table, page, page_number, pager, require_page
from meterhouse.web.rights import scope_in
from meterhouse.web.sight import sight_of
from meterhouse.web.templatetags.house import length_of

WIDEST_PX = 4000
WIDTH = whole(0, 100_000)  # a hidden graph is no pixel wide
SIZE = 100
PERIOD = {"last": text, "from": moment, "to": moment}
SERIES = {"resource": text, "meter": text}
LIST = Question({**CSV, **SERIES, "q": text, "page": PAGE})
GRAPH = Question({**SERIES, **PERIOD, "format": one_of(("csv",))})
"""What the address of the list, and of one graph, may say."""


@asks({**LIST.words, **GRAPH.words}, tells=True)
def series(request: HttpRequest) -> HttpResponse:
    """One series as a graph if the address names one, else the list of them."""
    if request.GET.get("resource") and request.GET.get("meter"):
        return _one(request)
    LIST.check(request.GET)
    names = inventory.resource_names()
    rows = _found(visible(request), request.GET, names)
    number = page_number(request.GET)
    require_page(number, SIZE, len(rows))
    shown = rows[(number - 1) * SIZE : number * SIZE]
    context = {
        "heading": "Graphs",
        "about": "Every series: one meter on one resource.",
        "query": request.GET,
        "pager": pager(request.GET, number, SIZE, len(rows)),
    }
    return page(request, "meterhouse/graphs.html", context, _table(shown, rows, names))


@asks({**SERIES, **PERIOD, "width": WIDTH, "figures": FLAG}, form=Form.JSON)
def data(request: HttpRequest) -> HttpResponse:
    """The points of a graph, for the browser; with ``figures=1`` what they come to."""
    drawn = _graph(request)
    found = points(drawn)
    if request.GET.get("figures"):
        found["figures"] = _figures(drawn, request)
    return told(request, {**found, "live": not request.GET.get("to")})


def _found(rows: Iterable[Stored], query: QueryDict, names: Mapping[str, str]) -> list[Stored]:
    """Those that an address asks for: by a part of their names, or by one whole key."""
    text = query.get("q", "").strip().lower()
    return [
        one
        for one in rows
        if text in f"{_name(one, names)} {_words(one)}".lower()
        and query.get("resource", "") in {"", one.series.resource}
        and query.get("meter", "") in {"", one.series.meter}
    ]


def _name(one: Stored, names: Mapping[str, str]) -> str:
    """What its resource is called; its key, if no source listed it or gave it a name."""
    return names.get(one.series.resource) or one.series.resource


def _words(one: Stored) -> str:
    return f"{one.series.resource} {one.series.meter} {_title(one)}"


def _title(one: Stored) -> str:
    return figures.title(one.series.meter)


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
    scope = scope_in(request)
    all_of_it = reading.find(resource=resource) if sight_of(resource, scope) else []
    if meter not in {one.series.meter for one in all_of_it}:
        raise Http404
    if request.GET.get("format") == "csv":
        return _as_csv(request)
    chosen, mistake = _chosen(request.GET)
    found = inventory.resource(resource, scope)
    name = found.name if found else resource
    context = {
        "heading": figures.title(meter),
        "key": resource,
        "name": name,
        "meter": meter,
        "mistake": mistake,
        **_addresses(resource, meter, chosen),
        "others": [
            (
                figures.title(one.series.meter),
                _address(resource, one.series.meter, periods.question(chosen)),
                one.series.meter == meter,
            )
            for one in all_of_it
        ],
        "crumbs": [
            ("Resources", reverse("resources")),
            (name, reverse("resource", args=[resource])),
        ],
    }
    response = page(request, "meterhouse/graph.html", context)
    response.status_code = 400 if mistake else 200
    return response


def _chosen(query: QueryDict) -> tuple[Chosen, str]:
    """The period an address asks for; the last hour, and why, if it cannot be understood."""
    now = SystemClock().now()
    try:
        GRAPH.check(query)
        return graph_period(query, now=now), ""
    except Mistake as mistake:
        return graph_period({}, now=now), str(mistake)


def _addresses(resource: str, meter: str, chosen: Chosen) -> dict[str, object]:
    """Where the page's links lead, and what its fields hold."""
    to_second = chosen.period.length < periods.HOUR
    return {
        "chosen": chosen,
        "from": periods.written(chosen.period.start, to_second=to_second),
        "to": periods.written(chosen.period.end, to_second=to_second),
        "query": _address(resource, meter, periods.question(chosen)),
        "permalink": _address(resource, meter, periods.exactly(chosen.period)),
        "lasts": [
            (name, _address(resource, meter, {"last": name}), name == chosen.name)
            for name in LASTS
        ],
    }


def _address(resource: str, meter: str, period: Mapping[str, str]) -> str:
    return f"?{urlencode({'resource': resource, 'meter': meter, **period})}"


def _as_csv(request: HttpRequest) -> HttpResponse:
    GRAPH.check(request.GET)
    drawn = _graph(request)
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
    width_px = width_of(query)
    return graphs.clipped(graphs.graph(found[0], chosen.period, width_px), sight.stretches)


def width_of(query: Mapping[str, str]) -> int:
    """For how many pixels; a screen that is wider gets as many points as the widest."""
    return min(int(query.get("width") or 1000), WIDEST_PX)


def _figures(drawn: Graph, request: HttpRequest) -> list[dict[str, str]]:
    """What stands under a graph, written for people."""
    found = reading.find(resource=drawn.resource, meter=drawn.meter)[0]
    stretches = sight_of(drawn.resource, scope_in(request)).stretches
    summed = summaries.summary(found, drawn, stretches)
    each = f"of rates over {length_of(drawn.width_ms / 1000)}" if drawn.width_ms else ""
    shown = [
        ("Minimum", summed.minimum, each if drawn.is_rate else ""),
        ("Average", summed.average, "weighted by time"),
        ("Maximum", summed.maximum, each if drawn.is_rate else ""),
        ("Last", summed.last, ""),
    ]
    if summed.total is not None:
        title = "Energy" if summed.total.unit.endswith("Wh") else "Total"
        shown.append(
            (title, summed.total, f"{figures.percent(summed.covered)} of the time is known")
        )
    return [
        {"name": name, "number": figure.number, "unit": figure.unit, "more": more}
        for name, figure, more in shown
    ]


def points(drawn: Graph) -> dict[str, object]:
    return {
        "title": drawn.title,
        "unit": drawn.unit,
        "rate": drawn.is_rate,
        "from": drawn.period.start_ms / 1000,
        "to": drawn.period.end_ms / 1000,
        "width": drawn.width_ms / 1000,
        "columns": [
            column.tolist() for column in (drawn.at, drawn.minimum, drawn.average, drawn.maximum)
        ],
    }


def holes(column: Floats) -> list[float | None]:
    """What is not known as None, for who cannot read NaN."""
    return [_number(value) for value in column.tolist()]


def _number(value: float) -> float | None:
    return value if value == value else None  # noqa: PLR0124 only NaN differs from itself


def _table(shown: list[Stored], rows: list[Stored], names: Mapping[str, str]) -> Table[Stored]:
    return Table(
        "series",
        (
            Column(
                "Resource",
                lambda one: one.series.resource,
                shown=lambda one: _name(one, names),
                kind="name",
                link=_url,
            ),
            Column("Meter", _title),
            Column("Name", lambda one: one.series.meter, kind="key", later=True),
            Column("First reading", lambda one: from_ms(one.first_ms), kind="moment", later=True),
            Column("Last reading", lambda one: from_ms(one.last_ms), kind="moment"),
            Column("Key", lambda one: one.series.resource, kind="key", later=True),
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
