"""What is read: trees, pages, histories, and in how many queries."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker
from tests.inventory.cast import (
    ALWAYS,
    BUILDER,
    GIB,
    MIRROR,
    ROCKET,
    at,
    everybody,
    instance,
    snapshot,
)

from meterhouse.inventory import reading
from meterhouse.inventory.facts import FOREVER, ResourceInfo
from meterhouse.inventory.finding import ORDERS, Wanted
from meterhouse.inventory.keep import keep
from meterhouse.inventory.scope import Scope, below, scope_of
from meterhouse.metering.periods import Period
from meterhouse.metering.snapshots import Project, State

pytestmark = pytest.mark.django_db
ALL = Scope.all()
Asserted = Callable[[int], Any]


def names(wanted: Wanted, **how: Any) -> list[str]:
    return [each.name for each in reading.resources(ALL, wanted, **how).rows]


def id_of(key: str) -> int:
    projects = {each.key: each.id for each in reading.projects(ALL)}
    return (projects | {each.key: each.id for each in reading.users(ALL)})[key]


def test_the_tree_is_read_from_the_top_by_name() -> None:
    listed = [
        Project(id="b", name="beta"),
        Project(id="a", name="Alpha"),
        Project(id="b2", name="two", parent="b"),
        Project(id="b1", name="One", parent="b"),
        Project(id="b1x", name="x", parent="b1"),
    ]
    keep([snapshot("project", at(0), listed)])
    shown = [(each.key, each.depth) for each in reading.projects(ALL)]
    assert shown == [
        ("alpha", 0),
        ("beta", 0),
        ("beta/one", 1),
        ("beta/one/x", 2),
        ("beta/two", 1),
    ]
    deepest = reading.projects(ALL)[3]
    assert deepest.path == ("beta", "One", "x")
    assert [each.id for each in reading.projects(ALL) if each.id in deepest.ancestors] == [
        *deepest.ancestors
    ]


def test_a_resource_is_told_with_all_there_is_to_know() -> None:
    keep(everybody(at(0)))
    made = instance(
        "a",
        project="p-cd",
        user="u-bob",
        state=State.STOPPED,
        tags=("x", "y"),
        details={"node": "n1"},
        since_ms=at(1) - 7,
    )
    keep([snapshot("instance", at(1), [made])])
    found = reading.resource("cloud/a", ALL)
    assert found is not None
    assert found == ResourceInfo(
        id=found.id,
        key="cloud/a",
        kind="instance",
        name="a",
        source="cloud",
        tags=("x", "y"),
        project_id=id_of("debian/cd"),
        user_id=id_of("bob"),
        state=State.STOPPED,
        vcpus=2,
        ram_bytes=4 * GIB,
        disk_bytes=20 * GIB,
        details={"node": "n1"},
        began_ms=at(1) - 7,
        ended_ms=FOREVER,
    )
    assert reading.resource("cloud/none", ALL) is None


def test_resources_are_found_by_what_they_are() -> None:
    keep(everybody(at(0)))
    node = instance("n1", id="cloud/n1", kind="node", state=State.PRESENT)
    keep([snapshot("node", at(0), [node]), snapshot("instance", at(1), [MIRROR, BUILDER])])
    tree = {each.id: each.parent_id for each in reading.projects(ALL)}
    debian = id_of("debian")
    assert names(Wanted()) == ["builder", "mirror", "n1"]
    assert names(Wanted(ended=True)) == ["builder", "mirror", "n1", "rocket"]
    assert names(Wanted(kind="node")) == ["n1"]
    assert names(Wanted(source="other")) == []
    assert names(Wanted(state=State.PRESENT)) == ["n1"]
    assert names(Wanted(unassigned=True)) == ["n1"]
    assert names(Wanted(projects=[debian])) == ["mirror"]
    assert names(Wanted(projects=below([debian], tree))) == ["builder", "mirror"]
    assert names(Wanted(projects=[])) == []
    assert names(Wanted(user=id_of("bob"))) == ["builder"]
    assert names(Wanted(text="UILD")) == ["builder"]
    assert names(Wanted(text="cloud/m")) == ["mirror"]


@pytest.mark.parametrize("special", ["%", "_", "!", "'", "\\", '"'])
def test_a_search_takes_special_signs_as_they_are(special: str) -> None:
    keep([snapshot("instance", at(0), [instance(f"a{special}b"), instance("axb")])])
    assert names(Wanted(text=f"a{special}B")) == [f"a{special}b"]


def test_pages_follow_each_other_and_know_how_many_there_are() -> None:
    keep([snapshot("instance", at(0), [instance(f"i{n:03}") for n in range(25)])])
    pages = [reading.resources(ALL, page=number, size=10) for number in (1, 2, 3, 4)]
    assert [len(each.rows) for each in pages] == [10, 10, 5, 0]
    assert {(each.total, each.pages) for each in pages} == {(25, 3)}
    assert pages[2].rows[0].name == "i020"
    assert reading.resources(Scope.none()).pages == 1


@pytest.mark.parametrize("order", ORDERS)
def test_resources_come_in_every_order(order: str) -> None:
    sizes = [instance(f"i{n}", vcpus=n, ram_bytes=n, disk_bytes=n) for n in (2, 3, 1)]
    keep([snapshot("instance", at(n), sizes[: n + 1]) for n in range(3)])
    expected = {
        "name": ["i1", "i2", "i3"],
        "key": ["i1", "i2", "i3"],
        "newest": ["i1", "i3", "i2"],
    }.get(order, ["i3", "i2", "i1"])
    assert names(Wanted(), order=order) == expected


def test_a_history_is_told_newest_first_with_what_changed() -> None:
    keep([snapshot("instance", at(0), [MIRROR])])
    keep([snapshot("instance", at(1), [replace(MIRROR, vcpus=4, state=State.ERROR)])])
    keep([snapshot("instance", at(2), [])])
    keep([snapshot("instance", at(3), [replace(MIRROR, details={"node": "b"})])])
    assert [(r.start_ms, r.end_ms, r.changed) for r in reading.history("cloud/mirror", ALL)] == [
        (at(3), FOREVER, ("gone", "state", "vcpus", "details")),
        (at(1), at(2), ("state", "vcpus")),
        (at(0), at(1), ()),
    ]


def test_revisions_are_clipped_to_the_period() -> None:
    keep([snapshot("instance", at(n), [replace(MIRROR, vcpus=n + 1)]) for n in range(4)])
    rows = list(reading.revisions(Period.from_ms(at(1) - 5, at(2) + 5)))
    assert sorted((row.vcpus, row.start_ms - at(1), row.end_ms - at(1)) for row in rows) == [
        (1, -5, 0),
        (2, 0, at(2) - at(1)),
        (3, at(2) - at(1), at(2) - at(1) + 5),
    ]
    assert {type(row.state) for row in rows} == {State}
    assert list(reading.revisions(Period.from_ms(at(0) - 5, at(0)))) == []


def test_more_revisions_than_are_fetched_at_once_all_come() -> None:
    many = [instance(f"i{n}") for n in range(2 * reading.ROWS_AT_ONCE + 1)]
    keep([snapshot("instance", at(0), many)])
    assert {row.resource_key for row in reading.revisions(ALWAYS)} == {each.id for each in many}


def test_shares_are_clipped_to_the_period() -> None:
    keep(everybody(at(0)))
    period = Period.from_ms(at(-1), at(1))
    assert {(row.start_ms, row.end_ms) for row in reading.shares_in(period)} == {(at(0), at(1))}
    assert reading.shares_in(Period.from_ms(at(-2), at(-1))) == ()


def test_lists_are_read_in_few_queries(django_assert_num_queries: Asserted) -> None:
    for n in range(3):
        keep(everybody(at(n)))
    keep([snapshot("instance", at(4), [MIRROR, BUILDER, replace(ROCKET, vcpus=9)])])
    scope = scope_of(projects=["debian"], institutions=["nsf"])
    for who in (ALL, scope):
        whole = who.everything
        asked: list[tuple[int, Callable[..., object], tuple[Any, ...]]] = [
            (1, reading.projects, (who,)),
            (1 if whole else 2, reading.institutions, (who,)),
            (1 if whole else 2, reading.users, (who,)),
            (1, reading.memberships, (who,)),
            (1, reading.shares, (who,)),
            (3, reading.resources, (who,)),
            (3, reading.resource, ("cloud/mirror", who)),
            (1, reading.history, ("cloud/rocket", who)),
        ]
        for queries, read, given in asked:
            with django_assert_num_queries(queries):
                assert read(*given)
        with django_assert_num_queries(1):
            assert reading.shares_in(ALWAYS, scope=who)
        with django_assert_num_queries(1):
            assert list(reading.revisions(ALWAYS, scope=who))
        with django_assert_num_queries(1 if whole else 2):
            assert reading.sightings(ALWAYS, scope=who)


def test_a_scope_is_made_in_five_queries(django_assert_num_queries: Asserted) -> None:
    keep(everybody(at(0)))
    with django_assert_num_queries(5):
        scope_of(projects=["debian"], institutions=["nsf"], users=["alice"])


@pytest.fixture(scope="session")
def _closed_in_the_end(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """PostgreSQL drops no database that somebody is connected to."""
    yield
    with django_db_blocker.unblock():
        connections["reports"].close()


@pytest.mark.usefixtures("_closed_in_the_end")
@pytest.mark.django_db(databases=["reports"])
def test_nothing_but_the_database_that_is_named_is_asked() -> None:
    using, some = "reports", Scope(projects=frozenset({1}))
    for scope in (ALL, some):
        assert reading.projects(scope, using) == ()
        assert reading.institutions(scope, using) == ()
        assert reading.users(scope, using) == ()
        assert reading.memberships(scope, using) == ()
        assert reading.shares(scope, using) == ()
        assert reading.shares_in(ALWAYS, using, scope=scope) == ()
        assert reading.resources(scope, using=using).rows == ()
        assert reading.resource("x", scope, using) is None
        assert reading.history("x", scope, using) == ()
        assert list(reading.revisions(ALWAYS, using, scope=scope)) == []
        assert reading.sightings(ALWAYS, using, scope=scope) == ()
    assert scope_of(institutions=["nsf"], using=using) == Scope.none()
