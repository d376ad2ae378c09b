"""The first page: what happens now, what there is, how the sources do, and what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from meterhouse.inventory import reading
from meterhouse.inventory.facts import ResourceInfo
from meterhouse.inventory.finding import Wanted
from meterhouse.inventory.scope import Scope
from meterhouse.inventory.staying import Staying
from meterhouse.live import newest
from meterhouse.live.newest import Newest, Power
from meterhouse.metering import meters
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.periods import Period, from_ms
from meterhouse.store import reading as store
from meterhouse.usage.gaps import Gap
from meterhouse.usage.overlaps import measured_twice
from meterhouse.web.models import SourceConfig
from meterhouse.web.pages import sources
from meterhouse.web.pages.names import names_for
from meterhouse.web.pages.question import CSV, asks
from meterhouse.web.pages.refusals import Form
from meterhouse.web.pages.tables import Column, Table, page
from meterhouse.web.rights import scope_in

NEW = timedelta(minutes=5)
"""What a source did not see before it was set up, or while it was started, is no gap of it."""

HOST = "host"  # the kind of source that meters the machine it runs on
WATCHED = 3
"""So many machines are shown live."""

TILES = (
    meters.CPU_TIME,
    meters.MEMORY_USED,
    meters.POWER,
    meters.LOAD,
    meters.NETWORK_RECEIVED,
    meters.NETWORK_SENT,
    meters.DISK_USED,
    meters.DISK_WRITTEN,
    meters.DISK_READ,
    meters.TEMPERATURE,
)
"""In which order a machine's readings stand, and which."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One reading, and where its graph is."""

    reading: Newest
    url: str


@dataclass(frozen=True, slots=True)
class Machine:
    """A resource and what it does now."""

    resource: ResourceInfo
    url: str
    tiles: list[Tile]
    at_ms: int
    is_fresh: bool


@asks(CSV)
def overview(request: HttpRequest) -> HttpResponse:
    names = names_for(request)
    scope = names.scope
    counts = (
        ("Institutions", len(names.institutions), reverse("institutions")),
        ("Projects", len(names.projects), reverse("projects")),
        ("Users", len(names.users), reverse("users")),
        ("Resources", reading.resources(scope, size=1).total, reverse("resources")),
    )
    context = {
        "heading": "Overview",
        "counts": counts,
        "usage": "" if scope.everything else reverse("usage"),
        **_now(scope),
        "unassigned": reading.resources(scope, Wanted(unassigned=True), size=1).total,
    }
    tables: list[Table[Any]] = [_gaps(scope)]
    if scope.everything:
        tables.append(sources.table())
    return page(request, "meterhouse/overview.html", context, *tables)


@asks(form=Form.PART)
def now(request: HttpRequest) -> HttpResponse:
    """The part of the overview that is fetched again every two seconds."""
    return render(request, "meterhouse/now_again.html", _now(scope_in(request)))


def _now(scope: Scope) -> dict[str, object]:
    now_ms = SystemClock().now_ms()
    watched = _machines(_watched(scope), now_ms)
    return {
        "machines": [each for each in watched if len(each.tiles) != 1],
        "singles": [each for each in watched if len(each.tiles) == 1],
        "power": _power(scope, now_ms),
    }


_found: Staying[list[ResourceInfo]] = Staying(64)


def _watched(scope: Scope) -> list[ResourceInfo]:
    """The machines this house runs on; for who may not see them, what is theirs."""
    hosts = SourceConfig.objects.filter(kind=HOST, enabled=True).order_by("name")
    names = tuple(hosts.values_list("name", flat=True)[:WATCHED])
    return _found.get((scope, names), reading.marks(), lambda: _find(scope, names))


def _find(scope: Scope, sources: Sequence[str]) -> list[ResourceInfo]:
    found: list[ResourceInfo] = []
    for name in sources:
        found += reading.resources(scope, Wanted(source=name), size=WATCHED).rows
    if not found:
        found = list(reading.resources(scope, order="newest", size=WATCHED).rows)
    return found[:WATCHED]


def _machines(resources: Sequence[ResourceInfo], now_ms: int) -> list[Machine]:
    found = newest.of([each.key for each in resources], now_ms=now_ms)
    return [_machine(each, found[each.key]) for each in resources]


def _machine(resource: ResourceInfo, found: Sequence[Newest]) -> Machine:
    readings = {one.meter: one for one in found}
    tiles = [
        Tile(
            readings[meter.name],
            f"{reverse('graphs')}?"
            f"{urlencode({'resource': resource.key, 'meter': meter.name, 'last': 'hour'})}",
        )
        for meter in TILES
        if meter.name in readings
    ]
    at_ms = max((one.at_ms for one in readings.values()), default=0)
    is_fresh = any(one.is_fresh for one in readings.values())
    return Machine(resource, reverse("resource", args=[resource.key]), tiles, at_ms, is_fresh)


def _power(scope: Scope, now_ms: int) -> Power:
    levels = store.newest(meters.POWER.name)
    mine = frozenset(levels.resources)
    if not scope.everything:
        mine &= reading.resource_keys(scope)
    counted = mine - measured_twice(mine, from_ms(now_ms))
    return newest.power(levels.of(counted), now_ms=now_ms)


def _gaps(scope: Scope) -> Table[Gap]:
    period = Period.last(timedelta(days=7), now=SystemClock().now())
    began = dict(SourceConfig.objects.values_list("name", "created"))
    rows = [
        Gap(watch.source, watch.kind, Period.from_ms(start, end))
        for watch in reading.sightings(period, scope=scope)
        for start, end in watch.gaps
        if from_ms(end) > began.get(watch.source, period.start) + NEW
    ]
    rows.sort(key=lambda row: row.period.end, reverse=True)
    return Table(
        "gaps",
        (
            Column("Source", lambda row: row.source, kind="name"),
            Column("Of what", lambda row: row.kind),
            Column("From", lambda row: row.period.start, kind="moment"),
            Column("Until", lambda row: row.period.end, kind="moment"),
            Column(
                "Hours",
                lambda row: round(row.period.length.total_seconds() / 3600, 3),
                kind="number",
            ),
        ),
        rows,
        title="Gaps",
        about="of the last 7 days, in which a source did not say what exists",
        empty="No gaps in the last 7 days",
    )
