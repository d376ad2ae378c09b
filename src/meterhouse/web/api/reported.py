"""Reports, and how the sources do."""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from ninja.errors import AuthorizationError

from meterhouse.web import counted
from meterhouse.web.api.shapes import PublisherOut, SourceOut
from meterhouse.web.models import PublisherStatus
from meterhouse.web.pages import reports, sources
from meterhouse.web.pages.tables import moment
from meterhouse.web.rights import scope_in

router = Router()


@router.get("report", summary="Who used what, as CSV, JSON or PDF")
def report(
    request: HttpRequest,
    *,
    by: str = "project",
    period: str = "",
    start: Annotated[str, Query(alias="from")] = "",
    end: Annotated[str, Query(alias="to")] = "",
    institution: str = "",
    project: str = "",
    format: str = "json",  # noqa: A002 the word in the address
) -> HttpResponse:
    """``by``: institution, project, user or resource.

    ``period``: last-24h, last-7d, last-30d (unless told otherwise), this-month, last-month,
    this-year, last-year; or ``from`` and ``to``.
    """
    query = {
        "by": by,
        "period": period,
        "from": start,
        "to": end,
        "institution": institution,
        "project": project,
    }
    return reports.as_file(reports.wanted(request, query), format)


@router.get("sources", response=list[SourceOut], summary="How the sources do")
def all_sources(request: HttpRequest) -> list[dict[str, Any]]:
    """For those who see everything."""
    if not scope_in(request).everything:
        raise AuthorizationError
    return [_source(row) for row in sources.known()]


@router.get("publishers", response=list[PublisherOut], summary="Who publishes, and how far")
def all_publishers(request: HttpRequest) -> list[dict[str, Any]]:
    """For those who see everything."""
    if not scope_in(request).everything:
        raise AuthorizationError
    return [_publisher(row) for row in counted.publishers()]


def _publisher(row: PublisherStatus) -> dict[str, Any]:
    return {
        "publisher": row.publisher,
        "epoch": moment(row.epoch),
        "last": row.last,
        "behind": max(row.last - row.acknowledged, 0),
        "heard": moment(row.heard_ms),
        "told": moment(row.told_ms),
        "sources": row.sources,
        "counts": row.counts,
    }


def _source(row: sources.Known) -> dict[str, Any]:
    status = row.status
    return {
        "name": row.config.name,
        "kind": row.config.kind,
        "enabled": row.config.enabled,
        "status": row.word,
        "last_run": moment(status.last_run_ms) if status else None,
        "last_good": moment(status.last_good_ms) if status else None,
        "next_run": moment(status.next_run_ms) if status else None,
        "error": status.error if status else "",
        "samples": status.samples if status else 0,
        "failures": status.failures if status else 0,
        "bad_readings": status.bad_readings if status else 0,
        "reopenings": status.reopenings if status else 0,
        "lost": status.lost if status else 0,
        "blocked": status.blocked if status else 0,
        "refused": status.refused if status else {},
    }
