"""Statements out of a database that recorded the cast's cloud."""

import pytest
from tests.inventory.cast import MIRROR, QUARTER, T0, at, everybody, instance, snapshot

from meterhouse.inventory.keep import keep
from meterhouse.inventory.scope import Scope, scope_of
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import POWER
from meterhouse.metering.periods import Period, from_ms
from meterhouse.metering.samples import Columns, Sample
from meterhouse.metering.snapshots import Resource, State
from meterhouse.store.recorder import Recorder
from meterhouse.usage.figures import figures
from meterhouse.usage.report import Axis, Report
from meterhouse.usage.statement import statement

pytestmark = pytest.mark.django_db
HOUR = Period.from_ms(T0, at(4))
HOUR_MS = 3_600_000
ALL = Scope.all()


def ask(by: Axis, scope: Scope = ALL, period: Period = HOUR) -> Report:
    return statement(period, by=by, scope=scope, now=from_ms(at(50)), using="default")


@pytest.fixture
def cloud() -> None:
    """The cast's cloud, looked at every quarter of an hour."""
    for quarter in range(5):
        keep(everybody(at(quarter)))


@pytest.mark.usefixtures("cloud")
def test_every_axis_has_the_same_total() -> None:
    totals = [ask(by).total for by in Axis]
    assert all(total == totals[0] for total in totals)
    assert totals[0].vcpu_seconds == (2 + 8 + 2) * 3600
    assert totals[0].server_seconds == {State.RUNNING: 3 * 3600}
    assert totals[0].coverage == 1


@pytest.mark.usefixtures("cloud")
def test_shares_that_a_source_lists_reach_the_projects_below() -> None:
    payers = [row for row in ask(Axis.INSTITUTION).rows if row.depth == 0]
    assert {row.name: row.own.vcpu_seconds for row in payers} == {
        "NSF": ((2 + 8) // 2 * 1800 + 2 * 3600),
        "Open Source Lab": (2 + 8) * 2700,
    }


@pytest.mark.usefixtures("cloud")
def test_rows_carry_the_names_the_inventory_has() -> None:
    assert [(row.name, row.path, row.depth) for row in ask(Axis.PROJECT).rows] == [
        ("Debian", "Debian", 0),
        ("CD", "Debian / CD", 1),
        ("Moon", "Moon", 0),
    ]
    assert [row.name for row in ask(Axis.USER).rows] == ["Alice", "Bob", "Carol"]
    resources = ask(Axis.RESOURCE).rows
    assert [(r.key, r.name) for r in resources] == [
        ("cloud/mirror", "mirror"),
        ("cloud/builder", "builder"),
        ("cloud/rocket", "rocket"),
    ]


@pytest.mark.usefixtures("cloud")
def test_a_source_that_fell_silent_leaves_a_gap_with_its_name() -> None:
    keep(everybody(at(40)))
    report = ask(Axis.PROJECT, period=Period.from_ms(T0, at(20)))
    (gap,) = report.gaps
    assert (gap.source, gap.kind) == ("cloud", "instance")
    assert at(4) < gap.period.start_ms < gap.period.end_ms == at(20)
    assert report.total.coverage is not None
    assert report.total.coverage < 1


@pytest.mark.usefixtures("cloud")
def test_carol_sees_only_what_is_hers() -> None:
    carol = scope_of(users=[row.key for row in ask(Axis.USER).rows if row.name == "Carol"])
    for by in Axis:
        shown = repr(ask(by, carol)).lower()
        assert "rocket" in shown or by != Axis.RESOURCE
        assert not any(word in shown for word in ("debian", "alice", "bob", "mirror"))


@pytest.mark.usefixtures("cloud")
def test_an_institution_sees_its_part_of_what_it_funds() -> None:
    keys = {row.name: row.key for row in ask(Axis.INSTITUTION).rows if row.depth == 0}
    osl = scope_of(institutions=[keys["Open Source Lab"]])
    assert ask(Axis.PROJECT, osl).total.vcpu_seconds == (2 + 8) * 2700


def test_energy_is_integrated_over_the_time_it_was_somebodys(clock: FixedClock) -> None:
    moved = [MIRROR, *everybody(T0)[3].objects[1:]]
    keep(everybody(T0))
    keep([snapshot("instance", at(2), [instance("mirror", project="p-moon"), *moved[1:]])])
    record([(T0 + second * 1000, 100.0) for second in range(3600)], clock)
    report = ask(Axis.PROJECT)
    kwh = {row.name: figures(row.own).energy_kwh for row in report.rows}
    assert [str(kwh[name]) for name in ("Debian", "CD", "Moon")] == ["0.0500", "None", "0.0500"]
    assert report.total.measured_ms == 4 * QUARTER
    assert report.total.unmeasured_ms == 8 * QUARTER


def record(readings: list[tuple[int, float]], clock: FixedClock) -> None:
    clock.at = from_ms(at(8))
    samples = [Sample(POWER, "cloud/mirror", watts, moment) for moment, watts in readings]
    columns = Columns.of(samples, hold_ms=5000)
    batch = Batch(publisher="alice", epoch=1, sequence=1, sent_ms=at(8), samples=columns)
    Recorder(lambda snapshots: None, clock=clock).record(batch)


def test_power_of_what_is_not_in_the_period_is_not_looked_for(clock: FixedClock) -> None:
    record([(at(-8), 100.0)], clock)
    rocket = Resource(id="cloud/rocket", kind="instance", name="rocket", state=State.RUNNING)
    keep([snapshot("instance", T0, [rocket])])
    assert ask(Axis.PROJECT).total.joules is None


def test_an_empty_house_has_an_empty_statement() -> None:
    for by in Axis:
        report = ask(by)
        assert report.rows == ()
        assert report.gaps == ()


@pytest.mark.django_db(transaction=True, databases=["default", "reports"])
@pytest.mark.usefixtures("cloud")
def test_statements_are_read_through_the_account_that_cannot_write() -> None:
    report = statement(HOUR, by=Axis.PROJECT, scope=ALL, now=from_ms(at(50)))
    assert report.total == ask(Axis.PROJECT).total


@pytest.mark.usefixtures("cloud")
def test_a_period_before_the_first_reading_has_no_gaps() -> None:
    report = ask(Axis.PROJECT, period=Period.from_ms(T0 - 2 * HOUR_MS, T0 - HOUR_MS))
    assert not report.gaps
    assert any(note.startswith("Not read yet in this period:") for note in report.notes)
