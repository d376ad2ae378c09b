"""Series, their points and their newest readings."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from meterhouse.inventory import reading as inventory
from meterhouse.live import figures
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.meters import METERS
from meterhouse.metering.periods import from_ms
from meterhouse.store import reading
from meterhouse.store.reading import Latest, Stored
from meterhouse.web.api.inventory import Number, Size, paged
from meterhouse.web.api.shapes import LatestOut, Listed, PointsOut, SeriesOut
from meterhouse.web.pages import graphs
from meterhouse.web.rights import scope_in

router = Router()


@router.get("series", response=Listed[SeriesOut], summary="Series, by resource and meter")
def series(
    request: HttpRequest, resource: str = "", meter: str = "", page: Number = 1, size: Size = 100
) -> dict[str, Any]:
    found = [
        one
        for one in graphs.visible(request)
        if resource in {"", one.series.resource} and meter in {"", one.series.meter}
    ]
    answer = paged(found, page, size)
    return {**answer, "items": [_series(one) for one in answer["items"]]}


@router.get("series/data", response=PointsOut, summary="What a series did in a period")
def data(
    request: HttpRequest,
    *,
    resource: str,
    meter: str,
    last: str = "",
    start: Annotated[str, Query(alias="from")] = "",
    end: Annotated[str, Query(alias="to")] = "",
    width: Annotated[int, Query(ge=50, le=graphs.WIDEST_PX, description="Pixels")] = 1000,
) -> dict[str, Any]:
    """The readings themselves where they are few, else buckets; one for every two pixels.

    The period is ``from`` and ``to``, or ``last``: minute, hour, day, week, month or year.
    Points of times when the resource was not yours are null.
    """
    query = {"from": start, "to": end, "last": last or "hour", "width": str(width)}
    drawn = graphs.draw(resource, meter, query, request)
    return {
        "resource": resource,
        "meter": meter,
        "unit": drawn.unit,
        "rate": drawn.is_rate,
        "start": drawn.period.start,
        "end": drawn.period.end,
        "width_s": drawn.width_ms / 1000,
        "at": drawn.at.tolist(),
        "minimum": graphs.holes(drawn.minimum),
        "average": graphs.holes(drawn.average),
        "maximum": graphs.holes(drawn.maximum),
    }


@router.get("latest", response=Listed[LatestOut], summary="The newest reading of every series")
def latest(
    request: HttpRequest, resource: str = "", meter: str = "", page: Number = 1, size: Size = 100
) -> dict[str, Any]:
    """Of what is yours now."""
    now_ms = SystemClock().now_ms()
    found = [one for one in _latest(request, resource, now_ms) if meter in {"", one.series.meter}]
    answer = paged(found, page, size)
    return {**answer, "items": [_newest(one, now_ms) for one in answer["items"]]}


def _latest(request: HttpRequest, resource: str, now_ms: int) -> list[Latest]:
    scope = scope_in(request)
    wanted = {resource} if resource else None
    if not scope.everything:
        mine = {row.key for row in inventory.resources(scope, size=10**6).rows}
        wanted = mine & wanted if wanted else mine
    return reading.latest(wanted, now_ms=now_ms)


def _series(one: Stored) -> dict[str, Any]:
    known = METERS.get(one.series.meter)
    return {
        "resource": one.series.resource,
        "meter": one.series.meter,
        "title": figures.title(one.series.meter),
        "kind": known.kind.value if known else "",
        "unit": known.unit.value if known else "",
        "hold_s": one.series.hold_ms / 1000,
        "first": from_ms(one.first_ms),
        "last": from_ms(one.last_ms),
    }


def _newest(one: Latest, now_ms: int) -> dict[str, Any]:
    known = METERS.get(one.series.meter)
    return {
        "resource": one.series.resource,
        "meter": one.series.meter,
        "unit": known.unit.value if known else "",
        "value": one.value,
        "at": from_ms(one.at_ms),
        "stands": one.stands(now_ms),
    }
