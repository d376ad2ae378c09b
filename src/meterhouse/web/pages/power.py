"""Kwapi's pages: what probes draw, stacked, over one of six periods or any other.

Addresses are Kwapi's: ``/last/<period>/``. The page itself asks for no reading where there are
many probes: the graph and its legend are fetched once it stands.
"""

from collections.abc import Sequence

import numpy as np
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    QueryDict,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_POST

from meterhouse.live import looks
from meterhouse.live.looks import Look
from meterhouse.live.power import Floats, Power
from meterhouse.live.stack import Band, stack
from meterhouse.live.windows import WINDOWS
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import from_ms
from meterhouse.store.reading import Levels
from meterhouse.web.pages import choice, periods
from meterhouse.web.pages.embedding import address_of
from meterhouse.web.pages.hall import Asked, Hall, asked, hall, newest, wanted
from meterhouse.web.pages.legends import ORDERS, Shown, natural, shown
from meterhouse.web.pages.points import told
from meterhouse.web.pages.question import FLAG, PAGE, Question, asks, moment, one_of, text
from meterhouse.web.pages.refusals import Form
from meterhouse.web.pages.tables import Column, Table, as_csv, page
from meterhouse.web.rights import login_in, scope_in

HEADING = "Power"
LOOK = {"from": moment, "to": moment, "probes": text}
ORDER = {"sort": one_of([f"{sign}{each}" for each in ORDERS for sign in ("", "-")])}
LIST = {**ORDER, "find": text, "page": PAGE}
PAGE_WORDS = Question({**LOOK, **LIST, "format": one_of(("csv",))})
"""What the address of such a page may say."""

AROUND = "around"
"""Asks the legend to bring all that stands around the graph: another period is looked at."""

AT_ONCE = 200
"""So many probes' legend stands in the page at once; that of more is fetched."""

STREAMED = 40
"""So many probes are named to the stream; of more, all are listened to."""


@asks(PAGE_WORDS.words, tells=True)
def last(request: HttpRequest, name: str) -> HttpResponse:
    """The page of a period. What its address says wrong is said, and the period's end is now."""
    mistake = ""
    try:
        PAGE_WORDS.check(request.GET)
        found, period = _understood(request, name)
    except Mistake as error:
        if request.GET.get("format"):
            raise  # a file has no room for a word beside it
        mistake, request.GET = str(error), QueryDict("", mutable=False)
        found, period = _understood(request, name)
    if request.GET.get("format") == "csv":
        return _as_csv(look_of(request, found, period))
    context = {
        "heading": HEADING,
        "mistake": mistake,
        **_addresses(request, found, period),
        "legend": _legend(request, found, period) if len(found.chosen) <= AT_ONCE else None,
    }
    response = page(request, "meterhouse/last.html", context)
    response.status_code = 400 if mistake else 200
    return response


@asks({**PAGE_WORDS.words, AROUND: FLAG}, form=Form.PART)
def legend(request: HttpRequest, name: str) -> HttpResponse:
    """The part of the page that says what each probe did; sorted, searched, page by page.

    With ``around=1`` also whatever else of the page depends on the period: its links, its fields.
    """
    found, period = _understood(request, name)
    if request.GET.get("format") == "csv":
        return as_csv(_legend(request, found, period).table)
    context = {"legend": _legend(request, found, period), "again": True}
    if not request.GET.get(AROUND):
        return render(request, "meterhouse/legend.html", context)
    around = {**context, "heading": HEADING, **_addresses(request, found, period)}
    return render(request, "meterhouse/last_again.html", around)


@asks(LOOK, form=Form.JSON)
def data(request: HttpRequest, name: str) -> HttpResponse:
    """The bands of the graph, for the browser."""
    found, period = _understood(request, name)
    seen = look_of(request, found, period)
    levels = newest(request, found.chosen) if period.is_live else None
    return told(request, _points(seen, period, levels))


@asks(LOOK, form=Form.PART)
def table(request: HttpRequest, name: str) -> HttpResponse:
    """The graph in words: a row for each bucket, newest first; for who cannot see the picture."""
    found, period = _understood(request, name)
    drawn = look_of(request, found, period).drawn
    bands = stack(drawn)
    rows = [
        (from_ms(int(at)), [_number(value) for value in values], _number(total))
        for at, total, *values in zip(
            drawn.start, drawn.total, *(band.watts for band in bands), strict=True
        )
        if np.isfinite(total)
    ]
    context = {
        "names": [band.name(drawn) for band in bands],
        "rows": rows[::-1],
        "to_second": drawn.width.total_seconds() < 60,
    }
    return render(request, "meterhouse/graph_table.html", context)


@asks({"back": text}, form=Form.PART)
def chooser(request: HttpRequest, name: str) -> HttpResponse:
    """All probes, to choose from."""
    found = hall(request)
    chosen = {probe.resource for probe in found.chosen} if found.words else set()
    context = {
        "probes": [
            (probe, probe.resource in chosen)
            for probe in sorted(found.mine.all, key=lambda probe: natural(probe.id))
        ],
        "some": bool(found.words),
        "back": request.GET.get("back", ""),
    }
    return render(request, "meterhouse/chooser.html", context)


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep a choice in the reader's browser, and go back to the page it was made on."""
    found = hall(request)
    picked = [word for word in request.POST.getlist("probe") if found.mine.find(word)]
    back = request.POST.get("back", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = reverse("last", args=["hour"])
    response = HttpResponseRedirect(back)
    if not picked or len(picked) == len(found.mine) or "all" in request.POST:
        response.delete_cookie(choice.COOKIE, samesite="Lax")
        return response
    try:
        words = choice.written(picked, found.house)
    except Mistake as mistake:
        return HttpResponse(str(mistake), status=400, content_type="text/plain; charset=utf-8")
    response.set_cookie(
        choice.COOKIE,
        words,
        max_age=365 * 86_400,
        samesite="Lax",
        httponly=True,
        secure=request.is_secure(),
    )
    return response


def _understood(request: HttpRequest, name: str) -> tuple[Hall, Asked]:
    """What an address asks for. Raises Mistake."""
    return hall(request), asked(request, name, now=SystemClock().now())


def look_of(request: HttpRequest, found: Hall, period: Asked) -> Look:
    return looks.look(wanted(request, period, found.chosen), now=SystemClock().now())


def _legend(request: HttpRequest, found: Hall, period: Asked) -> Shown:
    here = reverse("legend", args=[period.window.name])
    return shown(
        look_of(request, found, period),
        newest(request, found.chosen),
        request.GET,
        here + period.address(found.words),
        is_live=period.is_live,
    )


def _addresses(request: HttpRequest, found: Hall, period: Asked) -> dict[str, object]:
    """Where the page's links lead, and what its scripts ask."""
    name, words = period.window.name, found.words if found.shared else ""
    to_second = period.period.length < periods.HOUR
    fetched = period.address(found.words)
    sort = {key: request.GET[key] for key in ("sort", "find", "page") if key in request.GET}
    streamed = [("probe", probe.id) for probe in found.chosen] if found.words else []
    exactly = {
        **periods.exactly(period.period),
        **({"probes": found.words} if found.words else {}),
    }
    return {
        "asked": period,
        "hall": found,
        "everything": scope_in(request).everything,
        "orders": ORDERS,
        "from": periods.written(period.period.start, to_second=to_second),
        "to": periods.written(period.period.end, to_second=to_second),
        "windows": [
            (
                window.title,
                reverse("last", args=[window.name])
                + (f"?{urlencode({'probes': words})}" if words else ""),
                period.is_window and window.name == name,
            )
            for window in WINDOWS.values()
        ],
        "now_url": reverse("last", args=[_window_for(period)])
        + (f"?{urlencode({'probes': words})}" if words else ""),
        "data_url": reverse("last-data", args=[name]) + fetched,
        "legend_url": reverse("legend", args=[name]) + period.address(found.words, **sort),
        "table_url": reverse("last-table", args=[name]) + fetched,
        "chooser_url": f"{reverse('chooser', args=[name])}?"
        + urlencode({"back": reverse("last", args=[name]) + period.address()}),
        "csv_url": period.address(found.words, format="csv"),
        "permalink": f"?{urlencode(exactly)}",
        "stream_url": "/live/power/"
        + (f"?{urlencode(streamed)}" if 0 < len(streamed) <= STREAMED else ""),
        "picture_url": address_of(
            login_in(request), period, words=found.words, now=SystemClock().now()
        ),
        "picture_base": request.build_absolute_uri("/")[:-1],
    }


def _window_for(period: Asked) -> str:
    """The window that is about as long as what is shown."""
    length = period.period.length * 0.99
    return next((each.name for each in WINDOWS.values() if each.length >= length), "year")


def _points(seen: Look, period: Asked, levels: Levels | None) -> dict[str, object]:
    """levels: of the probes that answer, for a graph that goes on."""
    drawn = seen.drawn
    bands = stack(drawn)
    return {
        "from": drawn.period.start_ms / 1000,
        "to": drawn.period.end_ms / 1000,
        "width": drawn.width.total_seconds(),
        "live": period.is_live,
        "at": (drawn.start / 1000).tolist(),
        "bands": [
            {
                "name": band.name(drawn),
                "colour": band.colour,
                "watts": np.round(band.watts, 2).tolist(),
            }
            for band in bands
        ],
        **(_going_on(drawn, bands, levels) if levels is not None else {}),
    }


def _going_on(drawn: Power, bands: Sequence[Band], levels: Levels) -> dict[str, object]:
    """What a graph needs to go on with the readings of the stream; ``of``: probe to band."""
    standing = levels.standing(SystemClock().now_ms())
    place = {number: at for at, band in enumerate(bands) for number in band.numbers}
    return {
        "of": {one.probe.id: place[number] for number, one in enumerate(drawn.seen)},
        "hold": int(levels.hold_ms.max(initial=0) or 10_000) / 1000,
        "now": {
            "w": float(standing.sum()) if len(standing) else None,
            "answering": len(standing),
            "known": len(drawn),
        },
    }


def _holes(column: Floats) -> list[float | None]:
    return [_number(value) for value in np.round(column, 2).tolist()]


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _as_csv(seen: Look) -> HttpResponse:
    """Each bucket, and in it the mean watts of every probe that is shown."""
    drawn = seen.drawn
    time: Column[int] = Column("Time", lambda row: from_ms(int(drawn.start[row])).isoformat())
    total = _column("Total", drawn.total)
    each = [
        _column(one.probe.id, row.astype(np.float64))
        for one, row in zip(drawn.seen, drawn.watts, strict=True)
    ]
    return as_csv(Table("power", (time, total, *each), range(len(drawn.start))))


def _column(name: str, watts: Floats) -> Column[int]:
    values = _holes(watts)
    return Column(name, lambda row: values[row], unit="W")
