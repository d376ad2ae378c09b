"""Snapshots may come late, twice, and in any order."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.inventory.cast import (
    BUILDER,
    DEBIAN,
    GIB,
    MIRROR,
    MOON,
    NSF,
    OSL,
    at,
    everybody,
    instance,
    snapshot,
)

from meterhouse.inventory import reading
from meterhouse.inventory.facts import FOREVER
from meterhouse.inventory.keep import keep
from meterhouse.inventory.models import (
    Institution,
    Listing,
    Membership,
    Project,
    Resource,
    Revision,
    Share,
    Sighting,
    User,
)
from meterhouse.inventory.scope import Scope
from meterhouse.metering import snapshots as metering
from meterhouse.metering.snapshots import Snapshot, State

pytestmark = pytest.mark.django_db
ALL = Scope.all()
SLOW = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def clear() -> None:
    for model in (Revision, Resource, Membership, Share, Sighting, Listing):
        model.objects.all().delete()
    Project.objects.update(parent=None)
    for known in (Project, User, Institution):
        known.objects.all().delete()


def history() -> list[tuple[object, ...]]:
    """All revisions, by keys instead of ids."""
    rows = Revision.objects.values_list(
        "resource__key",
        "seen_ms",
        "start_ms",
        "end_ms",
        "project__external_id",
        "user__external_id",
        "state",
        "vcpus",
        "details",
    )
    return sorted(rows, key=repr)


def moments() -> list[bytes]:
    return [bytes(each.moments) for each in Sighting.objects.order_by("day")]


def dated() -> list[tuple[object, ...]]:
    """All memberships and shares, by keys."""
    members = Membership.objects.values_list(
        "user__external_id", "project__external_id", "role", "start_ms", "end_ms"
    )
    funds = Share.objects.values_list(
        "project__external_id", "institution__external_id", "weight", "start_ms", "end_ms"
    )
    return sorted([*members, *funds], key=repr)


@st.composite
def instances(draw: st.DrawFn) -> list[metering.Resource]:
    """Some of three instances, in one of a few conditions each."""
    return [
        instance(
            name,
            project=draw(st.sampled_from(["", "p-debian", "p-cd"])),
            state=draw(st.sampled_from([State.RUNNING, State.UNKNOWN])),
            vcpus=draw(st.integers(1, 2)),
            since_ms=since,
        )
        for name, since in (("a", 0), ("b", at(2) - 5000), ("c", at(0) - 5000))
        if draw(st.booleans())
    ]


def numbered(lists: Sequence[list[metering.Resource]]) -> list[Snapshot]:
    return [snapshot("instance", at(n), objects) for n, objects in enumerate(lists)]


@SLOW
@given(st.lists(instances(), min_size=1, max_size=6), st.data())
def test_complete_snapshots_in_any_order_give_the_same_history(
    lists: list[list[metering.Resource]], data: st.DataObject
) -> None:
    snapshots = numbered(lists)
    repeated = [*snapshots, *data.draw(st.lists(st.sampled_from(snapshots), max_size=2))]
    shuffled = data.draw(st.permutations(repeated))
    clear()
    for each in snapshots:
        keep([each])
    in_order = history(), moments()
    clear()
    for each in shuffled:
        keep([each])
    assert (history(), moments()) == in_order


@SLOW
@given(
    st.lists(instances(), min_size=1, max_size=6), st.lists(st.booleans(), min_size=6, max_size=6)
)
def test_a_batch_gives_the_same_history_as_its_snapshots_one_by_one(
    lists: list[list[metering.Resource]], completeness: list[bool]
) -> None:
    snapshots = [
        replace(each, complete=complete)
        for each, complete in zip(numbered(lists), completeness, strict=False)
    ]
    clear()
    keep(snapshots)
    at_once = history()
    clear()
    for each in snapshots:
        keep([each])
    assert history() == at_once


@st.composite
def projects(draw: st.DrawFn) -> list[metering.Project]:
    weights = st.dictionaries(st.sampled_from(["i-osl", "i-nsf"]), st.integers(1, 2))
    return [
        replace(project, shares=draw(weights)) for project in (DEBIAN, MOON) if draw(st.booleans())
    ]


@SLOW
@given(st.lists(projects(), min_size=1, max_size=5), st.data())
def test_shares_and_memberships_come_out_the_same_in_any_order(
    lists: list[list[metering.Project]], data: st.DataObject
) -> None:
    snapshots = [snapshot("project", at(n), objects) for n, objects in enumerate(lists)]
    people = [
        snapshot("user", at(n), [metering.User(id="u", name="U", projects=tuple(p.id for p in o))])
        for n, o in enumerate(lists)
    ]
    clear()
    for each in (*snapshots, *people):
        keep([each])
    in_order = dated()
    clear()
    for each in data.draw(st.permutations([*snapshots, *people])):
        keep([each])
    assert dated() == in_order


def test_a_repeated_snapshot_is_counted_and_changes_nothing() -> None:
    keep(everybody(at(0)))
    before = history(), dated()
    keep(everybody(at(0)))
    assert (history(), dated()) == before
    assert {each.repeated for each in Listing.objects.all()} == {1}


def test_a_moments_first_snapshot_stands() -> None:
    keep([snapshot("instance", at(0), [MIRROR])])
    keep([snapshot("instance", at(0), [])])
    assert [row[3] for row in history()] == [FOREVER]


def test_a_late_snapshot_is_worked_in_and_counted() -> None:
    keep([snapshot("instance", at(0), [MIRROR])])
    keep([snapshot("instance", at(2), [MIRROR])])
    keep([snapshot("instance", at(1), [])])
    assert [(r.start_ms, r.end_ms) for r in reading.history("cloud/mirror", ALL)] == [
        (at(2), FOREVER),
        (at(0), at(1)),
    ]
    assert Listing.objects.get().late == 1


def test_a_late_snapshot_does_not_rename_or_revive() -> None:
    keep([snapshot("project", at(1), [replace(DEBIAN, name="New", parent="p-moon"), MOON])])
    keep([snapshot("project", at(2), [replace(DEBIAN, name="New", parent="p-moon")])])
    keep([snapshot("project", at(0), [DEBIAN, MOON])])
    names = {each.name: each.ended_ms for each in reading.projects(ALL)}
    assert names == {"New": FOREVER, "Moon": at(2)}
    keep([snapshot("instance", at(1), [replace(MIRROR, name="new")])])
    keep([snapshot("instance", at(0), [replace(MIRROR, name="old")])])
    (found,) = reading.resources(ALL).rows
    assert found.name == "new"


def test_what_only_a_late_snapshot_knows_has_ended_at_the_next() -> None:
    keep([snapshot("institution", at(2), [OSL])])
    keep([snapshot("institution", at(0), [NSF])])
    assert [(each.key, each.ended_ms) for each in reading.institutions(ALL)] == [
        ("nsf", at(2)),
        ("open-source-lab", FOREVER),
    ]


def test_an_incomplete_snapshot_that_comes_late_holds_until_the_next() -> None:
    keep([snapshot("instance", at(0), [MIRROR, BUILDER])])
    keep([snapshot("instance", at(2), [MIRROR, BUILDER])])
    keep([snapshot("instance", at(1), [replace(MIRROR, vcpus=9)], complete=False)])
    vcpus = [(r.vcpus, r.start_ms) for r in reading.history("cloud/mirror", ALL)]
    assert vcpus == [(2, at(2)), (9, at(1)), (2, at(0))]


def test_nothing_but_one_row_is_written_when_nothing_changed(
    django_assert_num_queries: Callable[[int], object],
) -> None:
    many = [instance(f"i{n}", project="p-debian", ram_bytes=n * GIB) for n in range(2000)]
    keep([snapshot("instance", at(0), many)])
    before = Revision.objects.count(), Resource.objects.count()
    with django_assert_num_queries(9) as queries:  # type: ignore[attr-defined]
        keep([snapshot("instance", at(1), many)])
    writing = [q["sql"] for q in queries.captured_queries if not _reads(q["sql"])]
    assert [sql.split()[:3] for sql in writing] == [["INSERT", "INTO", "inventory_sighting"]]
    assert (Revision.objects.count(), Resource.objects.count()) == before


def _reads(sql: str) -> bool:
    return sql.split(maxsplit=1)[0] in ("SELECT", "SAVEPOINT", "RELEASE")
