"""What the client makes of a peer's answers, good and bad."""

import asyncio
import base64
import json
import re
import socket
import time

import httpx
import pytest
from tests.clients.ganeti import fake
from tests.clients.ganeti.fake import SILENCE, Answer, good, refusal

from meterhouse.clients import trust
from meterhouse.clients.ganeti.client import Rapi, Refused, explained, open_rapi
from meterhouse.metering.errors import BadReading, Unreachable
from meterhouse.metering.secrets import Secret

INSTANCES = "/2/instances?bulk=1"
NODES = "/2/nodes?bulk=1"

WEB = {
    "name": "web1.debian.example",
    "uuid": "5a6b7c8d-0000-4000-8000-000000000001",
    "admin_state": "up",
    "status": "running",
    "pnode": "node1.osl.example",
    "snodes": ["node2.osl.example"],
    "os": "debootstrap+default",
    "disk_template": "drbd",
    "disk.sizes": [10240, 51200],
    "disk_usage": 61696,
    "beparams": {"vcpus": 4, "maxmem": 4096, "minmem": 2048, "memory": 4096},
    "oper_state": True,
    "oper_ram": 3072,
    "oper_vcpus": 4,
    "ctime": 1700000000.25,
    "tags": ["project:debian"],
}


async def test_instances_are_read_with_what_is_of_use(rapi: Rapi, peer: fake.Rapi) -> None:
    peer.answers[INSTANCES] = good([WEB])
    (web,) = await rapi.instances()
    assert (web.name, web.uuid) == (WEB["name"], WEB["uuid"])
    assert (web.admin_state, web.status) == ("up", "running")
    assert (web.pnode, list(web.snodes)) == ("node1.osl.example", ["node2.osl.example"])
    assert (list(web.disk_sizes), web.disk_usage) == ([10240, 51200], 61696)
    assert (web.beparams.vcpus, web.beparams.ram_mib) == (4, 4096)
    assert (web.oper_ram, web.oper_vcpus, web.ctime) == (3072, 4, 1700000000.25)
    assert list(web.tags) == ["project:debian"]


async def test_an_old_cluster_is_understood(rapi: Rapi, peer: fake.Rapi) -> None:
    old = {
        "name": "old.debian.example",
        "admin_state": False,
        "beparams": {"vcpus": 1, "memory": 512, "auto_balance": True},
        "oper_ram": "-",
        "oper_vcpus": None,
        "ctime": None,
    }
    peer.answers[INSTANCES] = good([old])
    (found,) = await rapi.instances()
    assert found.admin_state == "down"
    assert found.beparams.ram_mib == 512
    assert (found.oper_ram, found.oper_vcpus, found.ctime, found.uuid) == ("-", None, None, "")


async def test_nodes_groups_and_the_cluster_are_read(rapi: Rapi, peer: fake.Rapi) -> None:
    peer.cluster(
        info={"name": "gnt.example", "software_version": "3.0.2", "later": {"field": 1}},
        nodes=[
            {"name": "node1", "uuid": "n1", "group.uuid": "g1", "mtotal": 8192, "dtotal": None}
        ],
        groups=[{"name": "default", "uuid": "g1", "node_list": ["node1"], "ipolicy": {}}],
    )
    (node,) = await rapi.nodes()
    assert (node.group, node.mtotal, node.dtotal) == ("g1", 8192, None)
    assert (node.offline, node.vm_capable) == (False, True)
    (group,) = await rapi.groups()
    assert (group.name, list(group.node_list)) == ("default", ["node1"])
    assert (await rapi.info()).software_version == "3.0.2"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "truncated"),
        (b'[{"name": "web1"', "truncated"),
        (b"<html>", "malformed"),
        (b'[{"name": "web\xff"}]', "utf-8"),
        (b'{"name": "web1"}', "array"),
        (b'[{"uuid": "1"}]', "name"),
        (b'[{"name": "web1", "beparams": {"vcpus": "four"}}]', re.escape("$[0].beparams.vcpus")),
        (b'[{"name": "web1", "disk.sizes": [-1]}]', "disk.sizes"),
        (b'[{"name": "web1", "disk.sizes": [1e30]}]', "disk.sizes"),
        (b'[{"name": "web1", "oper_ram": 1e300}]', "oper_ram"),
        (b'[{"name": "web1", "ctime": 1e300}]', "ctime"),
        (b'[{"new": ' + b"[" * 90_000, "recursion"),
    ],
)
async def test_nonsense_is_a_bad_reading_that_says_where(
    rapi: Rapi, peer: fake.Rapi, body: bytes, said: str
) -> None:
    peer.answers[INSTANCES] = Answer(body)
    with pytest.raises(BadReading, match=f"(?i){re.escape(peer.url)}.*{said}"):
        await rapi.instances()


async def test_a_page_is_no_answer(rapi: Rapi, peer: fake.Rapi) -> None:
    peer.answers[INSTANCES] = Answer(b"[]", headers={"Content-Type": "text/html"})
    with pytest.raises(BadReading, match="'text/html'; is that a RAPI"):
        await rapi.instances()


async def test_an_answer_without_end_is_given_up(rapi: Rapi, peer: fake.Rapi) -> None:
    peer.answers[INSTANCES] = Answer(b" " * 100_001, claims=10**12, hangs=True)
    with pytest.raises(BadReading, match="larger than 100,000 bytes"):
        await rapi.instances()


async def test_half_an_answer_is_no_answer(rapi: Rapi, peer: fake.Rapi) -> None:
    body = json.dumps([WEB]).encode()
    peer.answers[INSTANCES] = Answer(body, claims=len(body) + 1)
    with pytest.raises(Unreachable, match="without sending complete message body"):
        await rapi.instances()


async def test_a_peer_that_closes_at_once_is_unreachable(rapi: Rapi, peer: fake.Rapi) -> None:
    peer.answers[INSTANCES] = b"HTTP/1.1 2"
    with pytest.raises(Unreachable):
        await rapi.instances()


async def test_what_is_not_http_is_unreachable(rapi: Rapi, peer: fake.Rapi) -> None:
    peer.answers[INSTANCES] = b"220 mail.debian.example ESMTP\r\n\r\n"
    with pytest.raises(Unreachable, match="illegal status line"):
        await rapi.instances()


@pytest.mark.parametrize("answer", [SILENCE, Answer(b"[", claims=2, hangs=True)])
async def test_a_peer_that_hangs_is_unreachable_after_the_deadline(
    peer: fake.Rapi, identity: fake.Identity, answer: Answer | bytes
) -> None:
    peer.answers[INSTANCES] = answer
    started = time.monotonic()
    async with open_rapi(peer.url, trust.pinned([identity.fingerprint]), deadline_s=0.3) as rapi:
        with pytest.raises(Unreachable, match=r"no answer within 0\.3 s"):
            await rapi.instances()
    assert 0.3 <= time.monotonic() - started < 5


async def test_a_peer_that_does_not_even_shake_hands_is_unreachable() -> None:
    trusted = trust.pinned([bytes(32)])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        async with open_rapi(url, trusted, deadline_s=0.3) as rapi:
            with pytest.raises(Unreachable, match="no connection in time"):
                await rapi.info()


async def test_nobody_there_is_unreachable(identity: fake.Identity) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"https://127.0.0.1:{gone.getsockname()[1]}"
    async with open_rapi(url, trust.pinned([identity.fingerprint]), deadline_s=5) as rapi:
        with pytest.raises(Unreachable, match="Connection refused"):
            await rapi.info()


def test_a_name_that_nobody_knows_is_unreachable() -> None:
    failed = httpx.ConnectError("All connection attempts failed")
    failed.__cause__ = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert str(explained(failed, "https://gnt")) == "https://gnt: Name or service not known"


async def test_a_peer_without_tls_is_unreachable(identity: fake.Identity) -> None:
    async with (
        fake.serving(fake.Rapi(), None) as plain,
        open_rapi(plain.url, trust.pinned([identity.fingerprint]), deadline_s=5) as rapi,
    ):
        with pytest.raises(Unreachable):
            await rapi.info()


async def test_user_and_password_are_told_to_the_cluster(rapi: Rapi, peer: fake.Rapi) -> None:
    peer.cluster()
    await rapi.instances()
    ((_, headers),) = peer.asked
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"alice:alice-pw").decode()


async def test_nobody_asks_without_a_name(peer: fake.Rapi, identity: fake.Identity) -> None:
    peer.cluster()
    async with open_rapi(peer.url, trust.pinned([identity.fingerprint])) as rapi:
        await rapi.instances()
    ((_, headers),) = peer.asked
    assert "Authorization" not in headers


async def test_a_wrong_password_is_said_to_be_one(rapi: Rapi, peer: fake.Rapi) -> None:
    peer.answers[INSTANCES] = refusal("401 Unauthorized")
    with pytest.raises(Refused, match="user 'alice' and its password are not known") as refused:
        await rapi.instances()
    assert "alice-pw" not in str(refused.value)


async def test_a_cluster_that_wants_a_user_says_so(
    peer: fake.Rapi, identity: fake.Identity
) -> None:
    peer.answers[INSTANCES] = refusal("401 Unauthorized")
    async with open_rapi(peer.url, trust.pinned([identity.fingerprint])) as rapi:
        with pytest.raises(Refused, match="asks for a user"):
            await rapi.instances()


async def test_a_lack_of_rights_says_what_is_needed(rapi: Rapi, peer: fake.Rapi) -> None:
    peer.answers[INSTANCES] = refusal("403 Forbidden")
    with pytest.raises(Refused, match=r"'alice' needs more rights: .* the option read"):
        await rapi.instances()


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        ("500 Internal Server Error", "Can&#x27;t load", "500 Can't load"),
        ("502 Bad Gateway", "", "502 Bad Gateway"),
        ("503 Service Unavailable", "", "503 Service Unavailable"),
        ("504 Gateway Timeout", "", "504 Gateway Timeout"),
    ],
)
async def test_a_cluster_in_trouble_is_unreachable(
    rapi: Rapi, peer: fake.Rapi, status: str, message: str, said: str
) -> None:
    peer.answers[INSTANCES] = refusal(status, message)
    with pytest.raises(Unreachable, match=said) as trouble:
        await rapi.instances()
    assert not isinstance(trouble.value, Refused)


async def test_trouble_that_is_told_by_a_page_is_trouble_too(rapi: Rapi, peer: fake.Rapi) -> None:
    peer.answers[INSTANCES] = Answer(b"<h1>nginx</h1>", "502 Bad Gateway")
    with pytest.raises(Unreachable, match="502 Bad Gateway"):
        await rapi.instances()


async def test_what_is_not_there_is_no_rapi(rapi: Rapi) -> None:
    with pytest.raises(BadReading, match=r"404 Not Found; is that a RAPI\?"):
        await rapi.instances()


async def test_a_redirect_is_not_followed(
    rapi: Rapi, peer: fake.Rapi, identity: fake.Identity
) -> None:
    async with fake.serving(fake.Rapi(), identity.context()) as other:
        other.cluster()
        moved = {"Location": f"{other.url}{INSTANCES}"}
        peer.answers[INSTANCES] = Answer(b"", "302 Found", moved)
        with pytest.raises(BadReading, match=f"302 Found to {other.url}"):
            await rapi.instances()
        assert not other.asked


async def test_a_proxy_named_by_a_variable_learns_nothing(
    rapi: Rapi, peer: fake.Rapi, identity: fake.Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.cluster()
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    trusted = trust.pinned([identity.fingerprint])
    async with open_rapi(peer.url, trusted, user="a", password=Secret("b")) as fresh:
        assert await fresh.instances() == ()


async def test_one_request_of_a_kind_is_open_at_a_time(rapi: Rapi, peer: fake.Rapi) -> None:
    peer.cluster(instances=[WEB])
    peer.hold = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(rapi.instances())
        group.create_task(rapi.nodes())
        async with asyncio.timeout(5):
            assert {await peer.arrived.get(), await peer.arrived.get()} == {INSTANCES, NODES}
        peer.hold.set()
    assert peer.most == {INSTANCES: 1, NODES: 1}
    assert len(peer.asked) == 6


async def test_waiting_for_ones_turn_counts_towards_the_deadline(
    peer: fake.Rapi, identity: fake.Identity
) -> None:
    peer.answers[INSTANCES] = SILENCE
    async with open_rapi(peer.url, trust.pinned([identity.fingerprint]), deadline_s=1.0) as rapi:
        started = time.monotonic()
        results = await asyncio.gather(rapi.instances(), rapi.instances(), return_exceptions=True)
    assert [type(result) for result in results] == [Unreachable, Unreachable]
    assert time.monotonic() - started < 1.8
    assert len(peer.asked) == 1


async def test_it_recovers_with_its_peer(rapi: Rapi, peer: fake.Rapi) -> None:
    peer.answers[INSTANCES] = refusal("504 Gateway Timeout")
    with pytest.raises(Unreachable):
        await rapi.instances()
    peer.answers[INSTANCES] = good([WEB])
    assert len(await rapi.instances()) == 1
