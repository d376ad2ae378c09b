"""Three networks of the kernel's own: drivers - gateway - house, of which the ends have no route.

    drivers 10.77.1.1 ── 10.77.1.2 gateway 10.77.2.1 ── 10.77.2.2 house

Everything is in namespaces with names of their own, and is taken down also when a test fails.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DRIVERS, GATEWAY_THERE = "10.77.1.1", "10.77.1.2"
GATEWAY_HERE, HOUSE = "10.77.2.1", "10.77.2.2"


class Missing(Exception):
    """Namespaces cannot be made here, and why."""


@dataclass(frozen=True, slots=True)
class Networks:
    """mark: what the names of namespaces and links begin with; a link's ends are named alike."""

    mark: str

    def inside(self, name: str, *words: str) -> tuple[str, ...]:
        """A command that runs in a network."""
        return ("ip", "netns", "exec", f"{self.mark}-{name}", *words)

    def run(self, name: str, *words: str) -> str:
        return subprocess.run(
            self.inside(name, *words), check=True, capture_output=True, text=True
        ).stdout

    def has_route(self, name: str, address: str) -> bool:
        asked = self.inside(name, "ip", "route", "get", address)
        return subprocess.run(asked, check=False, capture_output=True).returncode == 0

    def set_link(self, state: str) -> None:
        """Cut the link between drivers and gateway ("down"), or mend it ("up")."""
        self.run("gateway", "ip", "link", "set", "there", state)

    def received(self, name: str, link: str) -> int:
        """Bytes that came over a link so far."""
        path = f"/sys/class/net/{link}/statistics/rx_bytes"
        return int(self.run(name, "cat", path))


@contextmanager
def networks() -> Iterator[Networks]:
    """Raises Missing, naming what is lacking."""
    if shutil.which("ip") is None:
        raise Missing("Debian's package iproute2 is missing")
    made = Networks(f"mh{os.getpid()}")
    with ExitStack() as closing:
        for name in ("drivers", "gateway", "house"):
            _add(closing, f"{made.mark}-{name}")
            made.run(name, "ip", "link", "set", "lo", "up")
        _join(made, ("drivers", "gateway", DRIVERS), ("gateway", "there", GATEWAY_THERE))
        _join(made, ("house", "gateway", HOUSE), ("gateway", "here", GATEWAY_HERE))
        yield made


def _add(closing: ExitStack, name: str) -> None:
    added = subprocess.run(
        ["ip", "netns", "add", name], check=False, capture_output=True, text=True
    )
    if added.returncode:
        said = added.stderr.strip()
        raise Missing(f"network namespaces need root with CAP_SYS_ADMIN and CAP_NET_ADMIN: {said}")
    closing.callback(subprocess.run, ["ip", "netns", "del", name], check=False)


def _join(made: Networks, one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    """A cable between two networks: (network, the link's name there, address)."""
    ends = [f"{made.mark}{end}" for end in ("a", "b")]
    subprocess.run(
        ["ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1]], check=True
    )
    for end, (network, link, address) in zip(ends, (one, other), strict=True):
        name = f"{made.mark}-{network}"
        subprocess.run(["ip", "link", "set", end, "netns", name, "name", link], check=True)
        made.run(network, "ip", "address", "add", f"{address}/24", "dev", link)
        made.run(network, "ip", "link", "set", link, "up")


@contextmanager
def running(command: tuple[str, ...], log: Path) -> Iterator["subprocess.Popen[str]"]:
    """A program that is told to stop at the end, and killed if it does not."""
    with (
        log.open("w") as said,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
