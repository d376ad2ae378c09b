"""Statements out of a database that recorded the cast's cloud."""

import tracemalloc
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.inventory.cast import MIRROR, QUARTER, T0, at, everybody, instance, snapshot

from meterhouse.inventory.declaration import parse_text
from meterhouse.inventory.keep import keep
from meterhouse.inventory.plan import apply
from meterhouse.inventory.scope import Scope, scope_of
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import CPU_TIME, ENERGY, POWER
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


NODE = Resource(id="cloud/n1", kind="node", name="n1", vcpus=8)
OUTLET = Resource(
    id="pdu/n1", kind="outlet", name="n1", details={"feeds": "n1", "measures": "outlet"}
)


def tell(clock: FixedClock, sequence: int, hold_ms: int, samples: list[Sample]) -> None:
    clock.at = from_ms(at(400))
    columns = Columns.of(samples, hold_ms=hold_ms)
    batch = Batch(publisher="alice", epoch=1, sequence=sequence, sent_ms=at(400), samples=columns)
    Recorder(lambda snapshots: None, clock=clock).record(batch)


@pytest.fixture
def metered(clock: FixedClock) -> None:
    """Mirror and rocket on a node whose outlet draws 200 W for an hour, then 400 W."""
    keep([*everybody(T0)[:3], snapshot("node", T0, [NODE])])
    keep([snapshot("outlet", T0, [OUTLET], source="pdu")])
    mirror = replace(MIRROR, details={"node": "n1"})
    keep([snapshot("instance", T0, [mirror, instance("rocket", details={"node": "n1"})])])
    seconds = range(0, 7200, 10)
    watts = [Sample(POWER, "pdu/n1", 200.0 if s < 3600 else 400.0, T0 + s * 1000) for s in seconds]
    tell(clock, 1, 30_000, watts)


@pytest.mark.usefixtures("metered")
def test_what_an_outlet_reads_reaches_the_owners_of_what_runs_on_its_node() -> None:
    report = ask(Axis.RESOURCE, period=Period.from_ms(T0, at(8)))
    kwh = {(row.name, row.kind): str(figures(row.own).energy_kwh) for row in report.rows}
    assert kwh[("mirror", "instance")] == kwh[("rocket", "instance")] == "0.1500"  # 2 of 8 vCPUs
    assert (kwh[("n1", "idle")], kwh[("n1", "outlet")]) == ("0.3000", "None")
    assert report.total.millijoules == 600 * 3_600_000
    assert any("by vCPUs" in note for note in report.notes)


@pytest.mark.usefixtures("metered")
@pytest.mark.parametrize("by", list(Axis))
def test_power_that_is_missing_is_a_gap_with_its_source(by: Axis) -> None:
    """The last of its readings, at 1:59:50, stands for 30 s."""
    report = ask(by, period=Period.from_ms(T0, at(12)))
    power = [gap for gap in report.gaps if gap.kind == "power"]
    assert [(gap.source, gap.period.start_ms, gap.period.end_ms) for gap in power] == [
        ("pdu", T0 + 7_220_000, at(12))
    ]
    assert any("gaps of power" in note for note in report.notes)


@pytest.mark.usefixtures("metered")
def test_power_that_is_never_missing_is_no_gap() -> None:
    report = ask(Axis.PROJECT, period=Period.from_ms(T0, at(8)))
    assert [gap for gap in report.gaps if gap.kind == "power"] == []


@pytest.mark.usefixtures("metered")
def test_a_gap_of_power_is_not_named_to_who_sees_nothing_of_its_source() -> None:
    somebody = replace(ALL, everything=False)
    report = ask(Axis.PROJECT, somebody, period=Period.from_ms(T0, at(12)))
    assert [gap for gap in report.gaps if gap.kind == "power"] == []


@pytest.mark.usefixtures("metered")
def test_a_long_period_costs_what_its_data_costs() -> None:
    """Ten years of four reports took 16 GB: hours in which nothing was read cost like others."""
    whole = ask(Axis.RESOURCE, period=Period.from_ms(T0, at(8)))
    centuries = Period(from_ms(at(8)) - timedelta(days=100_000), from_ms(at(8)))
    tracemalloc.start()
    report = ask(Axis.RESOURCE, period=centuries)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert {row.key: row.own for row in report.rows} == {row.key: row.own for row in whole.rows}
    assert report.total == whole.total
    assert peak < 16 << 20  # 2.4 million hours, a number each for all that is split: 19 MB each
    before = ask(Axis.RESOURCE, period=Period(centuries.start, from_ms(T0) - timedelta(days=30)))
    assert before.total.millijoules == before.total.measured_ms == 0


@pytest.mark.usefixtures("metered")
def test_somebody_who_sees_one_project_has_the_same_part_of_the_node() -> None:
    whole = {row.key: row.own for row in ask(Axis.RESOURCE).rows}
    names = {row.name: row.key for row in ask(Axis.PROJECT).rows}
    mine = ask(Axis.RESOURCE, scope_of(projects=[names["Debian"]]))
    assert [row.key for row in mine.rows] == ["cloud/mirror"]
    assert mine.rows[0].own == whole["cloud/mirror"]
    assert not any("n1" in note for note in mine.notes)


@pytest.mark.usefixtures("metered")
def test_by_cpu_time_what_a_node_draws_idle_is_the_least_of_the_days_before(
    clock: FixedClock,
) -> None:
    """150 W idle the day before; of the 50 W beyond, the rocket has four fifths."""
    day = 86_400_000
    keep([snapshot("node", T0 - 2 * day, [NODE])])
    keep([snapshot("outlet", T0 - 2 * day, [OUTLET], source="pdu")])
    before = [Sample(POWER, "pdu/n1", 150.0, T0 - day + s * 1000) for s in range(0, 7200, 10)]
    work = [
        Sample(CPU_TIME, f"cloud/{name}", seconds * quarter, at(quarter))
        for quarter in range(-1, 6)
        for name, seconds in (("mirror", 10.0), ("rocket", 40.0))
    ]
    tell(clock, 2, 30_000, before)
    tell(clock, 3, 2_700_000, work)
    report = ask(Axis.RESOURCE)
    joules = {(row.name, row.kind): row.own.millijoules / 1000 for row in report.rows}
    assert joules[("n1", "idle")] == pytest.approx(150 * 3600)
    assert joules[("mirror", "instance")] == pytest.approx(10 * 3600)
    assert joules[("rocket", "instance")] == pytest.approx(40 * 3600)
    assert any("by CPU time" in note for note in report.notes)


@pytest.mark.usefixtures("metered")
def test_cpu_time_that_shows_nothing_once_moves_no_energy(clock: FixedClock) -> None:
    """200 W, 100 W of it idle; the mirror works 100 s in the hour and the rocket 300 s."""
    work = [
        Sample(CPU_TIME, f"cloud/{name}", 1000.0 + seconds * five / 12, T0 + five * 300_000)
        for five in range(-1, 14)
        for name, seconds in (("mirror", 100.0), ("rocket", 300.0))
    ]
    work[8] = replace(work[8], value=0.0)
    tell(clock, 2, 900_000, work)
    text = '[[idle]]\nnode = "n1"\nwatts = 100\n'
    apply(parse_text(text, "x"), now=from_ms(T0))
    report = ask(Axis.RESOURCE, period=Period.from_ms(T0, at(4)))
    joules = {(row.name, row.kind): row.own.millijoules / 1000 for row in report.rows}
    assert joules[("mirror", "instance")] == pytest.approx(25 * 3600)
    assert joules[("rocket", "instance")] == pytest.approx(75 * 3600)


@pytest.mark.usefixtures("metered")
def test_a_bmc_beside_an_outlet_is_named_and_not_counted(clock: FixedClock) -> None:
    details = {"feeds": "n1", "measures": "node"}
    bmc = Resource(id="bmc/n1", kind="outlet", name="n1", details=details)
    inlet = Resource(id="pdu/in", kind="inlet", name="in")
    keep([snapshot("outlet", T0, [bmc], source="bmc")])
    keep([snapshot("inlet", T0, [inlet], source="pdu")])
    samples = [
        Sample(POWER, key, watts, T0 + s * 1000)
        for s in range(0, 3600, 10)
        for key, watts in (("bmc/n1", 190.0), ("pdu/in", 210.0))
    ]
    tell(clock, 2, 30_000, samples)
    text = '[[feeds]]\noutlet = "nobody"\nnode = "n1"\n[[idle]]\nnode = "n1"\nwatts = 90\n'
    apply(parse_text(text, "x"), now=from_ms(T0))
    report = ask(Axis.RESOURCE)
    assert report.total.millijoules == 210 * 3_600_000
    assert report.total.overhead_mj == 10 * 3_600_000
    assert any("bmc/n1 (0.1900 kWh)" in note for note in report.notes)
    assert any("name what is not there: nobody" in note for note in report.notes)


def test_what_a_pdu_loses_is_its_own(clock: FixedClock) -> None:
    """Two PDUs of one source: a takes in 130 W for 100 W, b says 180 W for 200 W."""

    def of(pdu: str, kind: str, name: str) -> Resource:
        return Resource(id=f"pdus/{name}", kind=kind, name=name, details={"pdu": pdu})

    bmc = Resource(id="pdus/bmc", kind="outlet", name="bmc", details={"measures": "node"})
    keep(
        [
            snapshot("outlet", T0, [of("a", "outlet", "a1"), of("b", "outlet", "b1"), bmc]),
            snapshot("inlet", T0, [of("a", "inlet", "a-in"), of("b", "inlet", "b-in")]),
        ]
    )
    watts = {"a1": 100.0, "b1": 200.0, "a-in": 130.0, "b-in": 180.0, "bmc": 25.0}
    samples = [
        Sample(POWER, f"pdus/{key}", level, T0 + s * 1000)
        for s in range(0, 3600, 10)
        for key, level in watts.items()
    ]
    tell(clock, 1, 30_000, samples)
    joules = {row.name: row.own.overhead_mj / 3_600_000 for row in ask(Axis.RESOURCE).rows}
    assert (joules["a-in"], joules["b-in"]) == (30, 0)


@pytest.mark.usefixtures("metered")
def test_nodes_that_nothing_measures_are_named(clock: FixedClock) -> None:
    dark = Resource(id="cloud/n2", kind="node", name="n2", vcpus=8)
    gone = Resource(id="old/n3", kind="node", name="n3", vcpus=8)
    keep([snapshot("node", at(-9), [gone], source="old")])
    keep([snapshot("node", at(-8), [], source="old")])
    keep([snapshot("node", at(1), [NODE, dark])])
    report = ask(Axis.RESOURCE)
    (said,) = (note for note in report.notes if note.startswith("Nothing measured"))
    assert "cloud/n2:" in said
    assert "n1" not in said
    assert "n3" not in said


@pytest.mark.usefixtures("metered")
def test_a_counter_is_preferred_and_bridges_what_power_does_not_cover(clock: FixedClock) -> None:
    counted = [(-1, 0.0), (4, 800_000.0), (12, 4_000_000.0)]
    tell(clock, 2, 30_000, [Sample(ENERGY, "pdu/n1", j, at(quarter)) for quarter, j in counted])
    report = ask(Axis.RESOURCE, period=Period.from_ms(T0, at(12)))
    assert report.total.millijoules == 640_000_000 + 3_200_000_000
    assert report.total.energy_coverage == 1


@pytest.mark.usefixtures("metered")
def test_an_outlet_of_two_nodes_and_a_factor_for_all_are_explained(clock: FixedClock) -> None:
    other = Resource(id="cloud/n2", kind="node", name="n2", vcpus=8)
    keep([snapshot("node", at(1), [NODE, other])])
    text = (
        '[[feeds]]\noutlet = "pdu/n1"\nnode = "cloud/n1"\n'
        '[[feeds]]\noutlet = "pdu/n1"\nnode = "n2"\n'
        '[[idle]]\nnode = "n9"\nwatts = 90\n'
        "[[carbon]]\ng_per_kwh = 400\n"
    )
    apply(parse_text(text, "x"), now=from_ms(T0))
    report = ask(Axis.RESOURCE, period=Period.from_ms(at(4), at(8)))
    assert report.total.millijoules == 400 * 3_600_000
    joules = {(row.name, row.kind): row.own.millijoules / 1000 for row in report.rows}
    assert joules[("n2", "node")] == 200 * 3600  # nothing runs there: its own half
    assert any("0.4000 kWh went through outlets that feed several" in n for n in report.notes)
    assert any(note.startswith("CO2e is energy times") for note in report.notes)
    assert not any("no factor is declared" in note for note in report.notes)
