"""What this machine draws, as its own sensors say, from files under /sys.

    class/hwmon/hwmon<N>/name                 the chip
                         power<I>_input       uW  (or power<I>_average where there is no input)
                         temp<I>_input        milli degrees Celsius
    class/powercap/intel-rapl:<N>/name        "package-0", "psys"
                   energy_uj                  uJ since some moment, wraps at max_energy_range_uj
                   intel-rapl:<N>:<M>/name    "core", "uncore", "dram"

Source: the kernel's Documentation/hwmon/sysfs-interface.rst and
Documentation/power/powercap/powercap.rst. Since Linux 5.10 only root may read energy_uj
(CVE-2020-8694).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from meterhouse.metering import meters
from meterhouse.metering.meters import Meter

WHOLE_MACHINE = "power_meter"  # the ACPI power meter: what the power supply draws
CPU_CHIPS = {"coretemp", "k10temp", "zenpower", "cpu_thermal"}
PLAUSIBLE_W = 500
"""More than one CPU package or its memory draws. A counter that could have wrapped at this rate
since it was last read says nothing."""

Figures = Iterator[tuple[Meter, float]]


class Sensor(Protocol):
    """What is measured of the machine's power."""

    @property
    def said(self) -> str:
        """What measures it, for people."""
        ...

    def read(self, at_ms: int) -> Figures:
        """Yield what is known at a moment. Raises OSError or ValueError if a file is unwell."""
        ...


@dataclass(frozen=True, slots=True)
class Hwmon:
    """Power sensors that are read in microwatts and added."""

    inputs: Sequence[Path]
    said: str

    def read(self, at_ms: int) -> Figures:
        yield meters.POWER, sum(_number(path) for path in self.inputs) / 1e6


@dataclass(slots=True)
class Rapl:
    """Energy counters of CPU packages and memory, added, with power as what they grow by.

    zones: the counters' folders, none of which contains what another counts
    """

    zones: Sequence[Path]
    said: str
    joules: float = 0.0
    last: list[int] = field(default_factory=list)  # uJ, a counter each
    last_ms: int = 0

    def read(self, at_ms: int) -> Figures:
        now = [_number(zone / "energy_uj") for zone in self.zones]
        ranges = [_number(zone / "max_energy_range_uj") for zone in self.zones]
        last, last_ms, self.last, self.last_ms = self.last, self.last_ms, now, at_ms
        seconds = (at_ms - last_ms) / 1000
        if not last:
            yield meters.ENERGY, self.joules
        elif seconds > 0 and min(ranges) / 1e6 > PLAUSIBLE_W * seconds:
            grown = sum(map(growth, last, now, ranges)) / 1e6
            self.joules += grown
            yield meters.ENERGY, self.joules
            yield meters.POWER, grown / seconds


@dataclass(frozen=True, slots=True)
class NoSensor:
    """A machine that does not say what it draws, and why."""

    said: str

    def read(self, at_ms: int) -> Figures:
        return iter(())


def growth(last: int, now: int, wraps_at: int) -> int:
    """What a counter grew by between two readings, if it wrapped at most once (uJ)."""
    return now - last if now >= last else now + wraps_at - last


def sensor(sysfs: Path) -> Sensor:
    """The best there is: the whole machine's meter, else its CPUs' counters, else other chips."""
    powered = {chip: found for chip in _chips(sysfs) if (found := _power_inputs(chip))}
    whole = [path for chip in powered if _name(chip) == WHOLE_MACHINE for path in powered[chip]]
    if whole:
        return Hwmon(whole, "the machine's power meter (hwmon)")
    zones = list(_zones(sysfs))
    if zones and all(map(_is_readable, zones)):
        return Rapl(zones, f"RAPL: {', '.join(map(_label, zones))}; not fans, disks or losses")
    others = [path for paths in powered.values() for path in paths]
    if others:
        names = sorted({_name(chip) for chip in powered})
        return Hwmon(others, f"hwmon: {', '.join(names)}")
    if zones:
        return NoSensor("RAPL counters are there, but only root may read them")
    return NoSensor("this machine has no power sensor that the system knows")


def temperature(sysfs: Path) -> Figures:
    """Yield the hottest CPU sensor's temperature, if there is any."""
    chips = [chip for chip in _chips(sysfs) if _name(chip) in CPU_CHIPS]
    found = []
    for path in (path for chip in chips for path in sorted(chip.glob("temp*_input"))):
        try:
            found.append(_number(path) / 1000)
        except (OSError, ValueError):  # one sensor that is asleep does not hide the others
            continue
    if found:
        yield meters.TEMPERATURE, max(found)


def _chips(sysfs: Path) -> list[Path]:
    return sorted((sysfs / "class/hwmon").glob("hwmon*"))


def _power_inputs(chip: Path) -> list[Path]:
    """Each power sensor of a chip once; drivers offer an input, an average, or both."""
    found = {path.name.partition("_")[0]: path for path in sorted(chip.glob("power*_average"))}
    found |= {path.name.partition("_")[0]: path for path in sorted(chip.glob("power*_input"))}
    return [path for path in found.values() if _is_number(path)]


def _zones(sysfs: Path) -> Iterator[Path]:
    """The packages and the memory beside them; core and uncore are inside a package.

    psys is the whole platform, packages included: it counts only where it is alone.
    """
    top = sorted((sysfs / "class/powercap").glob("intel-rapl:*"))
    packages = [zone for zone in top if _name(zone).startswith("package-")]
    memory = [zone for zone in top if _name(zone) == "dram"]
    yield from (packages + memory) or [zone for zone in top if _name(zone) == "psys"]


def _label(zone: Path) -> str:
    parent = zone.with_name(zone.name.rpartition(":")[0])
    return f"{_name(parent)}/{_name(zone)}" if _name(zone) == "dram" else _name(zone)


def _is_readable(zone: Path) -> bool:
    return _is_number(zone / "energy_uj") and _is_number(zone / "max_energy_range_uj")


def _is_number(path: Path) -> bool:
    try:
        _number(path)
    except (OSError, ValueError):
        return False
    return True


def _name(folder: Path) -> str:
    try:
        return (folder / "name").read_text().strip()
    except OSError:
        return ""


def _number(path: Path) -> int:
    return int(path.read_text())
