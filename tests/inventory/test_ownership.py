"""Whose a resource is when its source does not say."""

from collections.abc import Callable

import pytest
from tests.inventory.cast import NOW, at, everybody, instance, snapshot

from meterhouse.inventory import reading
from meterhouse.inventory.declaration import parse_text
from meterhouse.inventory.finding import Wanted
from meterhouse.inventory.keep import keep
from meterhouse.inventory.plan import apply
from meterhouse.inventory.scope import Scope
from meterhouse.metering.snapshots import Resource

pytestmark = pytest.mark.django_db
ALL = Scope.all()
HOUSE = """
[[projects]]
key = "debian"
[[projects]]
key = "gwm"
source = "cloud"
external_id = "12"
[[users]]
key = "alice"
[[users]]
key = "bob"
"""


def declare(rules: str) -> None:
    apply(parse_text(HOUSE + rules, "estate.toml"), now=NOW)


def owner(resource: Resource, quarter: int = 0, source: str = "cloud") -> tuple[str, str]:
    """Keys of the project and user that a resource is given to; "" for nobody."""
    keep([snapshot("instance", at(quarter), [resource], source=source)])
    found = reading.resource(resource.id, ALL)
    assert found is not None
    projects = {each.id: each.key for each in reading.projects(ALL)}
    users = {each.id: each.key for each in reading.users(ALL)}
    return projects.get(found.project_id or 0, ""), users.get(found.user_id or 0, "")


def test_without_a_rule_it_is_nobodys_and_can_be_found_so() -> None:
    declare("")
    keep([snapshot("instance", at(0), [instance("a")])])
    assert [each.key for each in reading.resources(ALL, Wanted(unassigned=True)).rows] == [
        "cloud/a"
    ]


def test_a_tag_names_the_project_by_key() -> None:
    declare('[[rules]]\ntag = "project:*"\nproject = "*"')
    assert owner(instance("a", tags=("x", "project:debian"))) == ("debian", "")


def test_a_tag_names_the_project_by_the_sources_own_id() -> None:
    declare('[[rules]]\ntag = "gwm:owner:*"\nproject = "*"')
    assert owner(instance("a", tags=("gwm:owner:12",))) == ("gwm", "")
    other = instance("b", id="other/b", tags=("gwm:owner:12",))
    assert owner(other, source="other") == ("", "")


def test_a_tag_that_names_nobody_leaves_it_to_the_next_rule() -> None:
    declare(
        '[[rules]]\ntag = "project:*"\nproject = "*"\n[[rules]]\nsource = "cloud"\nproject = "gwm"'
    )
    assert owner(instance("a", tags=("project:debain",))) == ("gwm", "")
    assert owner(instance("b", tags=("project:debain", "project:debian")), 1) == ("debian", "")


def test_a_name_matches_a_pattern_from_end_to_end() -> None:
    declare('[[rules]]\nname = "deb-*.org"\nproject = "debian"')
    assert owner(instance("deb-cd.org")) == ("debian", "")
    assert owner(instance("deb-.org"), 3) == ("debian", "")
    assert owner(instance("deb-cdXorg"), 1) == ("", "")
    assert owner(instance("xdeb-cd.org"), 2) == ("", "")


def test_the_first_rule_that_gives_a_side_wins_for_that_side() -> None:
    declare(
        """
[[rules]]
tag = "owner:*"
user = "*"
[[rules]]
name = "a*"
project = "debian"
user = "bob"
[[rules]]
project = "gwm"
"""
    )
    assert owner(instance("a", tags=("owner:alice",))) == ("debian", "alice")
    assert owner(instance("ab"), 1) == ("debian", "bob")
    assert owner(instance("c", tags=("owner:alice",)), 2) == ("gwm", "alice")


def test_a_rule_of_another_source_does_not_apply() -> None:
    declare('[[rules]]\nsource = "other"\nproject = "debian"')
    assert owner(instance("a")) == ("", "")


def test_what_the_source_says_comes_before_the_rules() -> None:
    declare('[[rules]]\nproject = "debian"\nuser = "alice"')
    assert owner(instance("a", project="12")) == ("gwm", "alice")


def test_a_changed_rule_applies_from_then_on() -> None:
    declare('[[rules]]\nproject = "debian"')
    assert owner(instance("a")) == ("debian", "")
    declare('[[rules]]\nproject = "gwm"')
    assert owner(instance("a"), 1) == ("gwm", "")
    newest, oldest = reading.history("cloud/a", ALL)
    assert (newest.start_ms, newest.changed, oldest.end_ms) == (at(1), ("project",), at(1))


def test_rules_are_asked_of_the_database_once_a_snapshot(
    django_assert_max_num_queries: Callable[[int], object],
) -> None:
    keep(everybody(at(0)))
    declare('[[rules]]\ntag = "project:*"\nproject = "*"\nuser = "alice"')
    many = [instance(f"i{n}", tags=(f"project:{n}", "project:debian")) for n in range(1000)]
    keep([snapshot("instance", at(1), many)])
    with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
        keep([snapshot("instance", at(2), many)])
