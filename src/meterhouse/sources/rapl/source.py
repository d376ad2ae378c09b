"""RAPL of this machine, read from /sys every second.

The source `host` reads these counters too, every five seconds, among all else that it reads; this
one is a wattmeter: it lists a probe that feeds a node, and nothing besides.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from meterhouse.clients.sysfs.rapl import Counter, Rapl, Stand, counters
from meterhouse.metering.errors import BadReading, Unreachable
from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.sources import (
    Measures,
    Named,
    Outlets,
    Reading,
    Source,
    SourceKind,
    checked,
)

NAN = float("nan")
NAME = "rapl"  # what is remembered of its counters


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Whose counters these are.

    node:    the node that this machine is; "" asks the machine for its name
    project: by its id; "" leaves it to an ownership rule
    sysfs:   where the kernel's /sys is; elsewhere in a container that meters its host
    """

    node: str = ""
    project: str = ""
    sysfs: str = "/sys"

    def __post_init__(self) -> None:
        if self.node:
            checked([self.node])


@dataclass(slots=True)
class Packages:
    """The counters of one machine, added."""

    rapl: Rapl
    named: Named
    outlets: Outlets

    async def read(self) -> Reading:
        return await self.named.blocking(self.take)

    def take(self) -> Reading:
        """Read the counters now. Raises BadReading if a file says nonsense."""
        at_ms = self.named.clock.now_ms()
        try:
            found = dict(self.rapl.read(at_ms))
        except (OSError, ValueError) as error:
            raise BadReading(str(error)) from error
        if stand := self.rapl.last:
            turned = self.rapl.has_turned
            self.named.memory.note(NAME, stand.document(), at_ms, at_once=turned)
        values = {meter: [found.get(meter, NAN)] for meter in (POWER, ENERGY)}
        return self.outlets.reading(at_ms, values)


def found(sysfs: Path) -> list[Counter]:
    """Raises Unreachable, which says why, if there is nothing that can be read."""
    there = counters(sysfs)
    if not there:
        raise Unreachable(
            f"this machine has no RAPL counters in {sysfs}/class/powercap: virtual machines have "
            "none, and others need the kernel module intel_rapl_msr (AMD's too)"
        )
    for counter in there:
        if not counter.is_readable:
            raise Unreachable(
                f"{counter.energy} cannot be read: only root may, unless its mode is changed"
            )
    return there


@asynccontextmanager
async def open_rapl(config: Config, named: Named) -> AsyncIterator[Source]:
    named.memory.refresh()
    there = await named.blocking(lambda: found(Path(config.sysfs)))
    rapl = Rapl(there, Stand.remembered(named.memory.said.get(NAME)))
    node = config.node or socket.gethostname()
    outlets = Outlets(named, [node], project=config.project, measures=Measures.PACKAGE)
    try:
        yield Packages(rapl, named, outlets)
    finally:
        named.memory.write()


SOURCE = SourceKind(
    name="rapl",
    title="RAPL of this machine",
    config=Config,
    meters=(POWER, ENERGY),
    interval=timedelta(seconds=1),
    timeout=timedelta(seconds=5),
    open=open_rapl,
)
