"""One bad object of a list costs itself, and what cannot be shown reaches no page."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inventory.cast import ALICE, DEBIAN, OSL, T0, at, instance, snapshot

from meterhouse.inventory import reading
from meterhouse.inventory.door import admitted
from meterhouse.inventory.keep import keep
from meterhouse.inventory.scope import Scope
from meterhouse.metering.snapshots import Project, Resource, SnapshotObject

pytestmark = pytest.mark.django_db
ALL = Scope.all()
BAD = ("a\0b", "a\nb", "a\u2028b", "..", "history", "x" * 300, "")


def problem() -> str:
    (listing,) = reading.listings(ALL)
    return listing.problem


@pytest.mark.parametrize("name", BAD)
def test_an_object_whose_key_holds_nowhere_costs_only_itself(name: str) -> None:
    keep([snapshot("instance", T0, [instance(name), instance("good")])])
    assert [row.key for row in reading.resources(ALL).rows] == ["cloud/good"]
    assert problem().startswith("1 left out, as their keys hold nowhere, such as ")
    assert len(problem().splitlines()) == 1


def test_a_size_that_no_database_keeps_costs_only_itself() -> None:
    keep([snapshot("instance", T0, [instance("a", ram_bytes=2**63), instance("good")])])
    assert [row.key for row in reading.resources(ALL).rows] == ["cloud/good"]


def test_a_name_that_cannot_be_shown_is_kept_escaped_and_said() -> None:
    odd = instance("good", tags=("t\0",), details={"os": "a\nb"}, project="p\0", user="u\n")
    keep([snapshot("instance", T0, [replace(odd, name="a\nb\0")])])
    (row,) = reading.resources(ALL).rows
    assert (row.name, row.tags, row.details) == ("a\\nb\\x00", ("t\\x00",), {"os": "a\\nb"})
    assert (row.project_id, row.user_id) == (None, None)
    assert problem() == '1 with texts that cannot be shown as they are, such as "cloud/good"'
    keep([snapshot("instance", at(1), [instance("good")])])
    assert problem() == ""


def test_people_and_projects_with_odd_words_are_kept_without_them() -> None:
    keep([snapshot("institution", T0, [OSL, replace(OSL, id="x\0")])])
    odd = replace(DEBIAN, name="De\nbian", parent="p\0", shares={"i-osl": 1, "i\0": 2})
    keep([snapshot("project", T0, [odd, Project(id="n", name="Unassigned")])])
    keep([snapshot("user", T0, [replace(ALICE, email="a@\0", projects=("p-debian", "\0"))])])
    assert [row.name for row in reading.institutions(ALL)] == ["Open Source Lab"]
    assert [(row.key, row.name) for row in reading.projects(ALL)] == [
        ("de-nbian", "De\\nbian"),
        ("unassigned-2", "Unassigned"),
    ]
    assert [row.email for row in reading.users(ALL)] == ["a@\\x00"]
    assert len(reading.shares(ALL)) == len(reading.memberships(ALL)) == 1


TEXT = st.text(st.characters(), max_size=5)
OBJECTS = st.builds(
    Resource,
    id=TEXT,
    kind=st.just("instance"),
    name=TEXT,
    project=TEXT,
    tags=st.lists(TEXT, max_size=2).map(tuple),
    details=st.dictionaries(TEXT, TEXT, max_size=2),
)


@settings(max_examples=40)
@given(st.lists(OBJECTS, max_size=3))
def test_any_texts_are_kept_and_read_again(objects: list[SnapshotObject]) -> None:
    given_ = snapshot("instance", T0, [*objects, instance("good")])
    clean, _ = admitted(given_)
    assert admitted(clean) == (clean, [])
    assert clean.objects[-1] == instance("good")
