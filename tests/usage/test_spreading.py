"""From what meters read to whose it was: nothing is lost, nothing counts twice."""

import itertools
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.usage.estates import CAST, CD, DEBIAN, HOUR, MOON, T0, ask, revision

from meterhouse.inventory.facts import FOREVER, FeedRow, PriceRow, RevisionRow
from meterhouse.metering.periods import Period
from meterhouse.metering.snapshots import State
from meterhouse.usage.energy import Energy
from meterhouse.usage.estate import Estate
from meterhouse.usage.feeding import feed
from meterhouse.usage.report import Axis, Report
from meterhouse.usage.sharing import Work
from meterhouse.usage.spreading import Readings, spread
from meterhouse.usage.stretches import Stretches
from meterhouse.usage.summary import add
from meterhouse.usage.tariff import Tariff
from meterhouse.usage.windows import Windows, apportion
from meterhouse.usage.wiring import HOSTS, Book, Feed, wire

HOURS = 6
PERIOD = Period.from_ms(T0, T0 + HOURS * HOUR)
KWH = 3_600_000_000


def node(name: str, *hours: float, project: int | None = None, vcpus: int = 8) -> RevisionRow:
    span = (hours[0], hours[1]) if hours else (0, HOURS)
    return revision(name, project, span, kind="node", vcpus=vcpus, state=State.PRESENT)


def outlet(
    name: str, feeds: str, *hours: float, place: str = "outlet", project: int | None = None
) -> RevisionRow:
    details = f'{{"feeds":"{feeds}","measures":"{place}"}}'
    span = (hours[0], hours[1]) if hours else (0, HOURS)
    return revision(
        name,
        project,
        span,
        kind="outlet",
        vcpus=0,
        ram_bytes=0,
        disk_bytes=0,
        details=details,
        state=State.PRESENT,
    )


def vm(
    name: str, on: str, *hours: float, vcpus: int = 2, project: int | None = DEBIAN, **values: Any
) -> RevisionRow:
    span = (hours[0], hours[1]) if hours else (0, HOURS)
    return revision(name, project, span, vcpus=vcpus, details=f'{{"node":"{on}"}}', **values)


Metered = dict[str, list[float]]
"""Meter to kWh in each hour; a negative number: nothing was read in that hour."""


def house(
    *rows: RevisionRow,
    metered: Metered,
    feeds: tuple[FeedRow, ...] = (),
    cpu: Metered | None = None,
    idle: dict[str, float] | None = None,
    tariff: Tariff | None = None,
) -> Estate:
    tariff = tariff or Tariff()
    windows = Windows.of(PERIOD, np.empty(0, np.int64))
    hours = np.searchsorted(np.arange(1, HOURS + 1) * HOUR, windows.edges[:-1] - T0, side="right")
    names = {row.resource_key: row.resource_key.split("/")[1] for row in rows}
    kinds = {row.resource_key: row.kind for row in rows}
    hosts = Book({key: names[key] for key in names if kinds[key] in HOSTS})
    outlets = Book({key: names[key] for key in names if kinds[key] == "outlet"})
    wiring = wire(rows, feeds, hosts, outlets)
    part = windows.length / HOUR
    energy = {
        f"cloud/{key}": (
            np.maximum(np.array(amounts), 0)[hours] * part * KWH,
            np.where(np.array(amounts) >= 0, 1.0, 0.0)[hours] * windows.length.astype(float),
        )
        for key, amounts in metered.items()
    }
    there = {
        key: windows.filled(
            np.zeros(len(mine), np.int64),
            np.ones(len(mine), np.int64),
            np.array([row.start_ms for row in mine]),
            np.array([row.end_ms for row in mine]),
            1,
        )[0]
        for key in names
        if kinds[key] in HOSTS
        for mine in [[row for row in rows if row.resource_key == key]]
    }
    fed = feed(windows, wiring.feeds, energy, there)
    work = None
    if cpu is not None:
        seconds = np.array([np.maximum(amounts, 0) for amounts in cpu.values()])[:, hours] * part
        known = np.array(list(cpu.values()))[:, hours] >= 0
        work = (
            {f"cloud/{key}": n for n, key in enumerate(cpu)},
            Work(seconds, known * windows.length.astype(float)),
        )
    idle_w = np.array([(idle or {}).get(key.split("/")[1], np.nan) for key in fed.nodes])
    readings = Readings(
        windows=windows,
        fed=fed,
        idle_w=np.repeat(idle_w[:, None], len(windows), axis=1),
        work=work,
        hosts=hosts,
        moments=tariff.moments,
        direct=lambda of: Energy.none(len(of)),
    )
    return replace(
        CAST,
        stretches=Stretches.of([rows]),
        tariff=tariff,
        spread=lambda pieces: spread(pieces, readings),
    )


def resources(of: Estate) -> dict[tuple[str, str], float]:
    """(name, kind) to kWh, of what has any."""
    rows = ask(Axis.RESOURCE, of, period=PERIOD).rows
    found: dict[tuple[str, str], float] = {}
    for row in rows:
        if row.own.millijoules:
            key = (row.key.split("/")[1], row.kind)
            found[key] = found.get(key, 0) + row.own.millijoules / KWH
    return found


def total(of: Estate) -> Report:
    return ask(Axis.RESOURCE, of, period=PERIOD)


def test_a_node_is_split_by_the_vcpus_on_it_and_what_nobody_has_is_idle() -> None:
    """8 vCPUs: a has 2, b has 4 in the last three hours; 1 kWh an hour."""
    of = house(
        node("n1", project=MOON),
        vm("a", "n1"),
        vm("b", "n1", 3, 6, vcpus=4),
        outlet("p1", "n1"),
        metered={"p1": [1.0] * 6},
    )
    assert resources(of) == {("a", "instance"): 1.5, ("b", "instance"): 1.5, ("n1", "idle"): 3.0}
    report = total(of)
    assert report.total.millijoules == report.total.estimated_mj == 6 * KWH
    assert report.total.idle_mj == 3 * KWH
    assert report.total.energy_coverage == 1
    (idle,) = (row for row in report.rows if row.kind == "idle")
    assert (idle.project, idle.own.resource_seconds) == ("moon", 0)


def test_an_instance_that_moves_in_the_middle_of_an_hour_has_its_part_on_both_nodes() -> None:
    of = house(
        node("n1", vcpus=4),
        node("n2", vcpus=4),
        outlet("p1", "n1"),
        outlet("p2", "n2"),
        vm("a", "n1", 0, 2.5, vcpus=4),
        vm("a", "n2", 2.5, 6, vcpus=4),
        metered={"p1": [1.0] * 6, "p2": [2.0] * 6},
    )
    assert resources(of) == pytest.approx(
        {
            ("a", "instance"): 2.5 + 7,
            ("n1", "node"): 3.5,
            ("n2", "node"): 5.0,
        }
    )


def test_by_cpu_time_the_idle_power_is_the_nodes_and_the_rest_is_who_worked() -> None:
    of = house(
        node("n1"),
        vm("a", "n1"),
        vm("b", "n1"),
        outlet("p1", "n1"),
        metered={"p1": [0.5] * 6},
        cpu={"a": [100.0] * 6, "b": [300.0] * 6},
        idle={"n1": 100.0},
    )
    assert resources(of) == pytest.approx(
        {("a", "instance"): 0.6, ("b", "instance"): 1.8, ("n1", "idle"): 0.6}
    )
    assert total(of).total.cpu_mj == total(of).total.estimated_mj == 3 * KWH


def test_an_hour_in_which_ones_cpu_time_is_unknown_is_split_by_vcpus() -> None:
    of = house(
        node("n1", vcpus=4),
        vm("a", "n1"),
        vm("b", "n1"),
        outlet("p1", "n1"),
        metered={"p1": [1.0] * 6},
        idle={"n1": 0.0},
        cpu={"a": [100.0] * 6, "b": [300.0, 300, 300, -1, -1, -1]},
    )
    assert resources(of) == pytest.approx(
        {("a", "instance"): 0.75 + 1.5, ("b", "instance"): 2.25 + 1.5}
    )
    silent = house(
        node("n1", vcpus=4),
        vm("a", "n1"),
        vm("b", "n1"),
        outlet("p1", "n1"),
        metered={"p1": [1.0] * 6},
        cpu={"a": [100.0] * 6},
        idle={"n1": 0.0},
    )
    assert resources(silent) == {("a", "instance"): 3.0, ("b", "instance"): 3.0}


def test_where_nobody_worked_all_is_idle() -> None:
    of = house(
        node("n1"),
        vm("a", "n1"),
        outlet("p1", "n1"),
        metered={"p1": [1.0] * 6},
        cpu={"a": [0.0] * 6},
        idle={"n1": 100.0},
    )
    assert resources(of) == {("n1", "idle"): 6.0}


def test_the_least_work_there_can_be_is_all_the_work_there_was() -> None:
    of = house(
        node("n1"),
        vm("a", "n1"),
        outlet("p1", "n1"),
        metered={"p1": [1.0] * 6},
        cpu={"a": [5e-324] * 6},
        idle={"n1": 0.0},
    )
    assert resources(of) == {("a", "instance"): 6.0}


def test_both_supplies_of_a_node_are_summed_and_its_bmc_does_not_count_again() -> None:
    of = house(
        node("n1"),
        outlet("p1", "n1"),
        outlet("p2", "n1"),
        outlet("bmc", "n1", place="node"),
        outlet("rapl", "n1", place="package"),
        metered={"p1": [1.0] * 6, "p2": [0.5] * 6, "bmc": [1.4] * 6, "rapl": [0.9] * 6},
    )
    assert resources(of) == {("n1", "node"): 9.0}
    assert total(of).total.estimated_mj == 0


def test_a_bmc_counts_only_while_the_outlet_is_silent() -> None:
    of = house(
        node("n1"),
        outlet("p1", "n1"),
        outlet("bmc", "n1", place="node"),
        metered={"p1": [1.0, 1, -1, -1, 1, 1], "bmc": [0.9] * 6},
    )
    assert resources(of) == pytest.approx({("n1", "node"): 4 + 1.8})


def test_an_outlet_of_two_nodes_is_split_evenly_over_those_that_are_there() -> None:
    of = house(node("n1"), node("n2", 2, 6), outlet("p1", "n1 n2"), metered={"p1": [1.0] * 6})
    assert resources(of) == {("n1", "node"): 4.0, ("n2", "node"): 2.0}
    assert total(of).total.estimated_mj == 4 * KWH


def test_what_feeds_nobody_known_is_overhead_of_the_outlets_owner_and_counts_once() -> None:
    of = house(
        outlet("switch", "sw1", project=MOON),
        outlet("self", "sw1", place="node"),
        metered={"switch": [1.0] * 6, "self": [0.9] * 6},
    )
    assert resources(of) == {("switch", "overhead"): 6.0}
    assert total(of).total.overhead_mj == 6 * KWH
    assert [row.key for row in ask(Axis.PROJECT, of, period=PERIOD).rows] == ["moon", "unassigned"]


def test_a_declared_feed_overrides_what_an_outlet_says_while_it_holds() -> None:
    feeds = (FeedRow("p1", "n2", T0 + 2 * HOUR, FOREVER), FeedRow("gone", "n1", 0, FOREVER))
    of = house(node("n1"), node("n2"), outlet("p1", "n1"), metered={"p1": [1.0] * 6}, feeds=feeds)
    assert resources(of) == {("n1", "node"): 2.0, ("n2", "node"): 4.0}


def test_a_stopped_instance_draws_nothing_and_a_node_of_unknown_size_has_no_idle_share() -> None:
    of = house(
        node("n1", vcpus=0),
        vm("a", "n1"),
        vm("b", "n1", state=State.STOPPED),
        outlet("p1", "n1"),
        metered={"p1": [1.0] * 6},
    )
    assert resources(of) == {("a", "instance"): 6.0}


def test_a_hole_in_the_readings_is_time_that_is_not_covered() -> None:
    of = house(
        node("n1"),
        vm("a", "n1", vcpus=8),
        outlet("p1", "n1"),
        metered={"p1": [1.0, -1, 1, 1, 1, 1]},
    )
    (a,) = (row for row in total(of).rows if row.kind == "instance")
    assert (a.own.millijoules, a.own.measured_ms, a.own.unmeasured_ms) == (5 * KWH, 5 * HOUR, HOUR)


def test_a_hole_while_a_node_was_busy_is_its_idle_shares_and_not_the_nodes() -> None:
    of = house(
        node("n1", vcpus=8),
        vm("a", "n1", 0, 4, vcpus=4),
        outlet("p1", "n1"),
        metered={"p1": [1.0, -1, 1, 1, -1, 1]},
    )
    known = {
        row.kind: (row.own.measured_ms / HOUR, row.own.unmeasured_ms / HOUR)
        for row in total(of).rows
    }
    assert known["idle"] == known["instance"] == (3, 1)
    assert known["node"] == (1, 1)


def test_a_price_that_changes_in_the_middle_of_an_hour_splits_the_hour() -> None:
    prices = [
        PriceRow(Decimal(1), "EUR", 0, T0 + HOUR // 2),
        PriceRow(Decimal(3), "EUR", T0 + HOUR // 2, FOREVER),
    ]
    of = house(
        node("n1", vcpus=2),
        vm("a", "n1", 0, 1),
        outlet("p1", "n1"),
        metered={"p1": [1.0, 0, 0, 0, 0, 0]},
        tariff=Tariff(prices=prices),
    )
    assert total(of).total.costs == {"EUR": 2 * 10**9}


readings = st.lists(
    st.one_of(st.just(-1.0), st.floats(0, 5, allow_nan=False)), min_size=HOURS, max_size=HOURS
)
spans = st.tuples(st.floats(0, HOURS), st.floats(0, HOURS)).filter(lambda s: s[1] - s[0] > 0.01)


@st.composite
def houses(draw: st.DrawFn) -> Estate:
    """Any nodes, meters, placements, migrations, gaps and prices."""
    nodes = [f"n{number}" for number in range(draw(st.integers(1, 3)))]
    words = st.lists(st.sampled_from([*nodes, "ghost"]), min_size=1, max_size=2, unique=True)
    rows = [
        node(
            each,
            *draw(spans),
            project=draw(st.sampled_from([None, CD])),
            vcpus=draw(st.integers(0, 8)),
        )
        for each in nodes
    ]
    places = st.sampled_from(["outlet", "outlet", "node", "package"])
    meters = [f"p{number}" for number in range(draw(st.integers(1, 4)))]
    rows += [
        outlet(each, " ".join(draw(words)), *draw(spans), place=draw(places)) for each in meters
    ]
    for number in range(draw(st.integers(0, 4))):
        start, end = draw(spans)
        cut = draw(st.floats(start, end))
        project = draw(st.sampled_from([None, DEBIAN, CD, MOON]))
        for first, last in ((start, cut), (cut, end)):
            if last - first > 0.001:
                rows.append(
                    vm(
                        f"v{number}",
                        draw(st.sampled_from(nodes)),
                        first,
                        last,
                        vcpus=draw(st.integers(0, 8)),
                        project=project,
                    )
                )
    cuts = sorted(draw(st.sets(st.integers(0, HOURS * HOUR), max_size=3)))
    prices = [
        PriceRow(Decimal(n + 1), "EUR" if n % 2 else "SEK", T0 + a, T0 + b)
        for n, (a, b) in enumerate(itertools.pairwise(cuts))
    ]
    return house(
        *rows,
        metered={
            each: draw(readings) for each in [*meters, *draw(st.sets(st.sampled_from(nodes)))]
        },
        feeds=tuple(
            FeedRow(meters[0], nodes[0], T0 + int(a * HOUR), T0 + int(b * HOUR))
            for a, b in draw(st.lists(spans, max_size=1))
        ),
        cpu=draw(
            st.one_of(st.none(), st.fixed_dictionaries({f"v{n}": readings for n in range(3)}))
        ),
        idle=draw(st.dictionaries(st.sampled_from(nodes), st.floats(0, 2000))),
        tariff=Tariff(prices=prices),
    )


@settings(max_examples=150)
@given(houses())
def test_the_parts_are_exactly_what_the_meters_read(of: Estate) -> None:
    """To the millijoule: instances, idle shares, nodes by themselves and overhead."""
    assert of.spread is not None
    report = total(of)
    mine = add(row.own for row in report.rows)
    assert mine.millijoules == report.total.millijoules
    read = _read(of)
    assert report.total.millijoules == read
    assert min((row.own.millijoules for row in report.rows), default=0) >= 0
    for row in report.rows:
        used = row.own
        assert 0 <= used.cpu_mj <= used.estimated_mj <= used.millijoules
        assert used.idle_mj + used.overhead_mj <= used.millijoules
    for by in Axis:
        rows = [row.own for row in ask(by, of, period=PERIOD).rows if row.axis == by]
        assert (add(rows).millijoules, add(rows).costs) == (read, report.total.costs)


def _read(of: Estate) -> int:
    """What was read of the meters that count, whole for each node or meter."""
    closure = of.spread.__closure__ if of.spread is not None else None
    assert closure is not None
    (held,) = (cell.cell_contents for cell in closure)
    return sum(round(float(amount.sum())) for amount in (*held.fed.drawn, *held.fed.overhead))


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1e9)), min_size=1, max_size=20),
    st.integers(-2, 2),
)
def test_apportioned_parts_sum_to_their_total(parts: list[tuple[int, float]], off: int) -> None:
    group = np.array([each for each, _ in parts])
    amounts = np.array([amount for _, amount in parts])
    totals = np.rint(np.bincount(group, amounts, 4)).astype(np.int64)
    totals = np.where(totals > 5, totals + off, totals)
    found = apportion(amounts, group, totals)
    assert np.bincount(group, found, 4).astype(int).tolist() == totals.tolist()
    assert (np.abs(found - amounts) <= 4).all()


def test_what_rounding_cannot_take_goes_to_the_largest_part() -> None:
    parts, group = np.array([3.0, 10.0, 7.0]), np.array([0, 0, 1])
    assert apportion(parts, group, np.array([17, 5])).tolist() == [4, 13, 5]


@st.composite
def feeds(draw: st.DrawFn) -> list[Feed]:
    """Any feeds of four meters to three nodes, and of each meter what stays when none is there."""
    found = []
    for number in range(4):
        place = draw(st.integers(0, 2))
        for target in draw(st.lists(st.sampled_from(["n1", "n2", "n3"]), max_size=2)):
            start, end = draw(spans)
            found.append(
                Feed(f"p{number}", target, place, T0 + int(start * HOUR), T0 + int(end * HOUR))
            )
        always = (T0, T0 + HOURS * HOUR)
        found.append(Feed(f"p{number}", f"ghost{number % 3}", place, *always, known=False))
    return found


@given(feeds(), st.lists(readings, min_size=4, max_size=4), st.sets(st.sampled_from(["n1", "n2"])))
def test_what_meters_read_is_drawn_or_overhead_or_named_as_left_out(
    wired: list[Feed], read: list[list[float]], there: set[str]
) -> None:
    windows = Windows.of(PERIOD, np.empty(0, np.int64))
    amounts = np.array(read)
    energy = {
        f"p{n}": (np.maximum(amounts[n], 0), np.where(amounts[n] >= 0, HOUR, 0.0))
        for n in range(4)
    }
    fed = feed(windows, wired, energy, {each: np.full(HOURS, float(HOUR)) for each in there})
    whole = sum(each[0] for each in energy.values())
    found = fed.drawn.sum(axis=0) + fed.overhead.sum(axis=0) + fed.unused.sum(axis=0)
    assert found == pytest.approx(whole)
    assert (fed.measured_ms <= windows.length).all()
    absent = [number for number, key in enumerate(fed.nodes) if key not in there]
    assert not fed.drawn[absent].any()
