"""Who may ask for what, and what they are told."""

import pytest
from tests.usage.estates import ALL, BOB, CAROL, CD, DEBIAN, MOON, NSF, OSL, WEEKLY, ask

from meterhouse.inventory.scope import Scope
from meterhouse.metering.errors import Mistake
from meterhouse.usage.report import Axis, Report

NOTHING_GRANTED = Scope.none()
OF_BOB = Scope(projects=frozenset({CD, WEEKLY}), granted=frozenset({CD, WEEKLY}))
OF_OSL = Scope(institutions=frozenset({OSL}), projects=frozenset({DEBIAN, CD, WEEKLY}))
OF_CAROL = Scope(users=frozenset({CAROL}))


def everything_in(report: Report) -> str:
    return repr(report)


@pytest.mark.parametrize("by", Axis)
def test_carol_sees_her_rocket_and_nothing_else(by: Axis) -> None:
    report = ask(by, scope=OF_CAROL)
    assert report.total.resource_seconds == 6 * 3600
    shown = everything_in(report).lower()
    assert not any(word in shown for word in ("debian", "alice", "bob", "osl", "mirror"))
    assert report.subject == "All that is yours"
    assert any("Only what its reader may see" in note for note in report.notes)


@pytest.mark.parametrize("by", Axis)
def test_one_without_grants_sees_nothing(by: Axis) -> None:
    report = ask(by, scope=NOTHING_GRANTED)
    assert report.rows == ()
    assert report.total.resource_seconds == 0


def test_bob_sees_his_project_at_the_top_without_the_one_above() -> None:
    (row,) = ask(Axis.PROJECT, scope=OF_BOB).rows
    assert (row.key, row.path, row.depth) == ("debian/cd", "CD", 0)
    payers = [row.key for row in ask(Axis.INSTITUTION, scope=OF_BOB).rows if row.depth == 0]
    assert payers == ["nsf", "osl"]


@pytest.mark.parametrize("by", Axis)
def test_an_institution_sees_its_part_of_a_shared_project_only(by: Axis) -> None:
    report = ask(by, scope=OF_OSL)
    assert report.total.vcpu_seconds == 3 * (48 + 96) * 3600 // 4
    shown = everything_in(report).lower()
    assert not any(word in shown for word in ("nsf", "moon", "carol", "rocket"))


def test_an_institution_that_also_holds_a_project_sees_all_of_it() -> None:
    both = Scope(OF_OSL.everything, OF_OSL.institutions, OF_OSL.projects, granted=frozenset({CD}))
    rows = {row.key: row.own for row in ask(Axis.PROJECT, scope=both).rows}
    assert rows["debian"].vcpu_seconds == 3 * 48 * 3600 // 4
    assert rows["debian/cd"].vcpu_seconds == 96 * 3600


def test_a_project_is_shown_with_all_below_it_and_its_way_from_the_top() -> None:
    report = ask(Axis.PROJECT, project="debian/cd")
    assert [(row.key, row.path, row.depth) for row in report.rows] == [
        ("debian/cd", "Debian / CD", 0)
    ]
    assert report.subject == "Debian / CD"


def test_an_institution_and_a_project_can_be_asked_for_together() -> None:
    report = ask(Axis.USER, institution="osl", project="debian/cd")
    assert report.total.vcpu_seconds == 3 * 96 * 3600 // 4
    assert report.subject == "Open Source Lab, Debian / CD"


def test_what_is_unassigned_can_be_asked_for() -> None:
    report = ask(Axis.PROJECT, institution="unassigned", project="unassigned")
    assert report.rows == ()
    assert report.subject == "Unassigned, Unassigned"


@pytest.mark.parametrize(
    ("scope", "wanted"),
    [
        (ALL, {"institution": "ols"}),
        (ALL, {"project": "debain"}),
        (OF_BOB, {"project": "moon"}),
        (OF_CAROL, {"institution": "osl"}),
        (OF_CAROL, {"project": "debian"}),
        (NOTHING_GRANTED, {"institution": "unassigned"}),
    ],
)
def test_what_is_not_there_and_what_is_not_yours_are_refused_alike(
    scope: Scope, wanted: dict[str, str]
) -> None:
    ((what, key),) = wanted.items()
    institution, project = wanted.get("institution"), wanted.get("project")
    with pytest.raises(Mistake) as caught:
        ask(Axis.PROJECT, scope=scope, institution=institution, project=project)
    assert str(caught.value) == (
        f"report: {what} '{key}': there is no such {what} here, or none you may see"
    )


def test_one_may_ask_for_what_is_granted_though_it_used_nothing() -> None:
    idle = Scope(institutions=frozenset({NSF}), projects=frozenset({MOON, WEEKLY}))
    assert ask(Axis.PROJECT, scope=idle, project="debian/cd/weekly").rows == ()
    assert ask(Axis.PROJECT, scope=idle, institution="nsf").rows != ()


def test_one_may_ask_for_the_institution_behind_what_one_sees() -> None:
    of_bob = Scope(users=frozenset({BOB}))
    assert ask(Axis.USER, scope=of_bob, institution="nsf").total.vcpu_seconds == 96 * 900
