"""SNMP: CPU of one poll of a PDU of 24 outlets, power and energy of each.

Measured against a real agent (Net-SNMP's snmpd) in a process of its own; beside it, in the same
run, Net-SNMP's snmpget as a process a poll, which is how scripts read PDUs.
"""

import asyncio
import contextlib
import resource
import shutil
import subprocess
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from time import process_time
from typing import Any

from tests import snmp_agent

from meterhouse.metering.clock import SystemClock
from meterhouse.sources import Source, configure

OUTLETS, PDUS = 24, 50
ROUNDS = 40
BEST_OF = 5
PROCESSES = 40
EATON = "1.3.6.1.4.1.534.6.6.7.6.5.1"
OIDS = [f"{EATON}.{column}.0.{n}" for column in (3, 4) for n in range(1, OUTLETS + 1)]
V2C = {"community": snmp_agent.COMMUNITY}
V3 = {
    "version": "3",
    "user": "hides-aes",
    "auth": "sha",
    "auth_key": "alice-auth-key",
    "privacy": "aes128",
    "privacy_key": "alice-privacy-key",
}


async def opened(stack: AsyncExitStack, port: int, number: int, **who: Any) -> Source:
    table = {
        "kind": "snmp",
        "host": "127.0.0.1",
        "port": port,
        "preset": "eaton",
        "probes": [f"node-{number}-{n}" for n in range(OUTLETS)],
    }
    made = configure(f"pdu-{number}", table | who, where="bench")
    return await stack.enter_async_context(made.open(SystemClock()))


async def polled(port: int, pdus: int, **who: Any) -> float:
    """CPU milliseconds of a poll, all PDUs at once, the best of some tries."""
    best = float("inf")
    async with AsyncExitStack() as stack:
        sources = [await opened(stack, port, number, **who) for number in range(pdus)]
        for _ in range(BEST_OF):
            started = process_time()
            for _ in range(ROUNDS):
                readings = await asyncio.gather(*(source.read() for source in sources))
                assert all(len(reading.samples) == 2 * OUTLETS for reading in readings)
            best = min(best, (process_time() - started) / (ROUNDS * pdus) * 1e3)
    return best


def by_process(port: int) -> float:
    """CPU milliseconds of a poll by snmpget; what it says goes nowhere."""
    command = ["snmpget", "-v2c", "-c", snmp_agent.COMMUNITY, "-Oqv", f"127.0.0.1:{port}", *OIDS]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(PROCESSES):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used / PROCESSES * 1e3


def run() -> list[tuple[str, str]]:
    """What was measured, and the figures."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mh-bench-")))
        fixed = [f"override .{oid} integer {n}" for n, oid in enumerate(OIDS, 100)]
        agent = stack.enter_context(snmp_agent.running(folder, "\n".join(fixed)))
        alone = asyncio.run(polled(agent.port, 1, **V2C))
        many = asyncio.run(polled(agent.port, PDUS, **V2C))
        hidden = asyncio.run(polled(agent.port, PDUS, **V3))
        process = by_process(agent.port) if shutil.which("snmpget") else None
    return [
        ("one poll, a single PDU, v2c", f"{alone:.3f} ms"),
        (f"one poll, {PDUS} PDUs at once, v2c", f"{many:.3f} ms, {share(many)}"),
        ("the same, v3 with SHA and AES", f"{hidden:.3f} ms, {share(hidden)}"),
        ("one poll by snmpget, a process a poll", compared(process, many)),
    ]


def share(ms: float) -> str:
    return f"{PDUS} PDUs at 1 Hz = {ms * PDUS / 10:.1f} % of a core"


def compared(process: float | None, ours: float) -> str:
    if process is None:
        return "not measured: there is no snmpget (package snmp)"
    return f"{process:.3f} ms, {share(process)}: {process / ours:.0f} times as much"


def main() -> None:
    for what, figure in run():
        print(f"{what:60} {figure}")


if __name__ == "__main__":
    main()
