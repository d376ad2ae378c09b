"""Institutions, projects and users as sources list them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.inventory.cast import (
    ALICE,
    BOB,
    CAROL,
    CD,
    DEBIAN,
    MIRROR,
    MOON,
    NSF,
    OSL,
    at,
    everybody,
    snapshot,
)

from meterhouse.inventory import reading
from meterhouse.inventory.facts import FOREVER
from meterhouse.inventory.keep import keep
from meterhouse.inventory.models import Listing
from meterhouse.inventory.scope import Scope
from meterhouse.inventory.tree import parents_first, without_circles
from meterhouse.metering.snapshots import Institution, Project, User

pytestmark = pytest.mark.django_db
ALL = Scope.all()


def keys() -> dict[str, str | None]:
    """Project keys to their parents'."""
    found = {each.id: each for each in reading.projects(ALL)}
    return {
        each.key: found[each.parent_id].key if each.parent_id else None for each in found.values()
    }


def problem() -> str:
    return Listing.objects.get(kind="project").problem


def test_a_deep_tree_is_kept_whatever_order_it_is_listed_in() -> None:
    chain = [Project(id=f"{n}", name=f"n{n}", parent=f"{n - 1}" if n else "") for n in range(6)]
    keep([snapshot("project", at(0), chain[::-1])])
    assert reading.projects(ALL)[-1].key == "n0/n1/n2/n3/n4/n5"


def test_a_parent_that_is_not_listed_yet_is_there_all_the_same() -> None:
    keep([snapshot("project", at(0), [CD])])
    assert keys() == {"p-debian": None, "cd": "p-debian"}
    keep([snapshot("project", at(1), [CD, DEBIAN])])
    assert keys() == {"debian": None, "cd": "debian"}


def test_equal_names_get_keys_of_their_own() -> None:
    keep([snapshot("project", at(0), [Project(id=str(n), name="Døts & Co.") for n in range(3)])])
    assert list(keys()) == ["dts-co", "dts-co-2", "dts-co-3"]


def test_a_name_without_letters_has_a_key() -> None:
    keep([snapshot("user", at(0), [User(id="1", name="☃")])])
    assert [each.key for each in reading.users(ALL)] == ["unnamed"]


def test_keys_stay_when_names_and_parents_change() -> None:
    keep([snapshot("project", at(0), [DEBIAN, CD, MOON])])
    keep([snapshot("project", at(1), [DEBIAN, replace(CD, name="DVD", parent="p-moon"), MOON])])
    assert keys() == {"debian": None, "moon": None, "debian/cd": "moon"}
    assert {each.name for each in reading.projects(ALL)} == {"Debian", "DVD", "Moon"}


def test_a_circle_is_refused_and_said() -> None:
    keep([snapshot("project", at(0), [DEBIAN, CD])])
    keep([snapshot("project", at(1), [replace(DEBIAN, parent="p-cd"), CD])])
    assert keys() == {"debian": None, "debian/cd": "debian"}
    assert problem() == 'project "debian" was left in its place: its parent is below it'
    keep([snapshot("project", at(2), [DEBIAN, CD])])
    assert problem() == ""


def test_a_circle_from_the_first_is_laid_flat() -> None:
    one, other = Project(id="1", name="a", parent="2"), Project(id="2", name="b", parent="1")
    keep([snapshot("project", at(0), [one, other, Project(id="3", name="c", parent="3")])])
    assert set(keys().values()) == {None}
    assert problem().count("left in its place") == 3


def test_what_a_complete_list_lacks_has_ended_and_can_come_back() -> None:
    keep(everybody(at(0)))
    keep([snapshot("project", at(1), [DEBIAN, CD]), snapshot("institution", at(1), [OSL])])
    assert {p.key: p.ended_ms for p in reading.projects(ALL)} == {
        "debian": FOREVER,
        "debian/cd": FOREVER,
        "moon": at(1),
    }
    assert {each.ended_ms for each in reading.institutions(ALL)} == {at(1), FOREVER}
    keep([snapshot("project", at(2), [DEBIAN, CD, MOON])])
    assert {each.ended_ms for each in reading.projects(ALL)} == {FOREVER}


def test_what_an_incomplete_list_lacks_has_not_ended() -> None:
    keep(everybody(at(0)))
    keep([snapshot("user", at(1), [ALICE], complete=False)])
    assert {each.ended_ms for each in reading.users(ALL)} == {FOREVER}
    assert {each.end_ms for each in reading.memberships(ALL)} == {FOREVER}


def test_memberships_begin_when_seen_and_end_when_gone() -> None:
    keep(everybody(at(0)))
    keep([snapshot("user", at(1), [replace(ALICE, projects=("p-cd",)), BOB])])
    users = {each.id: each.key for each in reading.users(ALL)}
    projects = {each.id: each.key for each in reading.projects(ALL)}
    assert {
        (users[m.user_id], projects[m.project_id], m.start_ms, m.end_ms)
        for m in reading.memberships(ALL)
    } == {
        ("alice", "debian", at(0), at(1)),
        ("alice", "debian/cd", at(1), FOREVER),
        ("bob", "debian/cd", at(0), FOREVER),
        ("carol", "moon", at(0), at(1)),
    }


def test_somebody_listed_without_a_project_has_left_it_even_if_the_list_is_incomplete() -> None:
    keep(everybody(at(0)))
    keep([snapshot("user", at(1), [replace(CAROL, projects=())], complete=False)])
    assert sorted(each.end_ms for each in reading.memberships(ALL)) == [at(1), FOREVER, FOREVER]


def test_a_changed_share_ends_the_old_and_begins_the_new() -> None:
    keep([snapshot("institution", at(0), [OSL, NSF]), snapshot("project", at(0), [DEBIAN])])
    keep([snapshot("project", at(1), [replace(DEBIAN, shares={"i-osl": 5})])])
    names = {each.id: each.name for each in reading.institutions(ALL)}
    assert {(names[s.institution_id], *s[2:]) for s in reading.shares(ALL)} == {
        ("Open Source Lab", 3, at(0), at(1)),
        ("NSF", 1, at(0), at(1)),
        ("Open Source Lab", 5, at(1), FOREVER),
    }


def test_a_share_of_nothing_is_no_share() -> None:
    keep([snapshot("project", at(0), [replace(DEBIAN, shares={"i-osl": 0, "i-nsf": -1})])])
    assert reading.shares(ALL) == ()


def test_an_email_is_as_last_listed() -> None:
    keep([snapshot("user", at(0), [ALICE])])
    keep([snapshot("user", at(1), [replace(ALICE, email="a@b")])])
    assert [each.email for each in reading.users(ALL)] == ["a@b"]


def test_sources_with_the_same_ids_do_not_meet() -> None:
    keep([snapshot("project", at(0), [DEBIAN])])
    keep([snapshot("project", at(0), [replace(DEBIAN, name="Devuan")], source="other")])
    assert set(keys()) == {"debian", "devuan"}


def test_objects_of_another_kind_than_their_snapshot_are_passed_over() -> None:
    keep([snapshot("user", at(0), [DEBIAN]), snapshot("project", at(0), [ALICE])])
    keep([snapshot("institution", at(0), [MIRROR]), snapshot("instance", at(0), [OSL])])
    assert (reading.users(ALL), reading.projects(ALL)) == ((), ())
    assert (reading.institutions(ALL), reading.resources(ALL).total) == ((), 0)


def test_institutions_are_known_before_a_source_names_them() -> None:
    keep([snapshot("project", at(0), [MOON])])
    assert [each.key for each in reading.institutions(ALL)] == ["i-nsf"]
    keep([snapshot("institution", at(1), [Institution(id="i-nsf", name="NSF")])])
    assert [each.key for each in reading.institutions(ALL)] == ["nsf"]


parents = st.dictionaries(st.integers(0, 6), st.one_of(st.none(), st.integers(0, 6)))


@given(parents)
def test_parents_come_first_or_hang_in_a_circle(tree: dict[int, int | None]) -> None:
    order, stuck = parents_first(tree)
    assert sorted([*order, *stuck]) == sorted(tree)
    for place, node in enumerate(order):
        assert tree[node] not in tree or tree[node] in order[:place]
    for node in stuck:
        assert tree[node] in stuck


@given(parents, parents)
def test_moves_never_close_a_circle(
    tree: dict[int, int | None], wanted: dict[int, int | None]
) -> None:
    order, _ = parents_first(tree)
    sound = {node: tree[node] for node in order}
    moves, left = without_circles(sound, wanted)
    assert parents_first({**sound, **moves})[1] == set()
    assert moves.keys() | left == wanted.keys()
    assert not moves.keys() & left
