"""What a reading of a cluster holds, and what it is when the cluster is in trouble."""

import asyncio
import logging
from datetime import timedelta
from pathlib import Path

import pytest
from tests.clients.ganeti import fake
from tests.conftest import NOON
from tests.sources.ganeti.conftest import Opener

from meterhouse.clients.ganeti.client import Refused
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import BadReading, Mistake, Unreachable
from meterhouse.metering.periods import to_ms
from meterhouse.metering.snapshots import Resource, Snapshot, State
from meterhouse.sources import Reading

WEB = {
    "name": "web1.debian.example",
    "uuid": "u1",
    "admin_state": "up",
    "status": "running",
    "beparams": {"vcpus": 2, "maxmem": 1024},
    "oper_ram": 1024,
    "oper_vcpus": 2,
    "tags": ["project:debian", "user:alice"],
}
NODE = {"name": "node1", "uuid": "n1", "group.uuid": "g1", "ctotal": 8, "mtotal": 4096}
SILENT = NODE | {"ctotal": None, "mtotal": None}
GROUP = {"name": "default", "uuid": "g1"}


def snapshot(reading: Reading, kind: str) -> Snapshot:
    (found,) = [snapshot for snapshot in reading.snapshots if snapshot.kind == kind]
    return found


def resources(reading: Reading, kind: str) -> list[Resource]:
    return [found for found in snapshot(reading, kind).objects if isinstance(found, Resource)]


async def test_a_reading_lists_instances_and_nodes(opened: Opener, peer: fake.Rapi) -> None:
    peer.cluster([WEB], [NODE], [GROUP])
    async with opened() as source:
        reading = await source.read()
    assert [(s.source, s.kind, s.complete, s.at_ms) for s in reading.snapshots] == [
        ("osl", "instance", True, to_ms(NOON)),
        ("osl", "node", True, to_ms(NOON)),
    ]
    (web,) = resources(reading, "instance")
    assert (web.id, web.project, web.user) == ("osl/u1", "debian", "alice")
    assert web.details["hypervisor"] == "kvm"
    (node,) = resources(reading, "node")
    assert node.details == {"group": "default"}


async def test_samples_stand_for_as_long_as_the_source_is_told(
    opened: Opener, peer: fake.Rapi
) -> None:
    peer.cluster([WEB], [NODE])
    async with opened(interval="10m") as source:
        samples = (await source.read()).samples
    assert {(series.resource, series.meter) for series in samples.series} == {
        ("osl/u1", "memory.total"),
        ("osl/u1", "cpu.count"),
        ("osl/n1", "memory.total"),
        ("osl/n1", "cpu.count"),
    }
    assert {series.hold_ms for series in samples.series} == {1_800_000}
    assert set(samples.at.tolist()) == {to_ms(NOON)}


async def test_two_hypervisors_leave_open_which_one(opened: Opener, peer: fake.Rapi) -> None:
    peer.cluster([WEB], info={"name": "gnt", "enabled_hypervisors": ["kvm", "xen-pvm"]})
    async with opened() as source:
        (web,) = resources(await source.read(), "instance")
    assert "hypervisor" not in web.details


async def test_an_empty_cluster_is_complete(opened: Opener, peer: fake.Rapi) -> None:
    peer.cluster()
    async with opened() as source:
        reading = await source.read()
    assert [(s.complete, s.objects) for s in reading.snapshots] == [(True, ()), (True, ())]


async def test_tags_are_found_by_the_prefixes_that_are_configured(
    opened: Opener, peer: fake.Rapi
) -> None:
    peer.cluster([WEB | {"tags": ["owner:debian", "user:alice"]}])
    async with opened(project_tag="owner:", user_tag="") as source:
        (web,) = resources(await source.read(), "instance")
    assert (web.project, web.user) == ("debian", "")


async def test_a_list_is_as_old_as_the_question(
    opened: Opener, peer: fake.Rapi, clock: FixedClock
) -> None:
    peer.cluster([WEB])
    peer.hold = asyncio.Event()
    async with opened() as source, asyncio.TaskGroup() as group:
        reading = group.create_task(source.read())
        await peer.arrived.get()
        clock.move(timedelta(seconds=60))
        peer.hold.set()
    assert [s.at_ms for s in reading.result().snapshots] == [to_ms(NOON), to_ms(NOON) + 60_000]


async def test_a_silent_node_keeps_its_size_and_is_unknown(
    opened: Opener, peer: fake.Rapi
) -> None:
    peer.cluster(nodes=[NODE])
    async with opened() as source:
        await source.read()
        peer.cluster(nodes=[SILENT])
        reading = await source.read()
    (node,) = resources(reading, "node")
    assert (node.vcpus, node.ram_bytes) == (8, 4096 * 1024 * 1024)
    assert node.state is State.UNKNOWN
    assert snapshot(reading, "node").complete
    assert not len(reading.samples)


async def test_a_node_that_was_never_seen_is_left_out_of_an_incomplete_list(
    opened: Opener, peer: fake.Rapi
) -> None:
    peer.cluster([WEB], nodes=[SILENT, NODE | {"name": "node2", "uuid": "n2"}])
    async with opened() as source:
        reading = await source.read()
    assert [node.id for node in resources(reading, "node")] == ["osl/n2"]
    assert not snapshot(reading, "node").complete
    assert snapshot(reading, "instance").complete


@pytest.mark.parametrize("path", ["/2/info", "/2/instances?bulk=1"])
async def test_without_instances_there_is_no_reading(
    opened: Opener, peer: fake.Rapi, path: str
) -> None:
    peer.cluster([WEB])
    peer.answers[path] = fake.refusal("504 Gateway Timeout")
    async with opened() as source:
        with pytest.raises(Unreachable, match="504"):
            await source.read()
        peer.answers[path] = fake.Answer(b"[")
        with pytest.raises(BadReading):
            await source.read()


@pytest.mark.parametrize("path", ["/2/nodes?bulk=1", "/2/groups?bulk=1"])
async def test_without_nodes_the_instances_are_kept(
    opened: Opener, peer: fake.Rapi, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="meterhouse")
    peer.cluster([WEB], [NODE], [GROUP])
    healthy = peer.answers[path]
    async with opened() as source:
        for answer in (fake.refusal("504 Gateway Timeout"), fake.Answer(b"["), healthy, healthy):
            peer.answers[path] = answer
            reading = await source.read()
            assert [web.id for web in resources(reading, "instance")] == ["osl/u1"]
            assert len(reading.snapshots) == (2 if answer is healthy else 1)
    said = [(record.levelname, record.message.partition(":")[0]) for record in caplog.records]
    assert said == [("WARNING", "nodes cannot be listed"), ("INFO", "nodes are listed again")]


async def test_another_cluster_is_refused(opened: Opener, peer: fake.Rapi) -> None:
    peer.cluster([WEB])
    async with opened(certificate="", fingerprint="00" * 32) as source:
        with pytest.raises(Refused, match="another certificate"):
            await source.read()
    assert not peer.asked


async def test_a_fingerprint_serves_as_well_as_the_file(
    opened: Opener, peer: fake.Rapi, identity: fake.Identity
) -> None:
    peer.cluster([WEB])
    async with opened(certificate="", fingerprint=identity.fingerprint.hex(":")) as source:
        assert len((await source.read()).snapshots) == 2


async def test_an_authority_serves_where_there_is_one(opened: Opener, tmp_path: Path) -> None:
    proper = fake.identity(tmp_path / "proper.pem", address="127.0.0.1")
    async with fake.serving(fake.Rapi(), proper.context()) as peer:
        peer.cluster([WEB])
        async with opened(url=peer.url, verify="ca", certificate=str(proper.file)) as source:
            assert len((await source.read()).snapshots) == 2


@pytest.mark.parametrize("key", ["password_file", "certificate"])
async def test_a_file_that_is_not_there_is_a_mistake_when_opened(opened: Opener, key: str) -> None:
    with pytest.raises(Mistake, match=f"{key} '/none' cannot be read"):
        async with opened(**{key: "/none"}):
            pass


async def test_the_password_may_stand_in_the_configuration(
    opened: Opener, peer: fake.Rapi
) -> None:
    peer.cluster([WEB])
    async with opened(password_file="", password="alice-pw") as source:
        await source.read()
    by_text = {headers["Authorization"] for _, headers in peer.asked}
    peer.asked.clear()
    async with opened() as source:
        await source.read()
    assert by_text == {headers["Authorization"] for _, headers in peer.asked}
