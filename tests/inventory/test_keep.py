"""What complete and incomplete snapshots make of the history."""

from dataclasses import replace

import pytest
from tests.inventory.cast import (
    ALWAYS,
    BUILDER,
    CD,
    DEBIAN,
    MIRROR,
    NOW,
    QUARTER,
    ROCKET,
    T0,
    at,
    everybody,
    instance,
    snapshot,
)

from meterhouse.inventory import reading
from meterhouse.inventory.declaration import parse_text
from meterhouse.inventory.facts import FOREVER, ResourceInfo
from meterhouse.inventory.finding import Wanted
from meterhouse.inventory.keep import keep
from meterhouse.inventory.plan import apply
from meterhouse.inventory.scope import Scope
from meterhouse.metering.periods import Period
from meterhouse.metering.snapshots import Resource, State

pytestmark = pytest.mark.django_db
ALL = Scope.all()


def see(quarter: int, *resources: Resource, complete: bool = True) -> None:
    keep([snapshot("instance", at(quarter), resources, complete=complete)])


def stretches(key: str = "cloud/mirror") -> list[tuple[int, int | None]]:
    """A resource's revisions in quarters after T0, oldest first."""
    return [
        ((r.start_ms - T0) // QUARTER, None if r.end_ms == FOREVER else (r.end_ms - T0) // QUARTER)
        for r in reversed(reading.history(key, ALL))
    ]


def test_what_was_seen_once_lasts() -> None:
    see(0, MIRROR)
    assert stretches() == [(0, None)]


def test_a_change_ends_one_revision_and_begins_the_next() -> None:
    see(0, MIRROR)
    see(1, replace(MIRROR, vcpus=4))
    assert stretches() == [(0, 1), (1, None)]
    assert reading.history("cloud/mirror", ALL)[0].changed == ("vcpus",)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"project": "p-cd"}, "project"),
        ({"user": "u-bob"}, "user"),
        ({"state": State.STOPPED}, "state"),
        ({"state": State.UNKNOWN}, "state"),
        ({"ram_bytes": 1}, "ram"),
        ({"disk_bytes": 1}, "disk"),
        ({"details": {"node": "node-2"}}, "details"),
    ],
)
def test_owner_state_size_and_details_make_revisions(change: dict[str, object], word: str) -> None:
    see(0, MIRROR)
    see(1, replace(MIRROR, **change))  # type: ignore[arg-type]
    assert [each.changed for each in reading.history("cloud/mirror", ALL)] == [(word,), ()]


def test_a_name_and_tags_change_without_a_revision() -> None:
    see(0, MIRROR)
    see(1, replace(MIRROR, name="Mirror", tags=("a", "b")))
    assert stretches() == [(0, None)]
    found = reading.resource("cloud/mirror", ALL)
    assert found is not None
    assert (found.name, found.tags) == ("Mirror", ("a", "b"))


def test_what_a_complete_snapshot_lacks_has_ended_at_its_moment() -> None:
    see(0, MIRROR, BUILDER)
    see(1, BUILDER)
    assert stretches() == [(0, 1)]
    assert stretches("cloud/builder") == [(0, None)]


def test_what_an_incomplete_snapshot_lacks_has_not_ended() -> None:
    see(0, MIRROR, BUILDER)
    see(1, replace(BUILDER, vcpus=1), complete=False)
    assert stretches() == [(0, None)]
    assert stretches("cloud/builder") == [(0, 1), (1, None)]


def test_an_empty_complete_snapshot_ends_everything() -> None:
    see(0, MIRROR, BUILDER)
    see(1)
    assert [each.ended_ms for each in found(ended=True)] == [at(1), at(1)]
    assert found(ended=False) == []


def found(*, ended: bool) -> list[ResourceInfo]:
    return list(reading.resources(ALL, Wanted(ended=ended)).rows)


def test_what_reappears_has_a_new_revision_after_a_gap() -> None:
    see(0, MIRROR)
    see(1)
    see(2, MIRROR)
    assert stretches() == [(0, 1), (2, None)]
    assert reading.history("cloud/mirror", ALL)[0].changed == ("gone",)


def test_a_new_resource_begins_when_its_source_says_it_was_made() -> None:
    see(0)
    keep([snapshot("instance", at(1), [replace(MIRROR, since_ms=at(1) - 60_000)])])
    assert reading.history("cloud/mirror", ALL)[0].start_ms == at(1) - 60_000


def test_it_does_not_begin_before_the_last_snapshot_that_lacked_it() -> None:
    see(0)
    see(1)
    see(2, replace(MIRROR, since_ms=T0 - 5 * QUARTER))
    assert stretches() == [(1, None)]


def test_it_does_not_begin_before_anybody_watched() -> None:
    see(0, replace(MIRROR, since_ms=T0 - 5 * QUARTER))
    assert stretches() == [(0, None)]


def test_it_does_not_begin_after_it_was_seen() -> None:
    see(0)
    see(1, replace(MIRROR, since_ms=at(2)))
    assert stretches() == [(1, None)]


def test_an_unknown_state_is_a_state_of_its_own() -> None:
    see(0, MIRROR)
    see(1, replace(MIRROR, state=State.UNKNOWN))
    see(2, MIRROR)
    states = [each.state for each in reading.history("cloud/mirror", ALL)]
    assert states == [State.RUNNING, State.UNKNOWN, State.RUNNING]


def test_each_source_has_its_own_history_and_the_first_counts() -> None:
    see(0, MIRROR)
    other = replace(MIRROR, vcpus=64)
    keep([snapshot("instance", at(1), [other], source="other")])
    keep([snapshot("instance", at(2), [], source="other")])
    assert [(r.vcpus, r.end_ms) for r in reading.revisions(ALWAYS)] == [(2, ALWAYS.end_ms)]
    assert {r.source for r in reading.history("cloud/mirror", ALL)} == {"cloud", "other"}


def test_a_resource_of_an_unlisted_project_is_still_the_projects() -> None:
    see(0, MIRROR)
    (project,) = reading.projects(ALL)
    assert (project.key, project.name) == ("p-debian", "p-debian")
    keep([snapshot("project", at(1), [DEBIAN])])
    (named,) = reading.projects(ALL)
    assert (named.id, named.key, named.name) == (project.id, "debian", "Debian")


def test_a_declared_project_is_found_by_its_key_from_any_source() -> None:
    apply(parse_text('[[projects]]\nkey = "debian"\nname = "Debian"\n', "x.toml"), now=NOW)
    for source in ("east", "west"):
        listed = replace(instance(source, project="debian"), id=f"{source}/1")
        keep([snapshot("instance", at(1), [listed], source=source)])
    assert [project.key for project in reading.projects(Scope.all())] == ["debian"]
    page = reading.resources(Scope.all())
    assert len({resource.project_id for resource in page.rows}) == 1


def test_the_projects_of_a_source_are_a_tree_in_whatever_order_they_come() -> None:
    keep([snapshot("project", at(0), [CD, DEBIAN])])
    debian, cd = reading.projects(ALL)
    assert (cd.key, cd.path, cd.ancestors, cd.depth) == (
        "debian/cd",
        ("Debian", "CD"),
        (debian.id,),
        1,
    )


def test_a_whole_cloud_is_kept_in_one_go() -> None:
    keep(everybody(at(0)))
    rows = {row.resource_key: row for row in reading.revisions(Period.from_ms(at(1), at(2)))}
    users = {each.id: each.key for each in reading.users(ALL)}
    projects = {each.id: each.key for each in reading.projects(ALL)}
    assert {
        key: (projects[r.project_id or 0], users[r.user_id or 0]) for key, r in rows.items()
    } == {
        MIRROR.id: ("debian", "alice"),
        BUILDER.id: ("debian/cd", "bob"),
        ROCKET.id: ("moon", "carol"),
    }
    assert {(r.start_ms, r.end_ms) for r in rows.values()} == {(at(1), at(2))}


def test_one_that_is_listed_twice_counts_once() -> None:
    see(0, MIRROR, replace(MIRROR, vcpus=3), instance("x"))
    assert [each.vcpus for each in reading.history("cloud/mirror", ALL)] == [3]
