"""BMCs: CPU a reading by IPMI against an ipmitool each, and by Redfish over a kept connection.

CPU is that of this process and of what it starts; the BMCs' own (ipmi_sim; sushy-static and nginx)
is not in it. ipmitool is given the password in a file.
"""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from time import perf_counter

from tests.clients.ganeti import fake as certificates
from tests.clients.redfish import trees
from tests.clients.redfish.fake import PASSWORD as REDFISH_PASSWORD
from tests.clients.redfish.fake import USER as REDFISH_USER
from tests.clients.redfish.served import Served, served
from tests.sources.ipmi.simulator import PASSWORD, USER, Bmc, bmcs

from meterhouse.clients import trust
from meterhouse.metering.clock import SystemClock
from meterhouse.sources import Configured, configure

COUNT = 10
ROUNDS = 20
READS = 300
FRESH = 100


def cpu_s() -> float:
    """Of this process and of all children that have ended."""
    used = [getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


async def measured(work: Callable[[], Awaitable[int]], times: int) -> tuple[float, float]:
    """CPU ms for each reading, and ms of wall time for each time; ``work`` says how many."""
    await work()
    used, began, readings = cpu_s(), perf_counter(), 0
    for _ in range(times):
        readings += await work()
    return (cpu_s() - used) / readings * 1e3, (perf_counter() - began) / times * 1e3


async def by_freeipmi(running: list[Bmc]) -> tuple[float, float]:
    table = {
        "kind": "ipmi",
        "hosts": [bmc.host for bmc in running],
        "probes": [f"node-{place}" for place in range(len(running))],
        "user": USER,
        "password": PASSWORD,
        "workarounds": ["opensesspriv"],
        "exceptions": {bmc.host: {"port": bmc.port} for bmc in running},
    }
    async with configure("rack", table, where="-").open(SystemClock()) as source:

        async def read() -> int:
            reading = await source.read()
            assert len(reading.samples) == len(running)
            return len(running)

        return await measured(read, ROUNDS)


async def by_ipmitool(running: list[Bmc], password: Path) -> tuple[float, float]:
    async def read() -> int:
        for bmc in running:
            await asyncio.to_thread(ask, bmc, password)
        return len(running)

    return await measured(read, 2)


def ask(bmc: Bmc, password: Path) -> None:
    command = ["ipmitool", "-I", "lanplus", "-C", "3", "-H", bmc.host, "-p", str(bmc.port)]
    command += ["-U", USER, "-f", str(password), "dcmi", "power", "reading"]
    said = subprocess.run(command, capture_output=True, check=True)
    assert b"Instantaneous power reading" in said.stdout


def ipmi_rows(folder: Path) -> Iterator[tuple[str, str]]:
    password = folder / "password"
    password.write_text(PASSWORD)
    with bmcs(folder / "bmcs", COUNT) as running:
        cost, took = asyncio.run(by_freeipmi(running))
        yield (
            f"IPMI, {COUNT} BMCs by one FreeIPMI process",
            f"{cost:.2f} ms, {took:.0f} ms a round",
        )
        alone, took = asyncio.run(by_freeipmi(running[:1]))
        yield "IPMI, one BMC by one FreeIPMI process", f"{alone:.2f} ms, {took:.0f} ms a round"
        if not shutil.which("ipmitool"):
            yield "an ipmitool a reading", "not measured: ipmitool is not installed"
            return
        each, took = asyncio.run(by_ipmitool(running, password))
        shown = f"{each:.1f} ms, {took:.0f} ms a round: {each / cost:.0f} times as much"
        yield f"the same {COUNT}, an ipmitool a reading", shown


def redfish(running: Served, identity: certificates.Identity) -> Configured:
    table = {
        "kind": "redfish",
        "hosts": ["127.0.0.1"],
        "probes": ["node-1"],
        "port": running.port,
        "user": REDFISH_USER,
        "password": REDFISH_PASSWORD,
        "login": "basic",
        "verify": "pin",
        "fingerprint": trust.spelled(identity.fingerprint),
    }
    return configure("rack", table, where="-")


async def kept(section: Configured) -> tuple[float, float]:
    async with section.open(SystemClock()) as source:

        async def read() -> int:
            return len((await source.read()).samples)

        return await measured(read, READS)


async def fresh(section: Configured) -> tuple[float, float]:
    """Opened for each reading: a handshake, and the chassis are looked for."""

    async def read() -> int:
        async with section.open(SystemClock()) as source:
            return len((await source.read()).samples)

    return await measured(read, FRESH)


def redfish_rows(folder: Path) -> Iterator[tuple[str, str]]:
    identity = certificates.identity(folder / "bmc.pem", address="127.0.0.1")
    tree = trees.root("1U")
    trees.environment(tree, "1U", 344.5)
    (folder / "served").mkdir()
    with served(folder / "served", tree, identity) as running:
        section = redfish(running, identity)
        cost, took = asyncio.run(kept(section))
        yield "Redfish, the connection kept", f"{cost:.2f} ms, {took:.1f} ms a reading"
        each, took = asyncio.run(fresh(section))
        shown = f"{each:.2f} ms, {took:.1f} ms a reading: {each / cost:.0f} times as much"
        yield "Redfish, opened anew for each reading", shown


def run() -> list[tuple[str, str]]:
    """What was measured, and the figures."""
    with tempfile.TemporaryDirectory(prefix="mh-bench-") as folder:
        return [*ipmi_rows(Path(folder)), *redfish_rows(Path(folder))]


def main() -> None:
    for what, figure in run():
        print(f"{what:60} {figure}")


if __name__ == "__main__":
    main()
