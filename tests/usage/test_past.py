"""The past stands: what is declared without a date changes nothing before it is applied."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meterhouse.inventory.declaration import parse_text
from meterhouse.inventory.export import export
from meterhouse.inventory.keep import keep
from meterhouse.inventory.plan import apply, plan
from meterhouse.inventory.scope import Scope, scope_of
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import POWER
from meterhouse.metering.periods import Period, to_ms
from meterhouse.metering.samples import Columns, Sample
from meterhouse.metering.snapshots import Project, Resource, Snapshot, State
from meterhouse.store.recorder import Recorder
from meterhouse.usage.figures import figures
from meterhouse.usage.report import Axis, Report
from meterhouse.usage.statement import statement

pytestmark = pytest.mark.django_db
OCTOBER = Period.month(2026, 10)
TODAY = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
WHOLE = Period(OCTOBER.start, TODAY)


def declare(text: str, at: datetime = OCTOBER.start) -> tuple[str, ...]:
    """Apply; what was applied once is not begun anew by the same file."""
    declaration = parse_text(text, "estate.toml")
    lines = apply(declaration, now=at).lines
    assert not plan(declaration, now=at + timedelta(days=3))
    assert not plan(parse_text(export(), "again.toml"), now=at + timedelta(days=3))
    return lines


def named(*keys: str) -> str:
    return "".join(f'[[institutions]]\nkey = "{key}"\n' for key in keys)


def project(key: str, rest: str = "") -> str:
    return f'[[projects]]\nkey = "{key}"\n{rest}\n'


def server(*projects: str) -> None:
    """One running instance in each project, from the first of October on."""
    there = tuple(
        Resource(
            id=f"cloud/{key}",
            kind="instance",
            name=key,
            project=key,
            state=State.RUNNING,
            vcpus=1,
        )
        for key in projects
    )
    for at in (OCTOBER.start, TODAY):
        keep(
            [
                Snapshot(
                    source="cloud",
                    kind="instance",
                    at_ms=to_ms(at),
                    complete=True,
                    objects=there,
                )
            ]
        )


def report(
    period: Period = OCTOBER, by: Axis = Axis.INSTITUTION, scope: Scope | None = None
) -> Report:
    return statement(period, by=by, scope=scope or Scope.all(), now=TODAY, using="default")


def hours(period: Period = OCTOBER) -> dict[str, int]:
    """Institution to its server hours."""
    rows = (row for row in report(period).rows if row.axis == Axis.INSTITUTION)
    return {row.key: sum(row.own.server_seconds.values()) // 3600 for row in rows}


def test_a_new_share_beside_an_old_one_begins_when_it_is_applied() -> None:
    declare(named("x") + project("c", "shares = { x = 1 }"))
    server("c")
    assert hours() == {"x": 744}
    lines = declare(named("x", "y") + project("c", "shares = { x = 1, y = 1 }"), TODAY)
    assert lines == ('+ institution y "y"', "+ share y in c: 1 from 2026-12-01T09:30:00Z")
    assert hours() == {"x": 744}


def test_a_first_share_of_its_own_ends_inherited_funding_when_it_is_applied() -> None:
    declare(named("x", "z") + project("f", "shares = { x = 1 }") + project("f/g"))
    server("f/g")
    lines = declare(project("f/g", "shares = { z = 1 }"), TODAY)
    assert lines == ("+ share z in f/g: 1 from 2026-12-01T09:30:00Z",)
    assert hours() == {"x": 744}


def test_a_first_share_where_nobody_paid_counts_since_ever() -> None:
    declare(named("x") + project("c"))
    server("c")
    assert hours() == {"unassigned": 744}
    assert declare(project("c", "shares = { x = 1 }"), TODAY) == ("+ share x in c: 1",)
    assert hours() == {"x": 744}


A_AND_B = (
    named("x", "y")
    + project("a", "shares = { x = 1 }")
    + project("b", "shares = { y = 1 }")
    + project("c", 'parent = "a"')
)


def test_a_move_changes_nothing_before_it() -> None:
    declare(A_AND_B)
    server("c")
    before = report(by=Axis.PROJECT).rows
    lines = declare(project("c", 'parent = "b"'), TODAY - timedelta(hours=10))
    assert lines == ("~ project c: parent a -> b from 2026-11-30T23:30:00Z",)
    assert hours() == {"x": 744}
    assert report(by=Axis.PROJECT).rows == before
    assert hours(Period(TODAY - timedelta(hours=12), TODAY)) == {"x": 2, "y": 10}
    paths = [row.path for row in report(WHOLE, Axis.PROJECT).rows]
    assert paths == ["b", "b / c"]


def test_who_paid_before_a_move_still_sees_what_they_paid_for() -> None:
    declare(A_AND_B)
    server("c")
    declare(project("c", 'parent = "b"'), TODAY)
    mine = report(scope=scope_of(institutions=["x"]))
    assert sum(mine.total.server_seconds.values()) == 744 * 3600
    theirs = report(scope=scope_of(institutions=["y"]))
    assert sum(theirs.total.server_seconds.values()) == 0


def test_a_source_that_moves_a_project_dates_it_by_its_list() -> None:
    declare(named("x", "y"))
    tree = [Project(id="a", name="a", shares={"x": 1}), Project(id="b", name="b", shares={"y": 1})]
    for at, parent in ((OCTOBER.start, "a"), (OCTOBER.end, "b")):
        objects = (*tree, Project(id="c", name="c", parent=parent))
        keep(
            [
                Snapshot(
                    source="cloud",
                    kind="project",
                    at_ms=to_ms(at),
                    complete=True,
                    objects=objects,
                )
            ]
        )
    server("c")
    assert hours() == {"x": 744}
    assert hours(Period.month(2026, 11)) == {"y": 720}


def test_an_outlet_that_feeds_a_node_feeds_another_only_from_now_on(clock: FixedClock) -> None:
    said = Resource(id="cloud/o", kind="outlet", name="o", details={"feeds": "n"})
    nodes = tuple(Resource(id=f"cloud/{name}", kind="node", name=name) for name in "nm")
    for kind, objects in (("outlet", (said,)), ("node", nodes)):
        for at in (OCTOBER.start, TODAY):
            keep(
                [
                    Snapshot(
                        source="cloud",
                        kind=kind,
                        at_ms=to_ms(at),
                        complete=True,
                        objects=objects,
                    )
                ]
            )
    begin = to_ms(OCTOBER.start)
    record([(begin + second * 10_000, 1000.0) for second in range(360)], clock)
    before = energy()
    lines = declare('[[feeds]]\noutlet = "cloud/o"\nnode = "m"', TODAY)
    assert lines == ("+ feed cloud/o to m: from 2026-12-01T09:30:00Z",)
    assert energy() == before
    assert str(before["n"]) == "1.0000"
    assert declare('[[feeds]]\noutlet = "o"\nnode = "n"', TODAY) == (
        "+ feed o to n: from 2026-12-01T09:30:00Z",
    )
    assert energy() == before


def energy() -> dict[str, object]:
    return {row.name: figures(row.own).energy_kwh for row in report(by=Axis.RESOURCE).rows}


def record(readings: Sequence[tuple[int, float]], clock: FixedClock) -> None:
    clock.at = TODAY
    samples = [Sample(POWER, "cloud/o", watts, moment) for moment, watts in readings]
    columns = Columns.of(samples, hold_ms=10_000)
    batch = Batch(publisher="p", epoch=1, sequence=1, sent_ms=to_ms(TODAY), samples=columns)
    Recorder(lambda snapshots: None, clock=clock).record(batch)


def test_a_first_feed_of_an_outlet_that_fed_nothing_counts_since_ever() -> None:
    assert declare('[[feeds]]\noutlet = "o"\nnode = "n"', TODAY) == ("+ feed o to n",)
    assert declare('[[feeds]]\noutlet = "o2"\nnode = "n"', TODAY) == (
        "+ feed o2 to n: from 2026-12-01T09:30:00Z",
    )
    idle = '[[idle]]\nnode = "n"\nwatts = {}'
    assert declare(idle.format(90), TODAY) == ("+ idle power of n: 90",)


PROJECTS, PAYERS = ("a", "b", "c", "d"), ("x", "y", "z")
MOVES = st.tuples(st.just("parent"), st.sampled_from(PROJECTS), st.sampled_from(["", *PROJECTS]))
FUNDS = st.tuples(
    st.just("shares"),
    st.sampled_from(PROJECTS),
    st.dictionaries(st.sampled_from(PAYERS), st.integers(1, 3), min_size=1, max_size=2),
)
STEPS = st.lists(st.tuples(st.integers(1, 200), st.one_of(MOVES, FUNDS)), max_size=6)


class Oracle:
    """What is in force now, and hours it gave each institution: one hour after another."""

    def __init__(self) -> None:
        self.parents = {"a": "", "b": "", "c": "a", "d": "c"}
        self.shares: dict[str, dict[str, int]] = {"a": {"x": 1}, "b": {"y": 1}}
        self.paid: dict[str, Fraction] = {}

    def closes(self, child: str, parent: str) -> bool:
        while parent and parent != child:
            parent = self.parents[parent]
        return parent == child

    def pass_time(self, length: int) -> None:
        for each in PROJECTS:
            at = each
            while at and at not in self.shares:
                at = self.parents[at]
            weights = self.shares.get(at, {"unassigned": 1})
            for payer, weight in weights.items():
                part = Fraction(length * weight, sum(weights.values()))
                self.paid[payer] = self.paid.get(payer, Fraction(0)) + part


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_no_history_of_declarations_changes_what_was_before_each(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    from django.db import transaction

    with transaction.atomic():
        _tell(steps)
        transaction.set_rollback(True)


def _tell(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    oracle, now = Oracle(), OCTOBER.start
    declare(named(*PAYERS) + A_AND_B.replace(named("x", "y"), "") + project("d", 'parent = "c"'))
    server(*PROJECTS)
    for length, (what, key, value) in steps:
        if what == "parent" and oracle.closes(key, value):
            continue
        oracle.pass_time(length)
        now += timedelta(hours=length)
        past = Period(OCTOBER.start, now)
        before = [report(past, by).rows for by in (Axis.INSTITUTION, Axis.PROJECT)]
        if what == "parent":
            oracle.parents[key] = value
            declare(project(key, f'parent = "{value}"'), now)
        else:
            oracle.shares.setdefault(key, {}).update(value)
            weights = ", ".join(f"{payer} = {weight}" for payer, weight in value.items())
            declare(project(key, f"shares = {{ {weights} }}"), now)
        assert [report(past, by).rows for by in (Axis.INSTITUTION, Axis.PROJECT)] == before
    if now > OCTOBER.start:
        _agrees(oracle, Period(OCTOBER.start, now))


def _agrees(oracle: Oracle, period: Period) -> None:
    rows = report(period).rows
    found = {
        row.key: sum(row.own.server_seconds.values())
        for row in rows
        if row.axis == Axis.INSTITUTION
    }
    assert found.keys() == oracle.paid.keys()
    for payer, paid in oracle.paid.items():
        assert abs(found[payer] - paid * 3600) < 4 * 7  # a piece is rounded to a second
