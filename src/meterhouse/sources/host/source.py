"""The machine it runs on, read through psutil and /sys every five seconds."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from meterhouse.clients.sysfs.rapl import Rapl, Stand
from meterhouse.metering import meters
from meterhouse.metering.errors import BadReading
from meterhouse.metering.meters import Meter
from meterhouse.metering.samples import Columns, Sample
from meterhouse.metering.snapshots import Resource
from meterhouse.sources import Listing, Named, Reading, Source, SourceKind
from meterhouse.sources.host import machine, power

RAPL = "rapl"  # what is remembered of its counters


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """How this machine appears in the house.

    project:  whose it is: the project's id as the inventory knows it for this source; "" leaves
              it to an ownership rule
    hostname: what the machine is called; "" asks the machine
    sysfs:    where the kernel's /sys is; elsewhere in a container that meters its host
    """

    project: str = ""
    hostname: str = ""
    sysfs: str = "/sys"


@dataclass(slots=True)
class Host:
    """One machine and the sensors found on it."""

    config: Config
    named: Named
    sensor: power.Sensor
    listing: Listing

    async def read(self) -> Reading:
        return await self.named.blocking(self.take)

    def take(self) -> Reading:
        """Read everything now. Raises BadReading if a sensor says nonsense."""
        at_ms = self.named.clock.now_ms()
        try:
            figures = list(self.figures(at_ms))
        except (OSError, ValueError) as error:
            raise BadReading(str(error)) from error
        if isinstance(self.sensor, Rapl) and (stand := self.sensor.last):
            turned = self.sensor.has_turned
            self.named.memory.note(RAPL, stand.document(), at_ms, at_once=turned)
        samples = [Sample(meter, self.id, value, at_ms) for meter, value in figures]
        columns = Columns.of(samples, hold_ms=self.named.hold_ms)
        return Reading(columns, self.listing.of([self.describe()], at_ms))

    @property
    def hostname(self) -> str:
        return self.config.hostname or machine.hostname()

    @property
    def id(self) -> str:
        return f"{self.named.name}/{self.hostname}"

    def figures(self, at_ms: int) -> Iterator[tuple[Meter, float]]:
        sysfs = Path(self.config.sysfs)
        yield from machine.figures(sysfs)
        yield from power.temperature(sysfs)
        yield from self.sensor.read(at_ms)

    def describe(self) -> Resource:
        facts = machine.facts()
        return Resource(
            id=self.id,
            kind="machine",
            name=self.hostname,
            project=self.config.project,
            vcpus=facts.vcpus,
            ram_bytes=facts.ram_bytes,
            disk_bytes=facts.disk_bytes,
            details=facts.details | {"power": self.sensor.said},
        )


@asynccontextmanager
async def open_host(config: Config, named: Named) -> AsyncIterator[Source]:
    named.memory.refresh()
    last = Stand.remembered(named.memory.said.get(RAPL))
    sensor = await named.blocking(lambda: power.sensor(Path(config.sysfs), last))
    try:
        yield Host(config, named, sensor, Listing(named.name, "machine"))
    finally:
        named.memory.write()


SOURCE = SourceKind(
    name="host",
    title="This machine",
    config=Config,
    meters=(
        meters.CPU_TIME,
        meters.CPU_COUNT,
        meters.LOAD,
        meters.MEMORY_TOTAL,
        meters.MEMORY_USED,
        meters.DISK_TOTAL,
        meters.DISK_USED,
        meters.DISK_READ,
        meters.DISK_WRITTEN,
        meters.NETWORK_RECEIVED,
        meters.NETWORK_SENT,
        meters.TEMPERATURE,
        meters.POWER,
        meters.ENERGY,
    ),
    interval=timedelta(seconds=5),
    timeout=timedelta(seconds=10),
    open=open_host,
)
