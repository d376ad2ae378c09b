"""A Watts up? PRO on a serial port, or on one behind a serial-to-TCP bridge.

Source: Watts up? PRO communications protocol, version 4.42: 115200 baud, 8N1;
``#L,W,3,E,<reserved>,<seconds>;`` has it send a record each so many seconds. Kwapi clears its
memory first (``#R,W,0;``), which sets its watt-hours back as well: here that is not done.
"""

import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from meterhouse.metering.errors import BadReading, Unreachable
from meterhouse.metering.meters import CURRENT, ENERGY, POWER, VOLTAGE, Meter
from meterhouse.sources import Named, Outlets, Probes, Reading, Source, SourceKind, checked, reason
from meterhouse.sources.wattsup.ports import port
from meterhouse.sources.wattsup.record import Received, figures

SEND_EACH_SECOND = b"#L,W,3,E,1,1;"
SILENT_S = 3.0  # three records that did not come


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Where the meter is.

    device:  the serial port's path, or socket://host:port of a bridge
    probes:  what is plugged into the meter: one
    project: whose the probe is, by the project's id; "" leaves it to an ownership rule
    """

    device: str
    probes: Probes
    project: str = ""

    def __post_init__(self) -> None:
        if not (Path(self.device).is_absolute() or _is_bridge(self.device)):
            raise ValueError("device: a whole path like /dev/ttyUSB0, or socket://host:port")
        if len(self.probes) != 1:
            raise ValueError("probes: one; the meter has one socket")
        checked(self.probes)


def _is_bridge(device: str) -> bool:
    try:
        parts = urlsplit(device)
        return parts.scheme == "socket" and bool(parts.hostname and parts.port)
    except ValueError:
        return False


class Line:
    """The serial line to a meter. Its calls block, a fifth of a second at most at a time."""

    def __init__(self, device: str) -> None:
        """Raises Unreachable."""
        self._device, self._received = device, Received()
        try:
            self._port = port(device)
            self._port.send(SEND_EACH_SECOND)
        except (OSError, ValueError) as error:
            raise Unreachable(f"{device}: {reason(error)}") from error

    def record(self) -> dict[Meter, float]:
        """The next record's figures. Raises BadReading or Unreachable."""
        until = time.monotonic() + SILENT_S
        while time.monotonic() < until:
            self._received.add(self._glance())
            if (found := self._received.latest()) is not None:
                return found
        if len(self._received):
            raise BadReading(f"no record within {SILENT_S:g} s, only {self._received}")
        raise Unreachable(f"{self._device}: the meter says nothing")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._port.close()

    def _glance(self) -> bytes:
        try:
            return self._port.glance()
        except OSError as error:
            raise Unreachable(f"{self._device}: the line is gone; unplugged?") from error


@dataclass(slots=True)
class Wattsup:
    """One meter."""

    line: Line
    outlets: Outlets
    named: Named

    async def read(self) -> Reading:
        """Wait for the next record, in the source's own thread."""
        values = await self.named.blocking(self.line.record)
        at_ms, promised = self.named.clock.now_ms(), (POWER, ENERGY)
        return self.outlets.reading(at_ms, figures(values), promised=promised)


@asynccontextmanager
async def open_wattsup(config: Config, named: Named) -> AsyncIterator[Source]:
    line = await named.blocking(lambda: Line(config.device))
    try:
        yield Wattsup(line, Outlets(named, config.probes, project=config.project), named)
    finally:
        line.close()


SOURCE = SourceKind(
    name="wattsup",
    title="Watts up? PRO wattmeter",
    config=Config,
    meters=(POWER, VOLTAGE, CURRENT, ENERGY),
    interval=timedelta(0),
    timeout=timedelta(seconds=10),
    open=open_wattsup,
)
