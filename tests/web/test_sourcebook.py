"""Configured sources are kept, their secrets encrypted, their runs noted."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.secrets import Secret
from meterhouse.sources.runner.records import Outcome, Run, SourceState, Status
from meterhouse.web import sourcebook
from meterhouse.web.models import SourceConfig, SourceRun, SourceStatus

pytestmark = pytest.mark.django_db

HOST = {"kind": "host", "interval": "5s"}
OPEN = {
    "kind": "ganeti",
    "url": "https://rapi.example:5080",
    "user": "mh",
    "fingerprint": ":".join(["A1"] * 32),
}
CLUSTER = {**OPEN, "password": "correct horse"}


def run(clock: FixedClock, outcome: Outcome = Outcome.GOOD, error: str = "") -> Run:
    return Run(
        source="here",
        kind="host",
        at=clock.now(),
        took=timedelta(milliseconds=20),
        outcome=outcome,
        samples=12,
        error=error,
    )


def state(clock: FixedClock, status: Status) -> SourceState:
    return SourceState(
        name="here",
        kind="host",
        status=status,
        last_run=clock.now(),
        last_good=None,
        next_run=None,
        error="",
        samples=1,
        bad_readings=0,
        reopenings=0,
        failures=0,
        lost=0,
    )


def test_a_saved_source_comes_back_as_it_was_declared(tmp_path: Path) -> None:
    sourcebook.save("here", HOST, data=tmp_path)
    [found] = sourcebook.configured(tmp_path)
    assert (found.name, found.kind.name, found.interval) == ("here", "host", timedelta(seconds=5))
    assert sourcebook.tables(tmp_path) == {"here": HOST}


def test_saving_again_changes_and_does_not_add(tmp_path: Path, clock: FixedClock) -> None:
    sourcebook.save("here", HOST, data=tmp_path, clock=clock)
    began = clock.now()
    clock.move(timedelta(hours=1))
    sourcebook.save("here", {**HOST, "enabled": False}, data=tmp_path, clock=clock)
    row = SourceConfig.objects.get()
    assert (row.enabled, row.created, row.changed) == (False, began, clock.now())


def test_a_mistake_is_refused_and_nothing_is_saved(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="here"):
        sourcebook.save("here", {"kind": "hosst"}, where="house.toml", data=tmp_path)
    assert not SourceConfig.objects.exists()


def test_a_password_is_not_in_the_database(tmp_path: Path) -> None:
    sourcebook.save("cluster", CLUSTER, data=tmp_path)
    row = SourceConfig.objects.get()
    assert row.config == OPEN
    assert b"correct horse" not in bytes(row.secrets)
    [found] = sourcebook.configured(tmp_path)
    assert found.config.password == Secret("correct horse")


def test_secrets_need_the_key_they_were_encrypted_with(tmp_path: Path) -> None:
    sourcebook.save("cluster", CLUSTER, data=tmp_path)
    (tmp_path / "secrets.key").unlink()
    with pytest.raises(Mistake, match=r"secrets\.key"):
        sourcebook.configured(tmp_path)


def test_the_key_is_its_owners_only(tmp_path: Path) -> None:
    sourcebook.save("cluster", CLUSTER, data=tmp_path)
    assert (tmp_path / "secrets.key").stat().st_mode & 0o777 == 0o600


def test_a_removed_source_leaves_nothing(tmp_path: Path, clock: FixedClock) -> None:
    sourcebook.save("here", HOST, data=tmp_path)
    sourcebook.note([run(clock)], [state(clock, Status.GOOD)])
    sourcebook.remove("here")
    assert not SourceConfig.objects.exists()
    assert not SourceRun.objects.exists()
    assert not SourceStatus.objects.exists()


def test_good_runs_each_second_are_noted_once_a_minute(clock: FixedClock) -> None:
    for _ in range(90):
        sourcebook.note_run(run(clock))
        clock.move(timedelta(seconds=1))
    assert SourceRun.objects.count() == 2


def test_every_run_that_failed_is_noted_and_the_good_one_after_it(clock: FixedClock) -> None:
    outcomes = [Outcome.GOOD, Outcome.BAD, Outcome.UNREACHABLE, Outcome.GOOD, Outcome.GOOD]
    sourcebook.note([run(clock, outcome, "gone") for outcome in outcomes], [])
    noted = SourceRun.objects.order_by("id").values_list("outcome", flat=True)
    assert list(noted) == ["good", "bad", "unreachable", "good"]


def test_only_the_newest_runs_are_kept(clock: FixedClock) -> None:
    for _ in range(sourcebook.RUNS_KEPT + 5):
        clock.move(timedelta(minutes=15))
        sourcebook.note_run(run(clock))
    assert SourceRun.objects.count() == sourcebook.RUNS_KEPT
    newest = SourceRun.objects.order_by("-id").first()
    assert newest is not None
    assert newest.started_ms == clock.now_ms()


def test_a_status_is_one_row_that_changes(clock: FixedClock) -> None:
    sourcebook.note_status(state(clock, Status.STARTING))
    sourcebook.note_status(state(clock, Status.FAILING))
    assert [row.status for row in SourceStatus.objects.all()] == ["failing"]


def test_the_stamp_changes_with_the_sources_and_with_nothing_else(
    tmp_path: Path, clock: FixedClock, machine: FixedClock
) -> None:
    stamps = [sourcebook.stamp()]
    sourcebook.save("here", HOST, data=tmp_path)
    stamps.append(sourcebook.stamp())
    machine.move(timedelta(microseconds=1))
    sourcebook.save("here", {**HOST, "enabled": False}, data=tmp_path)
    stamps.append(sourcebook.stamp())
    sourcebook.note([run(clock)], [state(clock, Status.GOOD)])
    assert sourcebook.stamp() == stamps[-1]
    sourcebook.save("there", HOST, data=tmp_path)
    stamps.append(sourcebook.stamp())
    sourcebook.remove("here")
    stamps.append(sourcebook.stamp())
    assert len(set(stamps)) == len(stamps)


def test_who_notes_again_and_again_is_asked_for_nothing(clock: FixedClock) -> None:
    quiet: dict[str, int] = {}
    sourcebook.note([run(clock)], [], quiet)
    many = [replace(run(clock), at=clock.now() + timedelta(seconds=n)) for n in range(1, 50)]
    with CaptureQueriesContext(connection) as asked:
        sourcebook.note(many, [], quiet)
    assert SourceRun.objects.count() == 1
    assert not [query for query in asked if "SELECT" in query["sql"]]


def test_partial_runs_are_written_down_once_a_minute_and_besides_the_good_ones(
    clock: FixedClock,
) -> None:
    quiet: dict[str, int] = {}
    outcomes = (Outcome.GOOD, Outcome.PARTIAL)
    for second in range(50):
        at = clock.now() + timedelta(seconds=second)
        one = replace(run(clock), at=at, outcome=outcomes[second % 2])
        sourcebook.note([one], [], quiet)
    assert SourceRun.objects.count() == 2
