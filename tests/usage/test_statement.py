"""Statements on the cast: what counts, whose it is, how the rows are laid out."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.usage.estates import (
    BUILDER,
    CAST,
    CD,
    DAY,
    DEBIAN,
    GIB,
    MIRROR,
    MOON,
    NSF,
    OSL,
    ROCKET,
    T0,
    WEEKLY,
    ask,
    estate,
    revision,
    share,
    watts,
)

from meterhouse.metering.periods import Period, from_ms
from meterhouse.metering.snapshots import State
from meterhouse.usage.counting import COUNTS
from meterhouse.usage.figures import figures
from meterhouse.usage.ledger import Named
from meterhouse.usage.report import Axis, Report, Row

S = 3600


def row(report: Report, key: str) -> Row:
    (found,) = (row for row in report.rows if row.key == key)
    return found


def lines(report: Report) -> list[tuple[int, str]]:
    return [(row.depth, row.key) for row in report.rows]


def test_usage_is_what_was_allocated_times_how_long() -> None:
    own = row(ask(Axis.PROJECT), "debian/cd").own
    assert own.server_seconds == {State.RUNNING: 12 * S}
    assert own.resource_seconds == 12 * S
    assert own.vcpu_seconds == 8 * 12 * S
    assert own.ram_byte_seconds == 4 * GIB * 12 * S
    assert own.disk_byte_seconds == 20 * GIB * 12 * S


def test_projects_are_a_tree_with_what_is_theirs_and_what_is_below() -> None:
    report = ask(Axis.PROJECT)
    assert lines(report) == [(0, "debian"), (1, "debian/cd"), (0, "moon")]
    debian = row(report, "debian")
    assert debian.own.vcpu_seconds == 2 * 24 * S
    assert debian.subtree.vcpu_seconds == (2 * 24 + 8 * 12) * S
    assert row(report, "debian/cd").path == "Debian / CD"
    assert report.title == "Usage by project"
    assert report.subject == "All institutions"


def test_a_project_without_use_has_a_line_only_above_one_with_use() -> None:
    report = ask(Axis.PROJECT, estate(revision("mirror", WEEKLY, (0, 1))))
    assert lines(report) == [(0, "debian"), (1, "debian/cd"), (2, "debian/cd/weekly")]
    assert row(report, "debian").own.resource_seconds == 0


def test_institutions_are_followed_by_their_parts_of_projects() -> None:
    report = ask(Axis.INSTITUTION)
    assert lines(report) == [
        (0, "nsf"),
        (1, "debian"),
        (2, "debian/cd"),
        (1, "moon"),
        (0, "osl"),
        (1, "debian"),
        (2, "debian/cd"),
    ]
    assert row(report, "osl").own.vcpu_seconds == 3 * (48 + 96) * S // 4
    assert row(report, "nsf").own.vcpu_seconds == (48 + 96) * S // 4 + 12 * S
    assert {line.institution for line in report.rows[:4]} == {"nsf"}
    assert any("Shared projects are split" in note for note in report.notes)


def test_a_share_that_ends_divides_the_time_before_from_the_time_after() -> None:
    shares = [share(DEBIAN, OSL, 1, 0, 6), share(DEBIAN, NSF, 1, 6, 24)]
    report = ask(Axis.INSTITUTION, estate(MIRROR, shares=shares))
    assert row(report, "osl").own.resource_seconds == 6 * S
    assert row(report, "nsf").own.resource_seconds == 18 * S
    assert not any("Shared projects" in note for note in report.notes)


def test_what_nobody_funds_or_owns_is_unassigned_and_comes_last() -> None:
    of = estate(ROCKET, revision("stray", None, (0, 1)), shares=[share(MOON, OSL, 1)])
    assert lines(ask(Axis.INSTITUTION, of)) == [
        (0, "osl"),
        (1, "moon"),
        (0, "unassigned"),
        (1, "unassigned"),
    ]
    assert [(r.key, r.project) for r in ask(Axis.PROJECT, of).rows] == [
        ("moon", "moon"),
        ("unassigned", ""),
    ]
    assert [(r.key, r.project) for r in ask(Axis.USER, of).rows] == [
        ("carol", "moon"),
        ("unassigned", ""),
    ]
    assert any("Unassigned" in note for note in ask(Axis.PROJECT, of).notes)


def test_users_have_a_line_for_each_project() -> None:
    of = estate(MIRROR, BUILDER._replace(user_id=MIRROR.user_id))
    rows = ask(Axis.USER, of).rows
    assert [(r.key, r.project, r.project_path) for r in rows] == [
        ("alice", "debian", "Debian"),
        ("alice", "debian/cd", "Debian / CD"),
    ]


def test_a_resource_that_changed_hands_has_a_line_for_each_project() -> None:
    before = revision("mirror", MOON, (0, 6))
    after = revision("mirror", DEBIAN, (6, 24))
    rows = ask(Axis.RESOURCE, estate(before, after, BUILDER)).rows
    assert [(r.key, r.name, r.project, r.kind, r.own.resource_seconds // S) for r in rows] == [
        ("cloud/mirror", "mirror", "debian", "instance", 18),
        ("cloud/builder", "builder", "debian/cd", "instance", 12),
        ("cloud/mirror", "mirror", "moon", "instance", 6),
    ]


def test_a_resource_without_a_name_is_called_by_its_key() -> None:
    assert ask(Axis.RESOURCE, estate(revision("x", CD, (0, 1)))).rows[0].name == "cloud/x"


@pytest.mark.parametrize("state", State)
def test_size_counts_as_the_table_says_and_disk_always(state: State) -> None:
    total = ask(Axis.PROJECT, estate(MIRROR._replace(state=state))).total
    counted = 24 * S if COUNTS[state].size else 0
    assert total.server_seconds == {state: 24 * S}
    assert total.vcpu_seconds == 2 * counted
    assert total.ram_byte_seconds == 4 * GIB * counted
    assert total.disk_byte_seconds == 20 * GIB * 24 * S


def test_shelved_instances_give_back_all_but_their_disk() -> None:
    assert [state for state in State if not COUNTS[state].size] == [State.SHELVED]


@pytest.mark.parametrize(
    ("kind", "hours", "vcpu_hours", "disk"),
    [
        ("instance", 24, 48, 480),
        ("machine", 24, 48, 480),
        ("volume", 0, 48, 480),
        ("node", 0, 0, 0),
    ],
)
def test_hours_of_servers_are_server_hours_and_capacity_is_not_use(
    kind: str, hours: int, vcpu_hours: int, disk: int
) -> None:
    total = ask(Axis.PROJECT, estate(MIRROR._replace(kind=kind))).total
    assert sum(total.server_seconds.values()) == hours * S
    assert total.vcpu_seconds == vcpu_hours * S
    assert total.disk_byte_seconds == disk * GIB * S
    assert total.resource_seconds == 24 * S


def test_energy_is_what_was_measured_and_coverage_says_of_how_much() -> None:
    report = ask(Axis.PROJECT)
    assert row(report, "debian").own.joules == 100 * 24 * S
    assert row(report, "debian").own.energy_coverage == 1
    assert report.total.energy_coverage is not None
    assert float(report.total.energy_coverage) == 24 / (24 + 12 + 6)
    assert any("not all metered" in note for note in report.notes)


def test_where_nothing_was_measured_energy_is_unknown_and_not_zero() -> None:
    report = ask(Axis.PROJECT, replace(CAST, measure=watts({})))
    assert report.total.joules is None
    assert figures(report.total).energy_kwh is None
    assert report.total.energy_coverage == 0
    assert any("Energy is unknown" in note for note in report.notes)


def test_a_reading_of_nothing_is_known_to_be_nothing() -> None:
    total = ask(Axis.PROJECT, estate(MIRROR, measure=watts({"cloud/mirror": 0}))).total
    assert total.joules == 0
    assert figures(total).energy_kwh == Decimal("0.0000")


@pytest.mark.parametrize(("kind", "state"), [("volume", State.PRESENT), ("instance", "stopped")])
def test_what_cannot_draw_power_does_not_lack_a_reading(kind: str, state: State) -> None:
    total = ask(Axis.PROJECT, estate(MIRROR._replace(kind=kind, state=state), measure=watts({})))
    assert total.total.energy_coverage is None
    all_metered = ask(Axis.PROJECT, estate(MIRROR))
    assert not any("metered: the rest" in note for note in all_metered.notes)


def test_energy_is_split_by_shares_to_the_millijoule() -> None:
    shares = [share(DEBIAN, OSL, 1), share(DEBIAN, NSF, 2)]
    hour = Period.from_ms(T0, T0 + 1000)
    of = estate(MIRROR, shares=shares, measure=watts({"cloud/mirror": 0.01}))
    report = ask(Axis.INSTITUTION, of, period=hour)
    assert {r.key: r.own.millijoules for r in report.rows if r.depth == 0} == {"nsf": 7, "osl": 3}


def test_nothing_is_used_in_the_future() -> None:
    now = from_ms(T0) + timedelta(hours=6)
    of = estate(revision("mirror", DEBIAN, (0, 6)))
    report = ask(Axis.PROJECT, of, now=now)
    assert report.until == now
    assert report.period == DAY
    assert report.total.resource_seconds == 6 * S
    assert any("counted until 2026-05-01 18:00:00 UTC" in note for note in report.notes)
    assert ask(Axis.PROJECT, of).until == DAY.end


def test_a_petabyte_year_is_exact() -> None:
    year = Period.from_ms(T0, T0 + 365 * 86_400_000)
    of = estate(revision("lake", DEBIAN, (0, 365 * 24), disk_bytes=2**50 + 1))
    total = ask(Axis.INSTITUTION, of, period=year).total
    assert total.disk_byte_seconds == (2**50 + 1) * 365 * 86_400


def test_projects_of_one_name_keep_the_order_of_their_keys() -> None:
    names = replace(CAST.names, projects={**CAST.names.projects, DEBIAN: Named("zebra", "moon")})
    rows = ask(Axis.PROJECT, replace(CAST, names=names)).rows
    assert [r.key for r in rows if r.depth == 0] == ["moon", "zebra"]
