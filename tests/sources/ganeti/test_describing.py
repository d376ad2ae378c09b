"""What instances and nodes become: their states, sizes, owners and figures."""

import pytest

from meterhouse.clients.ganeti.answers import Instance, Node, Parameters
from meterhouse.metering import meters
from meterhouse.metering.snapshots import State
from meterhouse.sources.ganeti import instances, nodes
from meterhouse.sources.ganeti.instances import Owners, tagged
from meterhouse.sources.ganeti.nodes import Size

MIB = 1024 * 1024
Wanted = str | bool
OWNERS = Owners("project:", "user:")


@pytest.mark.parametrize(
    ("status", "wanted", "state"),
    [
        ("running", "up", State.RUNNING),
        ("ADMIN_down", "down", State.STOPPED),
        ("USER_down", "up", State.STOPPED),
        ("ADMIN_offline", "offline", State.STOPPED),
        ("ERROR_down", "up", State.ERROR),
        ("ERROR_up", "down", State.ERROR),
        ("ERROR_wrongnode", "up", State.ERROR),
        ("ERROR_nodedown", "up", State.UNKNOWN),
        ("ERROR_nodedown", "down", State.STOPPED),
        ("ERROR_nodeoffline", "up", State.UNKNOWN),
        ("ERROR_nodeoffline", "offline", State.STOPPED),
        ("ERROR_nodedown", True, State.UNKNOWN),
        ("ERROR_nodedown", False, State.STOPPED),
        ("a word of a later version", "up", State.UNKNOWN),
        ("a word of a later version", "down", State.STOPPED),
        (None, "up", State.UNKNOWN),
    ],
)
def test_what_an_instance_does(status: str | None, wanted: Wanted, state: State) -> None:
    assert instances.state(Instance(name="web1", status=status, wanted=wanted)) is state


def test_an_instance_is_as_large_as_its_owner_asked_for() -> None:
    mirrored = Instance(
        name="web1.debian.example",
        uuid="u1",
        beparams=Parameters(vcpus=4, maxmem=4096, memory=1),
        disk_sizes=[10240, 51200],
        disk_usage=61696,
        disk_template="drbd",
        pnode="node1",
        snodes=["node2"],
        os="debootstrap+default",
        ctime=1700000000.25,
    )
    found = instances.describe(mirrored, "osl", OWNERS, "kvm")
    assert (found.id, found.kind, found.name) == ("osl/u1", "instance", "web1.debian.example")
    assert (found.vcpus, found.ram_bytes) == (4, 4096 * MIB)
    assert found.disk_bytes == 61440 * MIB  # not what DRBD adds
    assert found.since_ms == 1700000000250
    assert found.details == {
        "node": "node1",
        "secondary_nodes": "node2",
        "os": "debootstrap+default",
        "hypervisor": "kvm",
        "disk_template": "drbd",
        "disk_usage": "61696 MiB",
    }


def test_what_a_cluster_does_not_say_is_left_out() -> None:
    found = instances.describe(Instance(name="old"), "osl", OWNERS, "")
    assert (found.id, found.since_ms, found.details, found.tags) == ("osl/old", 0, {}, ())


def test_an_instance_belongs_to_whom_its_tags_name() -> None:
    tags = ["env:prod", "project:debian/cd", "user:bob"]
    found = instances.describe(Instance(name="web1", tags=tags), "osl", OWNERS, "")
    assert (found.project, found.user, found.tags) == ("debian/cd", "bob", tuple(tags))


@pytest.mark.parametrize(
    ("tags", "prefix", "said"),
    [
        ([], "project:", ""),
        (["env:prod"], "project:", ""),
        (["project:"], "project:", ""),
        (["project:debian"], "project:", "debian"),
        (["project:debian", "project:debian"], "project:", "debian"),
        (["project:debian", "project:carol"], "project:", ""),  # nobody is charged by lot
        (["gwm:owner:7"], "gwm:owner:", "7"),
        (["project:debian"], "", ""),
        (["myproject:debian"], "project:", ""),
    ],
)
def test_tags_name_an_owner_by_a_prefix(tags: list[str], prefix: str, said: str) -> None:
    assert tagged(tags, prefix) == said


def test_a_running_instance_shows_what_it_has() -> None:
    ballooned = Instance(name="web1", oper_ram=3072, oper_vcpus=4)
    assert dict(instances.figures(ballooned)) == {
        meters.MEMORY_TOTAL: 3072 * MIB,
        meters.CPU_COUNT: 4,
    }


@pytest.mark.parametrize("unknown", [None, "-", "?", -1])
def test_an_unknown_figure_is_not_zero(unknown: str | float | None) -> None:
    silent = Instance(name="web1", oper_ram=unknown, oper_vcpus=unknown)
    assert not dict(instances.figures(silent))


UP = Node(
    name="node1", uuid="n1", role="M", group="g1", ctotal=8, mtotal=4096, mfree=1024, dtotal=100
)
DOWN = Node(name="node1", uuid="n1", role="C", group="g1")
OFFLINE = Node(name="node1", uuid="n1", role="O", offline=True)
STORAGE = Node(name="node1", uuid="n1", role="R", vm_capable=False)
HAD = Size(vcpus=8, ram_mib=4096, disk_mib=100)


@pytest.mark.parametrize(
    ("node", "last", "has", "state"),
    [
        (UP, None, HAD, State.PRESENT),
        (UP, Size(1, 1, 1), HAD, State.PRESENT),
        (DOWN, HAD, HAD, State.UNKNOWN),
        (DOWN, None, None, State.UNKNOWN),
        (OFFLINE, HAD, Size(), State.STOPPED),
        (OFFLINE, None, Size(), State.STOPPED),
        (STORAGE, None, Size(), State.PRESENT),
        # Memory is told, the disks are not: their volume group was asked for in vain.
        (Node(name="node1", mtotal=4096, ctotal=8), HAD, HAD, State.PRESENT),
        (Node(name="node1", mtotal=4096, ctotal=8), None, Size(8, 4096, 0), State.PRESENT),
        (Node(name="node1", mtotal="?", ctotal="-"), HAD, HAD, State.UNKNOWN),
    ],
)
def test_what_a_node_has(node: Node, last: Size | None, has: Size | None, state: State) -> None:
    assert nodes.size(node, last) == has
    assert nodes.state(node) is state


def test_a_node_is_described_with_its_group_and_role() -> None:
    found = nodes.describe(UP, "osl", HAD, {"g1": "default"})
    assert (found.id, found.kind, found.name) == ("osl/n1", "node", "node1")
    assert (found.vcpus, found.ram_bytes, found.disk_bytes) == (8, 4096 * MIB, 100 * MIB)
    assert found.details == {"group": "default", "role": "master"}


def test_a_node_that_is_in_no_known_group_has_none() -> None:
    assert nodes.describe(DOWN, "osl", HAD, {}).details == {"role": "master candidate"}


def test_a_node_says_what_is_taken() -> None:
    node = Node(name="node1", ctotal=8, mtotal=4096, mfree=1024, dtotal=100, dfree=60)
    assert dict(nodes.figures(node)) == {
        meters.CPU_COUNT: 8,
        meters.MEMORY_TOTAL: 4096 * MIB,
        meters.MEMORY_USED: 3072 * MIB,
        meters.DISK_TOTAL: 100 * MIB,
        meters.DISK_USED: 40 * MIB,
    }


def test_a_node_says_nothing_of_what_it_does_not_know() -> None:
    assert not dict(nodes.figures(DOWN))
    assert dict(nodes.figures(Node(name="node1", dtotal=100))) == {meters.DISK_TOTAL: 100 * MIB}


def test_more_free_than_there_is_takes_nothing() -> None:
    figures = dict(nodes.figures(Node(name="node1", mtotal=100, mfree=101)))
    assert figures[meters.MEMORY_USED] == 0
