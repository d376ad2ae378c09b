"""What is measured: a meter has a name, a kind and a base unit, fixed for ever.

Names are dotted, general to particular, as Ceilometer's are. Units are the base units of UCUM;
kWh and GiB appear on paper only.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How the readings of one meter relate to each other."""

    GAUGE = "gauge"  # a level: 212.4 W
    CUMULATIVE = "cumulative"  # only grows, until it restarts from zero: bytes since boot
    DELTA = "delta"  # what was added since the last sample


class Unit(StrEnum):
    """Base units, by their UCUM symbols."""

    WATT = "W"
    JOULE = "J"
    SECOND = "s"
    BYTE = "By"
    ONE = "1"  # a ratio or a count
    CELSIUS = "Cel"
    VOLT = "V"
    AMPERE = "A"


@dataclass(frozen=True, slots=True)
class Meter:
    """What is measured. ``title`` is for people, ``name`` for programs."""

    name: str
    kind: Kind
    unit: Unit
    title: str


def _by_name(*meters: Meter) -> dict[str, Meter]:
    return {meter.name: meter for meter in meters}


POWER = Meter("power", Kind.GAUGE, Unit.WATT, "Power")
ENERGY = Meter("energy", Kind.CUMULATIVE, Unit.JOULE, "Energy counter")
VOLTAGE = Meter("voltage", Kind.GAUGE, Unit.VOLT, "Voltage")
CURRENT = Meter("current", Kind.GAUGE, Unit.AMPERE, "Current")
TEMPERATURE = Meter("temperature", Kind.GAUGE, Unit.CELSIUS, "Temperature")
CPU_TIME = Meter("cpu.time", Kind.CUMULATIVE, Unit.SECOND, "CPU time")
CPU_COUNT = Meter("cpu.count", Kind.GAUGE, Unit.ONE, "CPUs")
LOAD = Meter("load", Kind.GAUGE, Unit.ONE, "Load, one minute")
MEMORY_TOTAL = Meter("memory.total", Kind.GAUGE, Unit.BYTE, "Memory")
MEMORY_USED = Meter("memory.used", Kind.GAUGE, Unit.BYTE, "Memory in use")
DISK_TOTAL = Meter("disk.total", Kind.GAUGE, Unit.BYTE, "Disk space")
DISK_USED = Meter("disk.used", Kind.GAUGE, Unit.BYTE, "Disk space in use")
DISK_READ = Meter("disk.read", Kind.CUMULATIVE, Unit.BYTE, "Read from disk")
DISK_WRITTEN = Meter("disk.written", Kind.CUMULATIVE, Unit.BYTE, "Written to disk")
NETWORK_RECEIVED = Meter("network.received", Kind.CUMULATIVE, Unit.BYTE, "Received")
NETWORK_SENT = Meter("network.sent", Kind.CUMULATIVE, Unit.BYTE, "Sent")

METERS = _by_name(
    POWER,
    ENERGY,
    VOLTAGE,
    CURRENT,
    TEMPERATURE,
    CPU_TIME,
    CPU_COUNT,
    LOAD,
    MEMORY_TOTAL,
    MEMORY_USED,
    DISK_TOTAL,
    DISK_USED,
    DISK_READ,
    DISK_WRITTEN,
    NETWORK_RECEIVED,
    NETWORK_SENT,
)
"""Every meter there is, by name. A new meter is a new public word: it is added here."""
