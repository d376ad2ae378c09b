"""A real Ganeti cluster: what the source says of it while things happen to it.

Every test makes the instances that it looks at, and leaves the daemons running.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from tests.ganeti_cluster import ADDRESS, NODE, READER, Cluster, wait_for

from meterhouse.clients import trust
from meterhouse.clients.ganeti.client import Refused
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Unreachable
from meterhouse.metering.snapshots import Resource, State
from meterhouse.sources import Reading, Source, configure

pytestmark = [
    pytest.mark.ganeti,
    pytest.mark.allow_hosts([ADDRESS]),
    pytest.mark.timeout(300),  # the first test starts the cluster, and may install it
]

MIB = 1024 * 1024
DEADLINE_S = 2.0
Opener = Callable[..., AbstractAsyncContextManager[Source]]


@pytest.fixture
def opened(cluster: Cluster) -> Opener:
    """Open the source "osl" for the cluster, as its documentation tells people to."""

    def open_source(**more: Any) -> AbstractAsyncContextManager[Source]:
        user, password = READER
        table = {
            "kind": "ganeti",
            "url": cluster.url,
            "user": user,
            "password": password,
            "certificate": str(cluster.certificate),
        }
        return configure("osl", table | more, where="test").open(SystemClock())

    return open_source


def listed(reading: Reading, kind: str) -> dict[str, Resource]:
    """Resources of a complete list, by name."""
    (snapshot,) = [snapshot for snapshot in reading.snapshots if snapshot.kind == kind]
    assert snapshot.complete
    return {found.name: found for found in snapshot.objects if isinstance(found, Resource)}


def figures(reading: Reading, resource: Resource) -> dict[str, float]:
    """What a reading measured on one resource, by meter."""
    samples = reading.samples
    return {
        samples.series[key].meter: value
        for key, value in zip(samples.key.tolist(), samples.value.tolist(), strict=True)
        if samples.series[key].resource == resource.id
    }


async def instance(source: Source, name: str) -> Resource:
    return listed(await source.read(), "instance")[name]


async def test_every_instance_is_listed_as_it_is(cluster: Cluster, opened: Opener) -> None:
    before = SystemClock().now_ms()
    disks = [{"size": 1024}, {"size": 512}]
    tags = ["project:debian/cd", "user:bob", "env:prod"]
    size = {"vcpus": 2, "maxmem": 32, "minmem": 16}
    cluster.create("web1.mh.example", beparams=size, tags=tags)
    cluster.create("db1.mh.example", disk_template="file", disks=disks)
    cluster.create("batch1.mh.example", start=False)
    cluster.create("away1.mh.example", start=False)
    cluster.job("PUT", "/2/instances/away1.mh.example/modify", {"offline": True})
    cluster.create("dead1.mh.example")
    cluster.crash("dead1.mh.example")

    async with opened() as source:
        reading = await source.read()
    found = listed(reading, "instance")
    names = [f"{name}1.mh.example" for name in ("web", "db", "batch", "away", "dead")]
    states = [State.RUNNING, State.RUNNING, State.STOPPED, State.STOPPED, State.ERROR]
    assert [found[name].state for name in names] == states

    web, db = found["web1.mh.example"], found["db1.mh.example"]
    assert (web.vcpus, web.ram_bytes, web.disk_bytes) == (2, 32 * MIB, 0)
    assert (web.project, web.user, set(web.tags)) == ("debian/cd", "bob", set(tags))
    assert before <= web.since_ms <= SystemClock().now_ms()
    assert web.details == {
        "node": NODE,
        "os": "meterhouse-noop+default",
        "hypervisor": "fake",
        "disk_template": "diskless",
    }
    assert figures(reading, web) == {"memory.total": 32 * MIB, "cpu.count": 2}
    assert (db.disk_bytes, db.project) == (1536 * MIB, "")
    assert (db.details["disk_template"], db.details["disk_usage"]) == ("file", "1536 MiB")
    assert not figures(reading, found["batch1.mh.example"])
    assert not figures(reading, found["dead1.mh.example"])


async def test_nodes_are_listed_with_what_they_have(opened: Opener) -> None:
    async with opened() as source:
        reading = await source.read()
    (node,) = listed(reading, "node").values()
    assert (node.name, node.state) == (NODE, State.PRESENT)
    assert node.details == {"group": "default", "role": "master"}
    said = figures(reading, node)
    assert (said["cpu.count"], said["memory.total"]) == (node.vcpus, node.ram_bytes)
    assert said["disk.total"] == node.disk_bytes
    assert 0 < said["memory.used"] < said["memory.total"]
    assert 0 < said["disk.used"] < said["disk.total"]


async def test_an_instance_is_stopped_started_resized_and_given_away(
    cluster: Cluster, opened: Opener
) -> None:
    name = "life1.mh.example"
    where = f"/2/instances/{name}"
    cluster.create(name, tags=["project:debian"])
    async with opened() as source:
        born = await instance(source, name)
        assert (born.state, born.project) == (State.RUNNING, "debian")

        cluster.job("PUT", f"{where}/shutdown")
        assert (await instance(source, name)).state is State.STOPPED

        cluster.job("PUT", f"{where}/modify", {"beparams": {"vcpus": 4, "maxmem": 64}})
        resized = await instance(source, name)
        assert (resized.id, resized.vcpus, resized.ram_bytes) == (born.id, 4, 64 * MIB)

        cluster.job("PUT", f"{where}/startup")
        assert (await instance(source, name)).state is State.RUNNING

        cluster.job("DELETE", f"{where}/tags?tag=project:debian")
        cluster.job("PUT", f"{where}/tags?tag=project:debian/cd&tag=user:bob")
        given = await instance(source, name)
        assert (given.id, given.project, given.user) == (born.id, "debian/cd", "bob")


async def test_a_disk_that_grows_is_seen(cluster: Cluster, opened: Opener) -> None:
    name = "disk1.mh.example"
    cluster.create(name, disk_template="file", disks=[{"size": 256}])
    cluster.job("POST", f"/2/instances/{name}/disk/0/grow", {"amount": 128})
    async with opened() as source:
        assert (await instance(source, name)).disk_bytes == 384 * MIB


async def test_a_deleted_instance_is_missing_and_its_name_is_not_it(
    cluster: Cluster, opened: Opener
) -> None:
    name = "gone1.mh.example"
    cluster.create(name)
    async with opened() as source:
        first = await instance(source, name)
        cluster.job("DELETE", f"/2/instances/{name}")
        assert name not in listed(await source.read(), "instance")
        cluster.create(name)
        assert (await instance(source, name)).id != first.id


async def test_a_dead_node_leaves_nothing_out(cluster: Cluster, opened: Opener) -> None:
    cluster.create("up1.mh.example")
    cluster.create("down1.mh.example", start=False)
    async with opened() as source:
        healthy = await source.read()
        with cluster.without("ganeti-noded"):
            reading = await source.read()
        found, was = listed(reading, "instance"), listed(healthy, "instance")
        assert found.keys() == was.keys()
        assert found["up1.mh.example"].state is State.UNKNOWN
        assert found["down1.mh.example"].state is State.STOPPED
        assert found["up1.mh.example"].ram_bytes == was["up1.mh.example"].ram_bytes
        (node,), (node_was,) = (listed(r, "node").values() for r in (reading, healthy))
        assert node.state is State.UNKNOWN
        assert (node.vcpus, node.ram_bytes, node.disk_bytes) == (
            *(node_was.vcpus, node_was.ram_bytes, node_was.disk_bytes),
        )
        assert not len(reading.samples)

        again = await source.read()
        assert listed(again, "instance")["up1.mh.example"].state is State.RUNNING
        assert figures(again, node)


async def test_a_node_that_is_dead_from_the_start_makes_no_claim(
    cluster: Cluster, opened: Opener
) -> None:
    async with opened() as source:
        with cluster.without("ganeti-noded"):
            reading = await source.read()
    assert [(s.kind, s.complete) for s in reading.snapshots] == [
        ("instance", True),
        ("node", False),
    ]


@pytest.mark.parametrize("daemon", ["ganeti-rapi", "ganeti-luxid"])
async def test_a_daemon_that_hangs_makes_it_unreachable_until_it_goes_on(
    cluster: Cluster, opened: Opener, daemon: str
) -> None:
    async with opened(deadline_s=DEADLINE_S) as source:
        with cluster.frozen(daemon):
            started = time.monotonic()
            with pytest.raises(Unreachable):
                await source.read()
            assert time.monotonic() - started < DEADLINE_S + 1
        assert listed(await source.read(), "node")


async def test_a_cluster_that_is_gone_is_unreachable_until_it_is_back(
    cluster: Cluster, opened: Opener
) -> None:
    async with opened() as source:
        with cluster.without("ganeti-rapi"), pytest.raises(Unreachable, match="refused"):
            await source.read()
        await asyncio.to_thread(wait_for, cluster.answers, 20, "RAPI to be back")
        assert listed(await source.read(), "node")


async def test_a_wrong_password_is_refused(opened: Opener) -> None:
    async with opened(password="carol-pw") as source:
        with pytest.raises(Refused, match="user 'reader' and its password are not known"):
            await source.read()


async def test_another_certificate_is_refused(cluster: Cluster, opened: Opener) -> None:
    (real,) = trust.of_file(str(cluster.certificate))
    async with opened(certificate="", fingerprint="00" * 32) as source:
        with pytest.raises(Refused, match=trust.spelled(real)):
            await source.read()
    async with opened(certificate="", fingerprint=trust.spelled(real)) as source:
        assert listed(await source.read(), "node")
