"""Which sources are configured, how their runs went, and how each is doing now.

The collector writes here and the pages read here; what is declared in a file is saved here too.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from meterhouse.metering.clock import Clock, SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import to_ms
from meterhouse.metering.secrets import masked
from meterhouse.sources import Configured, configure
from meterhouse.sources.configuration import secret_keys
from meterhouse.sources.runner.records import Outcome, Run, SourceState, Status
from meterhouse.web import vault
from meterhouse.web.models import SourceConfig, SourceRun, SourceStatus

WHERE = "the saved configuration"
RUNS_KEPT = 200
"""Of each source: two days of a cloud that is read every 15 minutes."""

QUIET_MS = 60_000
"""A good run so soon after another good one is not written down: a wattmeter has one each second,
and its status counts them all. The same goes for a partial run after another one."""
QUIET = (Outcome.GOOD, Outcome.PARTIAL)

DEMO = "simulated-cloud"
"""The demo's source. It is declared disabled while its past is written, and then enabled."""

Table = dict[str, Any]
Stamp = tuple[tuple[str, datetime], ...]


def configured(data: Path | None = None) -> list[Configured]:
    """Every configured source, by name, with its secrets. Raises Mistake that names the source."""
    return [configure(name, table, where=WHERE) for name, table in sorted(tables(data).items())]


def usable(data: Path | None = None) -> tuple[list[Configured], dict[str, str]]:
    """The sources that can be opened, by name, and of each other one why it cannot.

    One whose secret is locked with a lost key must not keep the others from being read.
    """
    found, flaws = [], {}
    for row in SourceConfig.objects.order_by("name"):
        try:
            secrets = vault.decrypt(bytes(row.secrets), data or settings.DATA)
            found.append(configure(row.name, dict(row.config) | secrets, where=WHERE))
        except Mistake as mistake:
            flaws[row.name] = str(mistake)
    return found, flaws


def stamp() -> Stamp:
    """Another one whenever a source was added, changed or removed: much cheaper than to read all
    and open their secrets.
    """
    return tuple(SourceConfig.objects.order_by("name").values_list("name", "changed"))


def tables(data: Path | None = None) -> dict[str, Table]:
    """Source name to its table as it was declared, with its secrets: for export and comparison."""
    folder = data or settings.DATA
    return {
        row.name: dict(row.config) | vault.decrypt(bytes(row.secrets), folder)
        for row in SourceConfig.objects.order_by("name")
    }


def known(data: Path) -> dict[str, Table]:
    """As ``tables``, but secrets that cannot be opened are left out: to declare them again."""
    return {
        row.name: dict(row.config) | _opened(bytes(row.secrets), data)
        for row in SourceConfig.objects.order_by("name")
    }


def _opened(locked: bytes, data: Path) -> Table:
    try:
        return vault.decrypt(locked, data)
    except Mistake:
        return {}


def save(
    name: str,
    table: Mapping[str, object],
    *,
    where: str = WHERE,
    clock: Clock | None = None,
    data: Path | None = None,
) -> None:
    """Add a source or change it. Raises Mistake, and nothing is saved, if it cannot be opened.

    table: as ``sources.configure`` takes it; passwords as plain text
    """
    found = configure(name, table, where=where)
    hidden = secret_keys(found.kind.config)
    now = (clock or SystemClock()).now()
    values = {
        "kind": found.kind.name,
        "interval_s": found.interval.total_seconds(),
        "enabled": found.enabled,
        "config": {key: value for key, value in table.items() if key not in hidden},
        "secrets": vault.encrypt(
            {key: value for key, value in table.items() if key in hidden}, data or settings.DATA
        ),
        "changed": now,
    }
    SourceConfig.objects.update_or_create(
        name=name, defaults=values, create_defaults={**values, "created": now}
    )


def is_prepared(row: SourceConfig) -> bool:
    """Whether the demo's past is being written: its source is as first declared, and disabled."""
    return row.name == DEMO and not row.enabled and row.changed == row.created


@transaction.atomic
def remove(name: str) -> None:
    """Forget a source, its runs and its status. What it brought stays."""
    SourceConfig.objects.filter(name=name).delete()
    SourceRun.objects.filter(source=name).delete()
    SourceStatus.objects.filter(source=name).delete()


def note_run(run: Run) -> None:
    """Write a run down."""
    note([run], [])


def note_status(state: SourceState) -> None:
    """Write down how a source is doing."""
    note([], [state])


def note_flaws(flaws: Mapping[str, str]) -> None:
    """Write down which sources cannot be opened, and why; nothing is written twice."""
    for name, flaw in masked(dict(flaws)).items():
        if not SourceStatus.objects.filter(source=name, error=flaw).exists():
            kind = SourceConfig.objects.filter(name=name).values_list("kind", flat=True).first()
            SourceStatus.objects.update_or_create(
                source=name,
                defaults={
                    "kind": kind or "",
                    "status": Status.FAILING,
                    "error": flaw,
                    "next_run_ms": None,
                },
            )


@transaction.atomic
def note(
    runs: Sequence[Run], states: Sequence[SourceState], quiet: dict[str, int] | None = None
) -> None:
    """Write down what happened since the last time, in one transaction.

    Of each source the newest RUNS_KEPT runs are kept.

    quiet: source to when a good run of it was written down last; who notes again and again keeps
           it, so that nobody is asked for it: with a thousand sources that is most of the work
    """
    quiet = {} if quiet is None else quiet
    noted = [run for run in runs if _is_news(run, quiet)]
    SourceRun.objects.bulk_create(_run_row(run) for run in noted)
    for source in {run.source for run in noted}:
        _prune(source)
    SourceStatus.objects.bulk_create(
        [_status_row(state) for state in states],
        update_conflicts=True,
        unique_fields=["source"],
        update_fields=_CHANGING,
    )


def _is_news(run: Run, quiet: dict[str, int]) -> bool:
    if run.outcome not in QUIET:
        quiet |= {_key(run.source, outcome): 0 for outcome in QUIET}
        return True
    key = _key(run.source, run.outcome)
    if key not in quiet:
        last = SourceRun.objects.filter(source=run.source).order_by("-id").first()
        quiet[key] = last.started_ms if last and last.outcome == run.outcome else 0
    started_ms = to_ms(run.at)
    if started_ms - quiet[key] < QUIET_MS:
        return False
    quiet[key] = started_ms
    return True


def _key(source: str, outcome: Outcome) -> str:
    """No source's name has a space in it."""
    return source if outcome is Outcome.GOOD else f"{source} {outcome}"


def _prune(source: str) -> None:
    runs = SourceRun.objects.filter(source=source).order_by("-id")
    oldest = runs.values_list("id", flat=True)[RUNS_KEPT - 1 : RUNS_KEPT].first()
    if oldest is not None:
        runs.filter(id__lt=oldest).delete()


def _run_row(run: Run) -> SourceRun:
    return SourceRun(
        source=run.source,
        started_ms=to_ms(run.at),
        ended_ms=to_ms(run.at + run.took),
        outcome=run.outcome.value,
        samples=run.samples,
        objects_listed=run.objects,
        error=masked(run.error),
    )


def _status_row(state: SourceState) -> SourceStatus:
    return SourceStatus(
        source=state.name,
        kind=state.kind,
        status=state.status.value,
        last_run_ms=_ms(state.last_run),
        last_good_ms=_ms(state.last_good),
        next_run_ms=_ms(state.next_run),
        error=masked(state.error),
        samples=state.samples,
        bad_readings=state.bad_readings,
        reopenings=state.reopenings,
        failures=state.failures,
        lost=state.lost,
        refused=dict(state.refused),
        blocked=state.blocked,
    )


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)


_CHANGING = (
    *("kind", "status", "last_run_ms", "last_good_ms", "next_run_ms", "error"),
    *("samples", "bad_readings", "reopenings", "failures", "lost", "refused", "blocked"),
)
