"""Sources: how each is doing, and its last runs. For those who see everything."""

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from meterhouse.live.figures import UNKNOWN
from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import from_ms
from meterhouse.metering.secrets import masked
from meterhouse.sources import kind as kind_called
from meterhouse.web.models import SourceConfig, SourceRun, SourceStatus
from meterhouse.web.pages.publishers import of_publishers
from meterhouse.web.pages.question import CSV, asks
from meterhouse.web.pages.tables import Column, Table, moment, page
from meterhouse.web.pages.tones import TONES
from meterhouse.web.rights import scope_in
from meterhouse.web.templatetags.house import ago


@dataclass(frozen=True, slots=True)
class Known:
    """A configured source and its status, if the collector has told one."""

    config: SourceConfig
    status: SourceStatus | None

    @property
    def word(self) -> str:
        if not self.config.enabled:
            return "disabled"
        return self.status.status if self.status else "not read yet"

    @property
    def title(self) -> str:
        return title(self.config.kind)

    @property
    def last_good(self) -> datetime | None:
        return moment(self.status.last_good_ms) if self.status else None

    @property
    def next_run(self) -> datetime | None:
        return moment(self.status.next_run_ms) if self.status else None

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why numbers were not believed, and how many each."""
        return sorted(self.status.refused.items()) if self.status else []

    @property
    def refused(self) -> int:
        return sum(count for _, count in self.reasons)


@asks(CSV)
def sources(request: HttpRequest) -> HttpResponse:
    _only_for_all(request)
    context = {"heading": "Sources", "about": "What is read, how often, and how that goes."}
    tables = [table("All sources"), *of_publishers()]
    return page(request, "meterhouse/list.html", context, *tables)


@asks(CSV)
def source(request: HttpRequest, name: str) -> HttpResponse:
    _only_for_all(request)
    found = next((each for each in known() if each.config.name == name), None)
    if found is None:
        raise Http404
    context = {
        "heading": name,
        "found": found,
        "tone": TONES.get(found.word, "plain"),
        "settings": sorted(masked(found.config.config).items()),
        "has_secrets": bool(found.config.secrets),
        "crumbs": [("Sources", reverse("sources"))],
    }
    return page(request, "meterhouse/source.html", context, _runs(name))


def known() -> list[Known]:
    """Every configured source by name, in two queries."""
    statuses = {row.source: row for row in SourceStatus.objects.all()}
    rows = SourceConfig.objects.order_by("name")
    return [Known(row, statuses.get(row.name)) for row in rows]


def title(kind: str) -> str:
    """What a kind of source is called; its name, if this version does not know it."""
    try:
        return kind_called(kind).title
    except Mistake:
        return kind


def table(name: str = "Sources") -> Table[Known]:
    return Table(
        "sources",
        (
            Column("Name", lambda row: row.config.name, kind="name", link=_url, note=_error),
            Column("Kind", lambda row: row.title),
            Column(
                "Status",
                lambda row: row.word,
                kind="state",
                tone=lambda row: TONES.get(row.word, "plain"),
            ),
            Column(
                "Last good run",
                lambda row: row.last_good,
                shown=lambda row: ago(row.last_good),
                kind="moment",
            ),
            Column(
                "Next run",
                lambda row: row.next_run,
                shown=_next,
                kind="moment",
                later=True,
            ),
            Column(
                "Samples",
                lambda row: row.status.samples if row.status else 0,
                kind="number",
                later=True,
            ),
            Column(
                "Failures",
                lambda row: row.status.failures if row.status else 0,
                kind="number",
                later=True,
            ),
            Column("Not believed", lambda row: row.refused, kind="number", later=True),
            Column("Error", _error, kind="error", later=True),
        ),
        known(),
        title=name,
        empty="No sources yet",
    )


def _runs(name: str) -> Table[SourceRun]:
    return Table(
        "runs",
        (
            Column(
                "Began",
                lambda row: from_ms(row.started_ms),
                kind="moment",
                shown=lambda row: f"{from_ms(row.started_ms):%Y-%m-%d %H:%M:%S}",
                note=lambda row: row.error,
            ),
            Column(
                "Took",
                lambda row: (row.ended_ms - row.started_ms) / 1000,
                shown=lambda row: f"{(row.ended_ms - row.started_ms) / 1000:.2f} s",
                kind="number",
                unit="s",
            ),
            Column(
                "Outcome",
                lambda row: row.outcome,
                kind="state",
                tone=lambda row: TONES.get(row.outcome, "plain"),
            ),
            Column("Samples", lambda row: row.samples, kind="number"),
            Column("Objects listed", lambda row: row.objects_listed, kind="number", later=True),
            Column("Error", lambda row: row.error, kind="error", later=True),
        ),
        list(SourceRun.objects.filter(source=name).order_by("-id")),
        title="Runs",
        about="the newest; of good ones at most one a minute",
        empty="It has not run yet",
    )


def _error(row: Known) -> str:
    return row.status.error if row.status else ""


def _next(row: Known) -> str:
    if row.next_run is None:
        return UNKNOWN
    words = ago(row.next_run)
    return words if words.startswith("in ") else "due"


def _url(row: Known) -> str:
    return reverse("source", args=[row.config.name])


def _only_for_all(request: HttpRequest) -> None:
    """Errors name hosts and addresses: they are for those who run the house."""
    if not scope_in(request).everything:
        raise PermissionDenied
