"""Kwapi's pictures under Kwapi's addresses, for who may see what is in them.

A picture's answer says how long it stands and what it is (ETag), so that nothing is drawn or sent
twice. Who asks is told by a session, by a token of the API, or by the address's own key.
"""

from collections.abc import Mapping
from datetime import datetime

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from meterhouse.live import probes as known
from meterhouse.live.pictures.drawing import Format, Style, picture
from meterhouse.live.pictures.look import Theme
from meterhouse.live.probes import Probe
from meterhouse.live.windows import WINDOWS
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import to_ms
from meterhouse.web import tokens
from meterhouse.web.pages import hall
from meterhouse.web.pages.embedding import Said, login_by_key
from meterhouse.web.pages.question import asks, moment, one_of, text, whole
from meterhouse.web.pages.refusals import Form

TYPES = {Format.PNG: "image/png", Format.SVG: "image/svg+xml"}
SUMMARY, PROBE = (694, 400), (497, 220)
"""Width as Kwapi's pictures had it."""

WIDTHS, HEIGHTS, SCALES = (200, 2000), (120, 1600), (1, 3)
MOST_PIXELS = 4_000_000

WORDS = {
    "from": moment,
    "to": moment,
    "probes": text,
    "login": text,
    "key": text,
    "format": one_of(tuple(Format)),
    "theme": one_of(tuple(Theme)),
    "legend": whole(0, 1),
    "width": whole(*WIDTHS),
    "height": whole(*HEIGHTS),
    "scale": whole(*SCALES),
}
"""What the address of a picture may say."""


@asks(WORDS, form=Form.TEXT)
@login_not_required
@require_safe
def summary(request: HttpRequest, name: str) -> HttpResponse:
    """All probes that may be seen, stacked; or those that ``probes`` names."""
    return _answer(request, name, "")


@asks(WORDS, form=Form.TEXT)
@login_not_required
@require_safe
def of_probe(request: HttpRequest, name: str, word: str) -> HttpResponse:
    return _answer(request, name, word)


def _answer(request: HttpRequest, name: str, word: str) -> HttpResponse:
    name, word, ending = _named(name, word)
    if name not in WINDOWS:
        raise Http404
    if not _is_known(request, name, word):
        if "text/html" in request.headers.get("Accept", ""):
            return redirect_to_login(request.get_full_path())
        return _refused("log in, or ask with a token or the picture's own key", 401)
    style = _style(request.GET, SUMMARY if not word else PROBE, ending)
    return _picture(request, name, word, style, now=SystemClock().now())


def _named(name: str, word: str) -> tuple[str, str, str]:
    """The period, the probe and the format that an address says; a probe may be called x.png."""
    said = word or name
    stem, _, ending = said.rpartition(".")
    if not stem or ending not in set(Format) or (word and known.probes().find(word)):
        return name, word, ""
    return (name, stem, ending) if word else (stem, "", ending)


def _is_known(request: HttpRequest, name: str, word: str) -> bool:
    """Find out who asks, for what comes after."""
    if request.user.is_authenticated:
        return True
    login = None
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        login = tokens.login_of(token.strip(), now=SystemClock().now())
    elif key := request.GET.get("key", ""):
        said, now = _said(request, name, word), SystemClock().now()
        login = login_by_key(request.GET.get("login", ""), key, said, now=now)
    if login is not None:
        request.auth = login  # type: ignore[attr-defined]
    return login is not None


def _said(request: HttpRequest, name: str, word: str) -> Said:
    """What a key has to be good for. A probe that is not there has its word for a resource, so
    that the key of another picture does not tell whether it is.
    """
    found = known.probes().find(word) if word else None
    given = (request.GET.get(each, "") for each in ("probes", "from", "to"))
    return Said(name, found.resource if found else word, *given)


def _picture(
    request: HttpRequest, name: str, word: str, style: Style, *, now: datetime
) -> HttpResponse:
    period = hall.asked(request, name, now=now)
    probes = (hall.one(request, word),) if word else _probes(request)
    if not probes:
        raise Http404
    shown = picture(hall.wanted(request, period, probes), style, now=now)
    left = max(shown.made_s + shown.age_s - to_ms(now) / 1000, 1)
    response = HttpResponse(shown.body, content_type=TYPES[style.format])
    response.headers["ETag"] = etag = f'"{shown.mark}"'
    response.headers["Cache-Control"] = f"private, max-age={int(left)}"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    patch_vary_headers(response, ("Authorization", "Cookie"))
    return get_conditional_response(request, etag=etag, response=response) or response


def _probes(request: HttpRequest) -> tuple[Probe, ...]:
    """A picture is the same wherever it is shown: it knows of no cookie."""
    request.COOKIES.pop("probes", None)
    return hall.hall(request).chosen


def _style(query: Mapping[str, str], size: tuple[int, int], ending: str) -> Style:
    """Raises Mistake for what no picture can be."""
    style = Style(
        Format(query.get("format") or ending or Format.PNG),
        Theme(query.get("theme") or Theme.LIGHT),
        int(query.get("width") or size[0]),
        int(query.get("height") or size[1]),
        int(query.get("scale") or 1),
        legend=query.get("legend") != "0",
    )
    if style.width * style.height * style.scale**2 > MOST_PIXELS:
        raise Mistake(f"a picture has at most {MOST_PIXELS} pixels: ask for less width or scale")
    return style


def _refused(said: str, status: int) -> HttpResponse:
    return HttpResponse(f"{said}\n", status=status, content_type="text/plain; charset=utf-8")
