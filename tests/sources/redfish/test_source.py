"""Sections of Redfish BMCs: what sushy-static and nginx serve, and what only a fake can do."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.clients.ganeti import fake as certificates
from tests.clients.redfish.fake import PASSWORD, USER, Bmc, serving
from tests.clients.redfish.served import Served, served
from tests.clients.redfish.trees import environment, power, root, supplies

from meterhouse.clients import trust
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import Mistake, Unreachable
from meterhouse.metering.snapshots import Resource
from meterhouse.sources import Configured, Reading, configure


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> certificates.Identity:
    file = tmp_path_factory.mktemp("bmc") / "bmc.pem"
    return certificates.identity(file, address="127.0.0.1")


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, identity: certificates.Identity
) -> Iterator[Served]:
    tree = root("1U", "Backplane")
    environment(tree, "1U", 374, EnergykWh={"Reading": 10})
    power(tree, "1U", 344)
    with served(tmp_path_factory.mktemp("served"), tree, identity) as running:
        yield running


@pytest.fixture
async def pair(identity: certificates.Identity) -> AsyncIterator[dict[str, Bmc]]:
    """Two that know sessions."""
    async with AsyncExitStack() as stack:
        made = {}
        for node, watts in (("alice", 100), ("bob", 200)):
            tree = root("1U")
            environment(tree, "1U", watts)
            made[node] = await stack.enter_async_context(serving(Bmc(tree), identity.context()))
        yield made


def section(ports: dict[str, int], identity: certificates.Identity, **more: Any) -> Configured:
    """BMCs by the names of their nodes; loopback has many names, so that each is a host."""
    hosts = ["127.0.0.1", "localhost"][: len(ports)]
    table = {
        "kind": "redfish",
        "hosts": hosts,
        "probes": list(ports),
        "user": USER,
        "password": PASSWORD,
        "verify": "pin",
        "fingerprint": trust.spelled(identity.fingerprint),
        "patience_s": 0.5,
        "exceptions": {
            host: {"port": port} for host, port in zip(hosts, ports.values(), strict=True)
        },
    }
    return configure("rack-2", table | more, where="-")


def figures(reading: Reading) -> dict[str, float]:
    samples = reading.samples
    return {
        f"{samples.series[key].resource} {samples.series[key].meter}": value
        for key, value in zip(samples.key.tolist(), samples.value.tolist(), strict=True)
    }


async def test_what_others_serve_is_read_and_moves(
    service: Served, identity: certificates.Identity, clock: FixedClock
) -> None:
    served_one = section({"node-1": service.port}, identity, login="basic")
    async with served_one.open(clock) as source:
        reading = await source.read()
        assert figures(reading) == {
            "rack-2/node-1 power": 374,
            "rack-2/node-1 energy": 36_000_000,
        }
        tree = root("1U", "Backplane")
        environment(tree, "1U", 212.5, EnergykWh={"Reading": 10.5})
        service.write(tree)
        assert figures(await source.read())["rack-2/node-1 power"] == 212.5
    (probe,) = reading.snapshots[0].objects
    assert isinstance(probe, Resource)
    assert probe.details == {"feeds": "node-1", "measures": "node"}


async def test_an_authority_may_vouch_for_the_bmcs(
    service: Served, identity: certificates.Identity, clock: FixedClock
) -> None:
    more = {"verify": "ca", "certificate": str(identity.file), "fingerprint": "", "login": "basic"}
    async with section({"n": service.port}, identity, **more).open(clock) as source:
        assert figures(await source.read())
    more["certificate"] = ""
    async with section({"n": service.port}, identity, **more).open(clock) as source:
        with pytest.raises(Unreachable, match="its certificate is not believed: self-signed"):
            await source.read()


async def test_a_password_that_nginx_refuses_is_told_and_not_shown(
    service: Served, identity: certificates.Identity, clock: FixedClock
) -> None:
    more = {"login": "basic", "password": "not-that-one"}
    with pytest.raises(Unreachable, match=r"1 of 1 give nothing: 127\.0\.0\.1: it refuses") as e:
        async with section({"n": service.port}, identity, **more).open(clock) as source:
            await source.read()
    assert "not-that-one" not in str(e.value)


async def test_each_bmc_has_one_session_that_is_given_back(
    pair: dict[str, Bmc], identity: certificates.Identity, clock: FixedClock
) -> None:
    ports = {node: bmc.port for node, bmc in pair.items()}
    async with section(ports, identity).open(clock) as source:
        for _ in range(3):
            assert figures(await source.read()) == {
                "rack-2/alice power": 100,
                "rack-2/bob power": 200,
            }
        assert [len(bmc.sessions) for bmc in pair.values()] == [1, 1]
        assert [len(bmc.connections) for bmc in pair.values()] == [1, 1]
    assert [len(bmc.sessions) for bmc in pair.values()] == [0, 0]


async def test_a_bmc_that_hangs_costs_its_own_value(
    pair: dict[str, Bmc], identity: certificates.Identity, clock: FixedClock,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    ports = {node: bmc.port for node, bmc in pair.items()}
    async with section(ports, identity).open(clock) as source:
        await source.read()
        pair["bob"].hangs = True
        began = asyncio.get_running_loop().time()
        readings = [await source.read() for _ in range(5)]
        assert asyncio.get_running_loop().time() - began < 2
    assert [figures(reading) for reading in readings] == [{"rack-2/alice power": 100}] * 5
    assert sum(reading.refused.get("no answer", 0) for reading in readings) == 1
    said = "1 of 2 give nothing: localhost: no answer within 0.5 s"
    assert said in [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"user": "nobody"}, "login refused"),
        ({"fingerprint": "AB" * 32}, "login refused"),
        ({"port": 1}, "no answer"),
        ({"chassis": ["9U"]}, "no power reading"),
    ],
)
async def test_a_bmc_that_is_configured_wrongly_costs_its_own_value(
    pair: dict[str, Bmc], identity: certificates.Identity, clock: FixedClock,
    change: dict[str, Any], reason: str,
) -> None:  # fmt: skip
    exceptions = {
        "127.0.0.1": {"port": pair["alice"].port},
        "localhost": {"port": pair["bob"].port} | change,
    }
    ports = {node: bmc.port for node, bmc in pair.items()}
    async with section(ports, identity, exceptions=exceptions).open(clock) as source:
        reading = await source.read()
    assert figures(reading) == {"rack-2/alice power": 100}
    assert reading.refused == {reason: 1}


async def test_power_that_becomes_null_is_unknown_until_another_place_says_it(
    pair: dict[str, Bmc], identity: certificates.Identity, clock: FixedClock
) -> None:
    alice = pair["alice"]
    ports = {node: bmc.port for node, bmc in pair.items()}
    async with section(ports, identity).open(clock) as source:
        await source.read()
        environment(alice.tree, "1U", None)
        reading = await source.read()
        assert figures(reading) == {"rack-2/bob power": 200}
        assert reading.refused == {"no reading": 1}
    supplies(alice.tree, "1U", 60, 50)
    async with section(ports, identity).open(clock) as source:
        assert figures(await source.read())["rack-2/alice power"] == 110


WORKS: dict[str, Any] = {"kind": "redfish", "hosts": ["a", "b"], "probes": ["n1", "n2"]}
PIN = {"fingerprint": "AB" * 32}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"hosts": ["https://a", "b"]}, "is no host name"),
        ({"hosts": ["a@b", "b"]}, "is no host name"),
        ({"hosts": ["a", "a"]}, "a:443 is there twice"),
        ({"hosts": ["a"]}, "probes: 2 of them for 1 hosts"),
        ({"exceptions": {"c": {}}}, "exceptions: 'c' is none of the hosts"),
        ({"verify": "pin"}, "needs the certificate, or else its fingerprint (host 'a')"),
        ({"verify": "pin", "exceptions": {"a": PIN}}, "(host 'b')"),
        ({"verify": "pin", "fingerprint": "AB"}, "32 bytes"),
        (PIN, 'fingerprint: goes with verify = "pin"'),
        ({"exceptions": {"b": PIN}}, "exceptions: 'b': fingerprint: goes with"),
        ({"verify": "none", "certificate": "/a.pem"}, "certificate: goes with"),
        ({"certificate": "a.pem"}, "must be a whole path"),
        ({"password": "a", "password_file": "/b"}, "give one of them"),
        ({"patience_s": 0}, "patience_s"),
        ({"at_once": 0}, "at_once"),
        ({"login": "digest"}, "login"),
    ],
)
def test_what_cannot_be_meant_is_refused(table: dict[str, Any], said: str) -> None:
    with pytest.raises(Mistake, match="rack-2") as mistake:
        configure("rack-2", WORKS | table, where="-")
    assert said in str(mistake.value)


async def test_a_file_that_cannot_be_read_is_a_mistake(clock: FixedClock, tmp_path: Path) -> None:
    for key in ("password_file", "certificate"):
        table = WORKS | {key: str(tmp_path / "none")}
        with pytest.raises(Mistake, match="none"):
            async with configure("rack-2", table, where="-").open(clock):
                pass


async def test_one_bmc_may_show_another_certificate_than_the_file_for_all(
    pair: dict[str, Bmc], identity: certificates.Identity, clock: FixedClock, tmp_path: Path
) -> None:
    stranger = certificates.identity(tmp_path / "stranger.pem")
    for file, known in ((identity.file, {"rack-2/alice power": 100}), (stranger.file, {})):
        exceptions: dict[str, Any] = {"127.0.0.1": {"port": pair["alice"].port}}
        exceptions |= {
            "localhost": {"port": pair["bob"].port}
            | {"fingerprint": trust.spelled(identity.fingerprint)}
        }
        table = {"certificate": str(file), "fingerprint": "", "exceptions": exceptions}
        ports = {node: bmc.port for node, bmc in pair.items()}
        async with section(ports, identity, **table).open(clock) as source:
            assert figures(await source.read()) == known | {"rack-2/bob power": 200}


async def test_a_password_may_stand_in_a_file(
    pair: dict[str, Bmc], identity: certificates.Identity, clock: FixedClock, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(PASSWORD + "\n")
    more = {"password": "", "password_file": str(tmp_path / "password")}
    one = section({"alice": pair["alice"].port}, identity, **more)
    async with one.open(clock) as source:
        assert figures(await source.read()) == {"rack-2/alice power": 100}
