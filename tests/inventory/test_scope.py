"""Alice sees her project and all below it, Bob his, Carol nothing of theirs; and who pays, what
they pay for.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.inventory.cast import (
    ALWAYS,
    BUILDER,
    CD,
    DEBIAN,
    MIRROR,
    MOON,
    NOW,
    at,
    everybody,
    instance,
    snapshot,
)

from meterhouse.inventory import reading
from meterhouse.inventory.declaration import parse_text
from meterhouse.inventory.keep import keep
from meterhouse.inventory.plan import apply
from meterhouse.inventory.scope import Scope, scope_of
from meterhouse.inventory.stretches import without
from meterhouse.metering.snapshots import Project

pytestmark = pytest.mark.django_db
ALL = Scope.all()


@pytest.fixture(autouse=True)
def _cloud(db: None) -> None:
    keep(everybody(at(0)))


def alice() -> Scope:
    return scope_of(projects=["debian"], users=["alice"])


def bob() -> Scope:
    return scope_of(projects=["debian/cd"])


def carol() -> Scope:
    return scope_of(projects=["moon"], users=["carol"])


def osl() -> Scope:
    return scope_of(institutions=["open-source-lab"])


def nsf() -> Scope:
    return scope_of(institutions=["nsf"])


def seen(scope: Scope) -> dict[str, set[str]]:
    """Everything that each reading function shows within a scope, by key or name."""
    people = {each.id: each.key for each in reading.users(ALL)}
    tree = {each.id: each.key for each in reading.projects(ALL)}
    return {
        "projects": {each.key for each in reading.projects(scope)},
        "institutions": {each.key for each in reading.institutions(scope)},
        "users": {each.key for each in reading.users(scope)},
        "memberships": {people[each.user_id] for each in reading.memberships(scope)},
        "shares": {tree[each.project_id] for each in reading.shares(scope)},
        "shares_in": {tree[each.project_id] for each in reading.shares_in(ALWAYS, scope=scope)},
        "resources": {each.name for each in reading.resources(scope).rows},
        "revisions": {each.resource_key for each in reading.revisions(ALWAYS, scope=scope)},
        "sightings": {each.kind for each in reading.sightings(ALWAYS, scope=scope)},
    }


def test_carol_sees_nothing_of_alices() -> None:
    assert seen(carol()) == {
        "projects": {"moon"},
        "institutions": {"nsf"},
        "users": {"carol"},
        "memberships": {"carol"},
        "shares": {"moon"},
        "shares_in": {"moon"},
        "resources": {"rocket"},
        "revisions": {"cloud/rocket"},
        "sightings": {"instance"},
    }
    assert reading.resource("cloud/mirror", carol()) is None
    assert reading.history("cloud/mirror", carol()) == ()


def test_alice_sees_her_project_and_what_is_below_it() -> None:
    assert seen(alice()) == {
        "projects": {"debian", "debian/cd"},
        "institutions": {"open-source-lab", "nsf"},
        "users": {"alice", "bob"},
        "memberships": {"alice", "bob"},
        "shares": {"debian"},
        "shares_in": {"debian"},
        "resources": {"mirror", "builder"},
        "revisions": {"cloud/mirror", "cloud/builder"},
        "sightings": {"instance"},
    }


def test_bob_sees_his_sub_project_at_the_top() -> None:
    (project,) = reading.projects(bob())
    assert (project.key, project.path, project.parent_id, project.depth) == (
        "debian/cd",
        ("CD",),
        None,
        0,
    )
    assert seen(bob())["resources"] == {"builder"}
    assert seen(bob())["users"] == {"bob"}


def test_nobody_sees_nothing() -> None:
    assert set(map(len, seen(Scope.none()).values())) == {0}
    assert scope_of() == Scope.none()


def test_a_grant_on_what_does_not_exist_grants_nothing() -> None:
    found = scope_of(projects=["debain"], institutions=["ols"], users=["alcie"])
    assert found == Scope.none()


def test_everything_is_everything() -> None:
    assert seen(ALL)["resources"] == {"mirror", "builder", "rocket"}


def test_a_user_sees_what_is_theirs_wherever_it_is() -> None:
    keep([snapshot("instance", at(1), [MIRROR, replace(BUILDER, user="u-carol")])])
    mine = scope_of(users=["carol"])
    assert seen(mine)["resources"] == {"builder"}
    assert seen(mine)["projects"] == set()


def test_of_a_resource_that_changed_hands_everybody_sees_their_own_time() -> None:
    sold = replace(MIRROR, project="p-moon", user="u-carol", vcpus=64)
    keep([snapshot("instance", at(1), [sold])])
    (hers,) = reading.history("cloud/mirror", carol())
    assert (hers.vcpus, hers.start_ms, hers.changed) == (64, at(1), ())
    (before,) = reading.history("cloud/mirror", alice())
    assert (before.vcpus, before.end_ms) == (2, at(1))
    shown = reading.resource("cloud/mirror", alice())
    assert shown is not None
    assert (shown.vcpus, shown.ended_ms) == (2, at(1))
    bought = reading.resource("cloud/mirror", carol())
    assert bought is not None
    assert bought.began_ms == at(1)
    assert "mirror" not in seen(alice())["resources"]


def test_an_institution_sees_what_it_funds_and_what_inherits_that() -> None:
    assert seen(osl())["projects"] == {"debian", "debian/cd"}
    assert seen(nsf())["projects"] == {"debian", "debian/cd", "moon"}
    assert osl().granted == frozenset()


def test_an_institution_sees_what_it_ever_funded() -> None:
    keep([snapshot("project", at(1), [replace(DEBIAN, shares={}), CD, MOON])])
    assert seen(osl())["projects"] == {"debian", "debian/cd"}


def test_a_sub_project_that_others_always_funded_is_not_an_institutions_to_see() -> None:
    other = '[[institutions]]\nkey = "mit"\n[[projects]]\nkey = "debian/cd"\nshares = { mit = 1 }'
    apply(parse_text(other, "x"), now=NOW)
    assert seen(osl())["projects"] == {"debian"}
    assert seen(scope_of(institutions=["mit"]))["projects"] == {"debian/cd"}


def test_a_sub_project_that_others_fund_for_a_time_is() -> None:
    other = (
        '[[institutions]]\nkey = "mit"\n[[projects]]\nkey = "debian/cd"\n'
        '[[shares]]\nproject = "debian/cd"\ninstitution = "mit"\nweight = 1\nfrom = 2026-06-01'
    )
    apply(parse_text(other, "x"), now=NOW)
    assert seen(osl())["projects"] == {"debian", "debian/cd"}


def test_a_grant_reaches_what_is_added_below_later() -> None:
    dvd = Project(id="p-dvd", name="DVD", parent="p-cd")
    keep([snapshot("project", at(1), [DEBIAN, CD, MOON, dvd])])
    keep([snapshot("instance", at(1), [instance("burner", project="p-dvd")])])
    assert seen(alice())["resources"] == {"burner"}
    assert seen(carol())["resources"] == set()


stretch = st.tuples(st.integers(0, 20), st.integers(0, 20)).filter(lambda pair: pair[0] < pair[1])


@given(st.lists(stretch), st.lists(stretch))
def test_what_is_cut_out_is_gone_and_the_rest_is_left(
    stretches: list[tuple[int, int]], cut: list[tuple[int, int]]
) -> None:
    left = without(stretches, cut)
    for moment in range(20):
        inside = sum(start <= moment < end for start, end in stretches)
        gone = any(start <= moment < end for start, end in cut)
        assert sum(start <= moment < end for start, end in left) == (0 if gone else inside)
