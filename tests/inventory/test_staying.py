"""What is kept as long as the inventory stays as it was."""

from dataclasses import replace

import pytest
from tests.inventory.cast import T0, everybody, instance, snapshot

from meterhouse.inventory import reading
from meterhouse.inventory.keep import keep
from meterhouse.inventory.staying import Staying

pytestmark = pytest.mark.django_db


def test_marks_are_others_when_what_is_listed_changes_and_only_then() -> None:
    keep(everybody(T0))
    before = reading.marks()
    keep(everybody(T0 + 1))
    assert reading.marks() == before, "the same again"
    keep([snapshot("instance", T0 + 2, [instance("mirror", vcpus=64)])])
    grown = reading.marks()
    assert grown != before
    keep([snapshot("instance", T0 + 3, [replace(instance("mirror", vcpus=64), name="other")])])
    assert reading.marks() != grown, "a name, of which there are no revisions"


def test_marks_of_some_kinds_do_not_move_with_others() -> None:
    keep(everybody(T0))
    nodes = reading.marks(kinds=("node",))
    keep([snapshot("instance", T0 + 1, [])])
    assert reading.marks(kinds=("node",)) == nodes
    keep([snapshot("node", T0 + 1, [replace(instance("n1"), kind="node")])])
    assert reading.marks(kinds=("node",)) != nodes


def test_a_late_list_that_changes_the_past_changes_the_mark() -> None:
    keep([snapshot("instance", T0, [instance("mirror")])])
    keep([snapshot("instance", T0 + 10, [instance("mirror")])])
    before = reading.marks()
    keep([snapshot("instance", T0 + 5, [])])
    assert reading.marks() != before


def test_a_value_is_made_again_when_its_marks_are_others() -> None:
    made: list[str] = []

    def make() -> int:
        made.append("")
        return len(made)

    kept: Staying[int] = Staying(2)
    assert [kept.get("a", ((1, 7),), make) for _ in range(2)] == [1, 1]
    assert kept.get("a", ((1, 8),), make) == 2
    assert [kept.get(key, ((1, 8),), make) for key in ("b", "c", "a")] == [3, 4, 5]
