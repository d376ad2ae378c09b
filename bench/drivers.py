"""Drivers: the share of a core that 1,000 probes at 1 Hz cost, from the reading to the wire.

The real runner, gathering, journal (synced to disk), signature and publisher, in one process of
their own; CPU is that of the whole process, its threads included, once everything is open.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.house import cpu_s

PROBES = 1_000
WARM_S = 4.0
SECONDS = 10.0
SHAPES = {
    f"{PROBES:,} sources of one probe (the worst case)": (PROBES, 1),
    "40 sources of 25 probes (PDUs)": (40, 25),
    f"one source of {PROBES:,} probes": (1, PROBES),
}

PROGRAM = """
import asyncio, sys
from pathlib import Path
from meterhouse.bus.endpoints import Endpoint
from meterhouse.bus.journal import Journal
from meterhouse.metering.clock import SystemClock
from meterhouse.station.declared import declared
from meterhouse.station.station import Station

file, folder = map(Path, sys.argv[1:])
with Journal(folder / "journal", "bench", SystemClock()) as journal:
    station = Station(
        file=file, sources=declared(file), journal=journal, secret=b"Change This Or Be Hacked",
        endpoint=Endpoint.ipc(folder, "bus"), clock=SystemClock(),
        announce=lambda endpoint: print("up", flush=True),
    )
    async def run():
        task = asyncio.create_task(station.run())
        await asyncio.sleep(float(sys.stdin.readline()))
        before = journal.last, sum(state.samples for state in station.states())
        print(*before, flush=True)
        await asyncio.sleep(float(sys.stdin.readline()))
        print(journal.last, sum(state.samples for state in station.states()), flush=True)
        task.cancel()
    asyncio.run(run())
"""


def run() -> list[tuple[str, str]]:
    return [row for name, shape in SHAPES.items() for row in measured(name, *shape)]


def measured(name: str, sources: int, probes: int) -> list[tuple[str, str]]:
    with tempfile.TemporaryDirectory(prefix="mh-") as folder:
        file = Path(folder) / "meters.toml"
        file.write_text(
            "".join(
                f'[[sources]]\nname = "meter-{number}"\nkind = "dummy"\nprobes = {probes}\n'
                for number in range(sources)
            )
        )
        share, samples, batches = cost(file, Path(folder))
    rate = f"{samples / SECONDS:,.0f} samples/s, {batches / SECONDS:.1f} batches/s"
    told = f"{share:.1%} of a core ({rate})"
    return [(f"{name}, budget 50 %", told)]


def cost(file: Path, folder: Path) -> tuple[float, int, int]:
    """CPU share, samples and batches of a collector that is then stopped."""
    command = [sys.executable, "-c", PROGRAM, str(file), str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        try:
            batches, samples = _told(process, WARM_S)
            before = cpu_s(process.pid)
            more, many = _told(process, SECONDS)
            return (cpu_s(process.pid) - before) / SECONDS, many - samples, more - batches
        finally:
            process.kill()


def _told(process: "subprocess.Popen[str]", seconds: float) -> tuple[int, int]:
    """Let it run for so long; how many batches and samples there were by then."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{seconds}\n")
    process.stdin.flush()
    while (line := process.stdout.readline().strip()) == "up":
        pass
    batches, samples = map(int, line.split())
    return batches, samples
