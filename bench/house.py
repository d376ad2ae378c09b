"""A whole house: seconds from the command to the first page, and memory when idle."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

PATIENCE_S = 60
IDLE_S = 20


def run() -> list[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as data:
        first, _, _ = measure(data, idle_s=0)
        again, memory, cpu = measure(data, idle_s=IDLE_S)
    return [
        ("first start ever: command to first page (makes the database)", f"{first:.2f} s"),
        ("start: command to first page (budget 5 s)", f"{again:.2f} s"),
        ("idle memory, proportional set size (budget 200 MB)", f"{memory / 1e6:.0f} MB"),
        ("idle, metering this machine: share of one core", f"{cpu:.1%}"),
    ]


def measure(data: str, *, idle_s: float) -> tuple[float, float, float]:
    """Seconds to the first page, bytes of memory, CPU share, of one house that is then stopped."""
    port = free_port()
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "meterhouse.cli", "up", "--data", data, "--port", str(port)],
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            wait_for_page(f"http://127.0.0.1:{port}/login/", began + PATIENCE_S)
            ready = time.monotonic() - began
            before, since = cpu_s(process.pid), time.monotonic()
            time.sleep(idle_s)
            elapsed = max(time.monotonic() - since, 1e-9)
            return ready, memory(process.pid), (cpu_s(process.pid) - before) / elapsed
        finally:
            process.terminate()
            process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_page(url: str, until: float) -> None:
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - loopback
                return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def memory(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    for what, figure in run():
        print(f"{what}: {figure}")


if __name__ == "__main__":
    main()
