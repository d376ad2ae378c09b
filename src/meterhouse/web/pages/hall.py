"""The probes a reader may see, and when; those they chose; and what they look at."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, HttpRequest
from django.utils.http import urlencode

from meterhouse.inventory import reading as inventory
from meterhouse.inventory.facts import FOREVER
from meterhouse.live import probes as known
from meterhouse.live.looks import Wanted
from meterhouse.live.power import Seen
from meterhouse.live.probes import Probe, Probes
from meterhouse.live.windows import WINDOWS, Window
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.meters import POWER
from meterhouse.metering.periods import Period
from meterhouse.store import reading
from meterhouse.store.reading import Levels
from meterhouse.usage.overlaps import measured_twice
from meterhouse.web.pages import choice, periods
from meterhouse.web.rights import scope_in

ALWAYS = ((0, FOREVER),)


@dataclass(frozen=True, slots=True)
class Hall:
    """mine: all probes the reader may see, or could once; chosen: those they look at.

    house:   every probe there is, whose order a written choice tells
    words:   the choice as a text; "" for all
    shared:  whether the address says it, not the cookie
    twice:   how many probes are not among the chosen because others measure the same watts
    """

    house: Probes
    mine: Probes
    chosen: tuple[Probe, ...]
    words: str
    shared: bool
    twice: int = 0


def hall(request: HttpRequest) -> Hall:
    """Raises Mistake for a choice that is none."""
    house = known.probes()
    scope = scope_in(request)
    mine = house
    if not scope.everything:
        mine = house.among(inventory.resource_keys(scope, ended=True))
    shared = "probes" in request.GET
    words = request.GET.get("probes", "") if shared else request.COOKIES.get(choice.COOKIE, "")
    try:
        chosen = choice.read(words, house) if words else ()
    except Mistake:
        if shared:
            raise
        words, chosen = "", ()  # a cookie of another time
    seen = tuple(probe for probe in chosen if mine.of(probe.resource))
    if shared and words and not chosen:
        raise Mistake("probes: none of these is here; choose again")
    if seen or (words and shared):
        return Hall(house, mine, seen, words, shared)
    every = _every(mine)
    return Hall(house, mine, every, "", shared, twice=len(mine) - len(every))


def _every(mine: Probes) -> tuple[Probe, ...]:
    """All but those whose watts another of them measures as well."""
    keys = {probe.resource for probe in mine.all}
    twice = measured_twice(keys, SystemClock().now())
    return tuple(probe for probe in mine.all if probe.resource not in twice)


def one(request: HttpRequest, word: str) -> Probe:
    """A probe by its id or key. Raises Http404 for one that is not there or never was theirs."""
    house, scope = known.probes(), scope_in(request)
    found = house.find(word)
    if found is None:
        raise Http404
    if not scope.everything and found.resource not in inventory.resource_keys(scope, ended=True):
        raise Http404
    return found


def newest(request: HttpRequest, probes: Iterable[Probe]) -> Levels:
    """The newest power of those that are the reader's now; of what was theirs once, the past."""
    scope = scope_in(request)
    resources = {probe.resource for probe in probes}
    if not scope.everything:
        resources &= inventory.resource_keys(scope)
    return reading.newest(POWER.name, now_ms=SystemClock().now_ms()).of(resources)


@dataclass(frozen=True, slots=True)
class Asked:
    """A period as an address says it: a window, all since a moment, or from one to another.

    window:  the one the address names, also where it gives moments
    is_live: whether it ends now, and goes on
    """

    window: Window
    period: Period
    is_live: bool
    is_window: bool

    @property
    def query(self) -> dict[str, str]:
        if self.is_window:
            return {}
        exactly = periods.exactly(self.period)
        return {"from": exactly["from"]} if self.is_live else exactly

    def address(self, words: str = "", **more: str) -> str:
        """What follows the path, to ask for the same again."""
        query = {**self.query, **({"probes": words} if words else {}), **more}
        return f"?{urlencode(query)}" if query else ""


def asked(request: HttpRequest, name: str, *, now: datetime) -> Asked:
    """Raises Http404 for a period that is none of the six, Mistake for moments that are none."""
    window = WINDOWS.get(name)
    if window is None:
        raise Http404
    if request.GET.get("from"):
        start, end = request.GET["from"], request.GET.get("to", "")
        period = periods.between(start, end, now=now)
        return Asked(window, period, is_live=not end, is_window=False)
    if request.GET.get("to"):
        raise Mistake("to: say from when, too")
    return Asked(window, Period.last(window.length, now=now), is_live=True, is_window=True)


def wanted(request: HttpRequest, asked: Asked, probes: tuple[Probe, ...]) -> Wanted:
    """What the reader may see of probes in a period."""
    scope = scope_in(request)
    window = asked.window if asked.is_window else None
    if scope.everything:
        seen = [Seen(probe, ALWAYS) for probe in probes]
    else:
        mine = inventory.stretches(asked.period, scope)
        seen = [Seen(probe, tuple(mine.get(probe.resource, ()))) for probe in probes]
    return Wanted(seen, asked.period, window, is_live=asked.is_live)
