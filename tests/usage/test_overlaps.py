"""Meters that measure the same watts: which of them a sum leaves out."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.inventory.cast import T0, snapshot

from meterhouse.inventory.declaration import parse_text
from meterhouse.inventory.keep import keep
from meterhouse.inventory.plan import apply
from meterhouse.metering.periods import from_ms
from meterhouse.metering.snapshots import Resource
from meterhouse.usage.overlaps import measured_twice

pytestmark = pytest.mark.django_db
NOW = from_ms(T0 + 1)
ALL = frozenset({"pdu/n1", "bmc/n1", "bmc/n2", "rapl/n2", "pdu/n2+n3"})


def meter(key: str, feeds: str, measures: str) -> Resource:
    details = {"feeds": feeds, "measures": measures}
    return Resource(id=key, kind="outlet", name=key.partition("/")[2], details=details)


@pytest.fixture(autouse=True)
def room() -> None:
    """n1 has an outlet and a BMC; n2 a BMC and RAPL, and shares an outlet with n3."""
    nodes = [Resource(id=f"cloud/{name}", kind="node", name=name) for name in ("n1", "n2", "n3")]
    keep([snapshot("node", T0, nodes)])
    for source, meters in {
        "pdu": [meter("pdu/n1", "n1", "outlet"), meter("pdu/n2+n3", "n2 n3", "outlet")],
        "bmc": [meter("bmc/n1", "n1", "node"), meter("bmc/n2", "n2", "node")],
        "rapl": [meter("rapl/n2", "n2", "package")],
    }.items():
        keep([snapshot("outlet", T0, meters, source=source)])
    for source in ("pdu", "old"):
        inlet = Resource(id=f"{source}/in", kind="inlet", name="in")
        keep([snapshot("inlet", T0, [inlet], source=source)])


def test_of_one_nodes_meters_the_first_place_counts() -> None:
    metered = {"pdu/n1", "bmc/n1", "bmc/n2", "rapl/n2"}
    assert measured_twice(metered, NOW) == {"bmc/n1", "rapl/n2"}


def test_an_outlet_of_two_nodes_counts_before_their_bmcs() -> None:
    assert measured_twice({"pdu/n2+n3", "bmc/n2"}, NOW) == {"bmc/n2"}


def test_an_inlet_is_left_out_where_its_outlets_are_metered() -> None:
    assert measured_twice({"pdu/in", "pdu/n1", "old/in"}, NOW) == {"pdu/in"}
    assert measured_twice({"pdu/in", "old/in"}, NOW) == frozenset()


def test_what_nobody_lists_and_what_may_not_be_seen_leaves_nothing_out() -> None:
    assert measured_twice({"gone/x", "bmc/n1"}, NOW) == frozenset()
    assert measured_twice(set(), NOW) == frozenset()


def asked(metered: Collection[str]) -> tuple[set[str], int]:
    """What is measured twice, and how many queries that took."""
    with CaptureQueriesContext(connection) as queries:
        found = measured_twice(metered, NOW)
    return set(found), len(queries)


def test_what_was_worked_out_is_asked_for_in_two_queries() -> None:
    measured_twice(ALL, NOW)
    assert asked(ALL) == ({"bmc/n1", "bmc/n2", "rapl/n2"}, 2)
    assert asked({"bmc/n1", "pdu/n1"}) == ({"bmc/n1"}, 2)


def test_a_list_that_says_the_same_again_changes_nothing_that_is_kept() -> None:
    measured_twice(ALL, NOW)
    keep([snapshot("outlet", T0 + 5, [meter("rapl/n2", "n2", "package")], source="rapl")])
    assert asked(ALL)[1] == 2


def test_another_wiring_counts_at_once() -> None:
    assert "bmc/n1" in measured_twice(ALL, NOW)
    keep([snapshot("outlet", T0 + 5, [meter("pdu/n1", "n9", "outlet")], source="pdu")])
    assert "bmc/n1" not in measured_twice(ALL, from_ms(T0 + 6))


def test_another_name_counts_at_once() -> None:
    """An outlet that feeds a node by its name feeds no other that takes the name."""
    assert "bmc/n1" in measured_twice(ALL, NOW)
    nodes = [
        Resource(id=f"cloud/{name}", kind="node", name=f"old-{name}") for name in ("n1", "n2")
    ]
    keep([snapshot("node", T0 + 5, nodes, complete=False)])
    assert "bmc/n1" not in measured_twice(ALL, from_ms(T0 + 6))


def test_a_feed_that_is_declared_counts_from_its_moment_on() -> None:
    told = '[[feeds]]\noutlet = "pdu/n1"\nnode = "cloud/n3"\nfrom = "2026-05-02"\n'
    start = datetime(2026, 5, 2, tzinfo=UTC)
    assert "bmc/n1" in measured_twice(ALL, start)
    apply(parse_text(told, "house.toml"), now=NOW)
    assert "bmc/n1" in measured_twice(ALL, start - timedelta(seconds=1))
    assert "bmc/n1" not in measured_twice(ALL, start)
    assert "bmc/n1" in measured_twice(ALL, start - timedelta(seconds=1))


def test_what_the_inventory_knew_to_end_ends_in_time() -> None:
    """A clock that is ahead: its list is of a moment that is still to come."""
    later = T0 + 60_000
    keep([snapshot("outlet", later, [], source="pdu")])
    assert "bmc/n1" in measured_twice(ALL, NOW)
    assert "bmc/n1" in measured_twice(ALL, from_ms(later - 1))
    assert "bmc/n1" not in measured_twice(ALL, from_ms(later))


def test_any_number_of_readers_is_answered_and_few_are_kept() -> None:
    readers = [{"pdu/n1", "bmc/n1", f"nobody/{number}"} for number in range(150)]
    assert {measured_twice(each, NOW) for each in readers} == {frozenset({"bmc/n1"})}
    assert [asked(each) for each in readers] == [({"bmc/n1"}, 2)] * 150
