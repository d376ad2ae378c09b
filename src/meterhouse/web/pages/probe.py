"""One probe: what it draws now, what it used, what it feeds, and its six periods."""

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from meterhouse.inventory import reading as inventory
from meterhouse.live import figures, graphs, looks
from meterhouse.live.amounts import energy
from meterhouse.live.figures import figure
from meterhouse.live.graphs import Graph
from meterhouse.live.probes import Probe
from meterhouse.live.windows import WINDOWS
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.meters import POWER
from meterhouse.metering.periods import Period, from_ms
from meterhouse.store import reading
from meterhouse.store.reading import Stored
from meterhouse.usage.pricing import priced
from meterhouse.usage.wires import Wires, wires_of
from meterhouse.web.models import SourceStatus
from meterhouse.web.pages import graphs as single
from meterhouse.web.pages.hall import Asked, asked, one, wanted
from meterhouse.web.pages.legends import Figures
from meterhouse.web.pages.points import told
from meterhouse.web.pages.question import FLAG, LOOKS, asks, moment, one_of
from meterhouse.web.pages.refusals import Form
from meterhouse.web.pages.resources import WIRED, measured
from meterhouse.web.pages.tables import page
from meterhouse.web.pages.tones import TONES
from meterhouse.web.rights import scope_in
from meterhouse.web.sight import Sight, sight_of


@asks(LOOKS)
def probe(request: HttpRequest, word: str) -> HttpResponse:
    found = one(request, word)
    scope = scope_in(request)
    resource = inventory.resource(found.resource, scope)
    now_ms = SystemClock().now_ms()
    series = _series(found)
    newest = next(
        iter(reading.latest([found.resource], meter=POWER.name, now_ms=now_ms)),
        None,
    )
    sight = sight_of(found.resource, scope)
    present = sight.is_present
    answers = newest is not None and newest.stands(now_ms)
    details = dict(resource.details) if resource else {}
    wires = wires_of(found.resource, scope, from_ms(now_ms)) if resource else Wires()
    keys = {end.name: end.key for end in wires.feeds}
    words = details.get("feeds", "").split()
    feeds = {word: keys.get(word, "") for word in [*words, *keys]}
    context = {
        "heading": found.id,
        "probe": found,
        "resource": resource,
        "newest": newest if present else None,
        "watts": figure(newest.value, "W")
        if newest and present and answers
        else figure(None, "W"),
        "answers": answers and present,
        **(_heard(series, sight) if series else {}),
        "counter": _counter(request, found, series.own_ms, now_ms) if series else energy(None),
        "feeds": feeds,
        "measures": measured(details),
        "facts": {word: text for word, text in details.items() if word not in WIRED},
        **_source(resource.source if resource else "", everything=scope.everything),
        "windows": [_window(request, found, name) for name in WINDOWS],
        "stream_url": f"/live/power/?{urlencode({'probe': found.id})}",
        "crumbs": [("Power", reverse("last", args=["hour"]))],
    }
    return page(request, "meterhouse/probe.html", context)


@asks(
    {
        "period": one_of(tuple(WINDOWS)),
        "from": moment,
        "to": moment,
        "width": single.WIDTH,
        "figures": FLAG,
    },
    form=Form.JSON,
)
def data(request: HttpRequest, word: str) -> HttpResponse:
    """The points of one of its graphs, as the single graphs have them; with ``figures=1`` what
    stands beside it.
    """
    found = one(request, word)
    now = SystemClock().now()
    period = asked(request, request.GET.get("period", ""), now=now)
    sight = sight_of(found.resource, scope_in(request))
    series = _series(found)
    width_px = single.width_of(request.GET)
    drawn = graphs.clipped(
        graphs.graph(series, period.period, width_px)
        if series
        else _nothing(found, period.period),
        sight.stretches,
    )
    said = _figures(request, found, period) if request.GET.get("figures") else {}
    return told(request, {**single.points(drawn), "live": period.is_live, "figures": said})


def _series(found: Probe) -> Stored | None:
    """Its readings; None if it never said a number that was believed, or all are forgotten."""
    return next(iter(reading.find(resource=found.resource, meter=POWER.name)), None)


def _heard(series: Stored, sight: Sight) -> dict[str, int]:
    """When it spoke, as far as the reader may see it (ms)."""
    first, last = sight.stretches[0][0], sight.stretches[-1][1]
    return {
        "first_ms": max(series.own_ms, first),
        "brought_ms": max(series.first_ms, first),
        "last_ms": min(series.last_ms, last),
    }


def _nothing(found: Probe, period: Period) -> Graph:
    none = np.empty(0, np.float64)
    name, unit = figures.title(POWER.name), POWER.unit.value
    return Graph(
        *(POWER.name, found.resource, name, unit),
        is_rate=False,
        period=period,
        width_ms=0,
        at=none,
        minimum=none,
        average=none,
        maximum=none,
    )


def _counter(request: HttpRequest, found: Probe, first_ms: int, now_ms: int) -> object:
    """All it used since its first own reading, as far as the reader may see it."""
    stretches = sight_of(found.resource, scope_in(request)).stretches
    spans = [
        (found.resource, max(start, first_ms), min(end, now_ms))
        for start, end in stretches
        if max(start, first_ms) < min(end, now_ms)
    ]
    millijoules = sum(each.millijoules for each in priced(spans))
    return energy(millijoules / 3.6e9)


def _window(request: HttpRequest, found: Probe, name: str) -> dict[str, object]:
    window = WINDOWS[name]
    now = SystemClock().now()
    period = Asked(window, Period.last(window.length, now=now), is_live=True, is_window=True)
    return {
        "name": name,
        "title": window.title,
        "url": f"{reverse('last', args=[name])}?{urlencode({'probes': found.id})}",
        "data": f"{reverse('probe-data', args=[found.id])}?{urlencode({'period': name})}",
        "figures": _figures(request, found, period),
        "picture": reverse("picture-of", args=[name, found.id]),
    }


def _figures(request: HttpRequest, found: Probe, period: Asked) -> dict[str, str]:
    """What a period comes to, in words; ``sum`` with cost and what is not known, if there is."""
    look = looks.look(wanted(request, period, (found,)), now=SystemClock().now())
    row = look.legend.total
    words = Figures.of(row)
    added = [str(words.kwh)]
    if row.costs:
        added.append(str(words.cost))
    if row.grams is not None:
        added.append(f"{words.emitted} CO₂e")
    if row.covered < 0.9995:
        added.append(f"{words.covered} known")
    ends = {name: str(getattr(words, name)) for name in ("minimum", "average", "maximum", "last")}
    return {**ends, "sum": ", ".join(added)}


def _source(name: str, *, everything: bool) -> dict[str, object]:
    """How the source does that reads it. What it says went wrong is for who runs the house."""
    status = SourceStatus.objects.filter(source=name).first() if name else None
    if status is None:
        return {"source": name, "source_word": "", "source_url": ""}
    return {
        "source": name,
        "source_word": status.status,
        "source_tone": TONES.get(status.status, "plain"),
        "source_error": status.error if everything else "",
        "source_url": reverse("source", args=[name]) if everything else "",
        "source_good": from_ms(status.last_good_ms) if status.last_good_ms else None,
    }
