"""Which meters measure a node, and which nodes a meter feeds, for who may see them."""

from dataclasses import replace

import pytest
from tests.inventory.cast import T0, snapshot

from meterhouse.inventory import reading
from meterhouse.inventory.keep import keep
from meterhouse.inventory.scope import Scope
from meterhouse.metering.periods import from_ms
from meterhouse.metering.snapshots import Project, Resource
from meterhouse.usage.wires import End, Wires, wires_of

pytestmark = pytest.mark.django_db
NOW = from_ms(T0 + 1)


def outlet(name: str, feeds: str, project: str = "") -> Resource:
    return Resource(
        id=f"room/{name}", kind="outlet", name=name, project=project, details={"feeds": feeds}
    )


@pytest.fixture(autouse=True)
def room() -> None:
    """n1 hangs on two outlets, n2 and n3 share one; a switch is no node."""
    nodes = [Resource(id=f"room/{name}", kind="node", name=name) for name in ("n1", "n2", "n3")]
    outlets = [
        *(outlet("b", "n1"), outlet("a", "n1"), outlet("chassis", "n2 n3")),
        outlet("switch", "switch"),
    ]
    project = Project(id="theirs", name="Theirs")
    nodes[1] = replace(nodes[1], project="theirs")
    keep(
        [
            snapshot("project", T0, [project], source="room"),
            snapshot("node", T0, nodes, source="room"),
            snapshot("outlet", T0, outlets, source="room"),
        ]
    )


def test_a_node_with_two_supplies_is_metered_at_two_outlets() -> None:
    found = wires_of("room/n1", Scope.all(), NOW)
    assert found == Wires(meters=(End("room/a", "a"), End("room/b", "b")))


def test_an_outlet_feeds_the_nodes_that_are_there() -> None:
    assert wires_of("room/chassis", Scope.all(), NOW).feeds == (
        End("room/n2", "n2"),
        End("room/n3", "n3"),
    )
    assert wires_of("room/switch", Scope.all(), NOW) == Wires()


def test_nobody_sees_a_wire_whose_other_end_is_not_theirs() -> None:
    (project,) = (each.id for each in reading.projects(Scope.all()) if each.name == "Theirs")
    theirs = Scope(projects=frozenset({project}))
    assert wires_of("room/n2", theirs, NOW) == Wires()
    assert wires_of("room/chassis", theirs, NOW) == Wires()
