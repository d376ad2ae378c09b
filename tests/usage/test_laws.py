"""What holds of every statement, whatever the tree, the shares and the history."""

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.usage.estates import ALL, MOMENTS, T0, ask, estates, tariffs

from meterhouse.metering.periods import Period
from meterhouse.usage.estate import Estate
from meterhouse.usage.quantities import AMOUNTS, NOTHING, Quantities
from meterhouse.usage.report import Axis, Report, Row
from meterhouse.usage.summary import add
from meterhouse.usage.tariff import Tariff

WHOLE = Period.from_ms(T0, T0 + 100_000)
EXACT = [name for name in AMOUNTS if name != "millijoules"]


def by_key(report: Report) -> dict[tuple[str, ...], Quantities]:
    found: dict[tuple[str, ...], Quantities] = defaultdict(Quantities)
    for row in report.rows:
        found[row.axis, row.institution, row.key, row.project, row.kind] += row.own
    return found


def same(one: Quantities, other: Quantities) -> bool:
    return one + NOTHING == other + NOTHING


@given(estates())
def test_the_total_is_the_same_along_every_axis_and_the_rows_sum_to_it(estate: Estate) -> None:
    reports = [ask(by, estate, period=WHOLE) for by in Axis]
    assert len({repr(report.total) for report in reports}) == 1
    for report in reports:
        mine = [row.own for row in report.rows if row.axis == report.by]
        assert same(add(mine), report.total)


@given(estates())
def test_what_institutions_fund_sums_to_what_projects_use(estate: Estate) -> None:
    used = {row.project: row.own for row in ask(Axis.PROJECT, estate, period=WHOLE).rows}
    parts: dict[str, Quantities] = defaultdict(Quantities)
    for row in ask(Axis.INSTITUTION, estate, period=WHOLE).rows:
        if row.axis == Axis.PROJECT:
            parts[row.project] += row.own
    assert all(same(parts[project], used[project]) for project in parts | used)


@given(estates())
def test_an_institutions_projects_sum_to_it(estate: Estate) -> None:
    report = ask(Axis.INSTITUTION, estate, period=WHOLE)
    for payer in (row for row in report.rows if row.axis == Axis.INSTITUTION):
        mine = [r for r in report.rows if r.axis == Axis.PROJECT and r.institution == payer.key]
        assert same(add(row.own for row in mine), payer.own)


@given(estates())
def test_a_projects_own_and_its_childrens_sums_are_its_subtrees(estate: Estate) -> None:
    rows = ask(Axis.PROJECT, estate, period=WHOLE).rows
    for number, row in enumerate(rows):
        assert same(row.own + add(child.subtree for child in children(rows, number)), row.subtree)


def children(rows: tuple[Row, ...], number: int) -> list[Row]:
    found = []
    for row in rows[number + 1 :]:
        if row.depth <= rows[number].depth:
            break
        if row.depth == rows[number].depth + 1:
            found.append(row)
    return found


@given(estates(), MOMENTS, st.sampled_from([Axis.PROJECT, Axis.USER, Axis.RESOURCE]))
def test_cutting_the_period_in_two_changes_nothing(estate: Estate, cut: int, by: Axis) -> None:
    whole, first, second = parts(estate, cut, by)
    cut_in_two = by_key(first)
    for key, used in by_key(second).items():
        cut_in_two[key] += used
    for key, used in by_key(whole).items():
        assert used.server_seconds == (cut_in_two[key] + NOTHING).server_seconds
        assert all(getattr(used, name) == getattr(cut_in_two[key], name) for name in EXACT)
        assert abs(used.millijoules - cut_in_two[key].millijoules) <= pieces(estate)


@given(estates(), MOMENTS)
def test_cutting_moves_at_most_a_unit_a_piece_between_institutions(
    estate: Estate, cut: int
) -> None:
    """A piece that is cut is rounded twice: the parts still sum to the whole, to the unit."""
    whole, first, second = parts(estate, cut, Axis.INSTITUTION)
    assert first.total.vcpu_seconds + second.total.vcpu_seconds == whole.total.vcpu_seconds
    halves = by_key(first), by_key(second)
    for key, used in by_key(whole).items():
        for name in AMOUNTS:
            moved = getattr(used, name) - sum(getattr(half[key], name) for half in halves)
            assert abs(moved) <= 2 * pieces(estate)


def parts(estate: Estate, cut: int, by: Axis) -> tuple[Report, Report, Report]:
    middle = T0 + cut
    halves = Period.from_ms(T0, middle), Period.from_ms(middle, T0 + 100_000)
    whole, first, second = (ask(by, estate, period=each) for each in (WHOLE, *halves))
    return whole, first, second


def pieces(estate: Estate) -> int:
    return len(estate.stretches) * (2 * len(estate.shares) + 1)


@given(estates())
def test_nothing_is_ever_negative_and_coverage_is_a_part(estate: Estate) -> None:
    for by in Axis:
        for row in ask(by, estate, period=WHOLE).rows:
            used = row.subtree
            assert all(getattr(used, name) >= 0 for name in AMOUNTS)
            assert all(seconds > 0 for seconds in used.server_seconds.values())
            assert 0 <= (used.coverage or 0) <= 1
            assert 0 <= (used.energy_coverage or 0) <= 1


@given(estates(), st.sampled_from(["i1", "i2", "i3", "unassigned"]))
def test_an_institution_alone_has_what_its_line_says(estate: Estate, key: str) -> None:
    lines = ask(Axis.INSTITUTION, estate, period=WHOLE).rows
    mine = add(row.own for row in lines if row.axis == Axis.INSTITUTION and row.key == key)
    for by in Axis:
        alone = ask(by, estate, period=WHOLE, institution=key)
        assert same(alone.total, mine)
        assert same(add(row.own for row in alone.rows if row.axis == by), mine)


@given(estates())
def test_a_project_alone_has_what_its_line_says_with_all_below(estate: Estate) -> None:
    for row in ask(Axis.PROJECT, estate, period=WHOLE).rows:
        for by in Axis:
            assert same(ask(by, estate, period=WHOLE, project=row.key).total, row.subtree)


@given(estates(), st.sets(st.integers(1, 6)))
def test_what_logins_see_is_never_more_than_there_is(estate: Estate, granted: set[int]) -> None:
    mine = frozenset(granted)
    scope = replace(ALL, everything=False, projects=mine, granted=mine)
    whole = {row.project: row.own for row in ask(Axis.PROJECT, estate, period=WHOLE).rows}
    for row in ask(Axis.PROJECT, estate, period=WHOLE, scope=scope).rows:
        assert int(row.project.removeprefix("p")) in granted
        assert same(row.own, whole[row.project])


@given(estates(), tariffs())
def test_costs_and_emissions_sum_to_the_whole_and_to_what_each_moment_cost(
    estate: Estate, tariff: Tariff
) -> None:
    priced = replace(estate, tariff=tariff)
    reports = [ask(by, priced, period=WHOLE) for by in Axis]
    assert len({repr(report.total.costs) for report in reports}) == 1
    for report in reports:
        mine = add(row.own for row in report.rows if row.axis == report.by)
        assert (mine.costs, mine.micrograms) == (report.total.costs, report.total.micrograms)
    total = reports[0].total
    unpriced = ask(Axis.PROJECT, estate, period=WHOLE).total
    assert abs(total.millijoules - unpriced.millijoules) <= 5 * pieces(estate)
    plain: dict[str, float] = defaultdict(float)
    for row in tariff.prices:
        inside = Period.from_ms(
            max(row.start_ms, T0), max(row.start_ms, min(row.end_ms, T0 + 100_000))
        )
        used = ask(Axis.PROJECT, estate, period=inside).total
        plain[row.currency] += float(row.per_kwh) * used.millijoules / 3.6e9
    for currency, nanos in total.costs.items():
        assert nanos / 1e9 == pytest.approx(plain[currency], abs=1e-6)


@pytest.mark.parametrize("by", Axis)
def test_an_empty_period_has_nothing(by: Axis) -> None:
    report = ask(by, period=Period.from_ms(T0, T0))
    assert report.rows == ()
    assert report.total == NOTHING
