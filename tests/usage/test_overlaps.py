"""Meters that measure the same watts: which of them a sum leaves out."""

import pytest
from tests.inventory.cast import T0, snapshot

from meterhouse.inventory.keep import keep
from meterhouse.metering.periods import from_ms
from meterhouse.metering.snapshots import Resource
from meterhouse.usage.overlaps import measured_twice

pytestmark = pytest.mark.django_db
NOW = from_ms(T0 + 1)


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
