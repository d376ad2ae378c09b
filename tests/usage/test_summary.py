"""What stands out in a report."""

from tests.usage.estates import MIRROR, ROCKET, ask, estate

from meterhouse.usage.quantities import NOTHING
from meterhouse.usage.report import Axis
from meterhouse.usage.summary import compared, largest, measure


def test_the_largest_come_first_and_the_others_are_counted_and_summed() -> None:
    rows = ask(Axis.RESOURCE).rows
    chosen = largest(rows, "vcpu_seconds", 1)
    assert [row.name for row in chosen.rows] == ["builder"]
    assert chosen.others == 2
    assert chosen.rest.vcpu_seconds == (48 + 12) * 3600
    assert largest(rows, "vcpu_seconds", 3).rest == NOTHING


def test_rows_are_compared_by_the_first_amount_there_is_any_of() -> None:
    assert measure(ask(Axis.PROJECT)) == "vcpu_seconds"
    disk = estate(MIRROR._replace(vcpus=0))
    assert measure(ask(Axis.PROJECT, disk)) == "disk_byte_seconds"
    node = estate(MIRROR._replace(kind="node"))
    assert measure(ask(Axis.PROJECT, node)) == "millijoules"
    assert measure(ask(Axis.PROJECT, estate())) == "resource_seconds"


def test_where_all_is_one_projects_what_is_below_it_is_compared() -> None:
    assert [row.key for row in compared(ask(Axis.PROJECT))] == ["debian", "moon"]
    assert [row.key for row in compared(ask(Axis.PROJECT, project="debian"))] == ["debian/cd"]
    assert [row.key for row in compared(ask(Axis.PROJECT, estate(ROCKET)))] == ["moon"]
