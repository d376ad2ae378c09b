"""What this machine draws, as its own sensors say, from files under /sys.

    class/hwmon/hwmon<N>/name                 the chip
                         power<I>_input       uW  (or power<I>_average where there is no input)
                         temp<I>_input        milli degrees Celsius

RAPL's counters are told of in ``clients.sysfs.rapl``.

Source: the kernel's Documentation/hwmon/sysfs-interface.rst.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from meterhouse.clients.sysfs import rapl
from meterhouse.clients.sysfs.files import is_number, name, number
from meterhouse.clients.sysfs.rapl import Rapl, Stand
from meterhouse.metering import meters
from meterhouse.metering.meters import Meter

WHOLE_MACHINE = "power_meter"  # the ACPI power meter: what the power supply draws
CPU_CHIPS = {"coretemp", "k10temp", "zenpower", "cpu_thermal"}

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
        yield meters.POWER, sum(number(path) for path in self.inputs) / 1e6


@dataclass(frozen=True, slots=True)
class NoSensor:
    """A machine that does not say what it draws, and why."""

    said: str

    def read(self, at_ms: int) -> Figures:
        return iter(())


def sensor(sysfs: Path, last: Stand | None = None) -> Sensor:
    """The best there is: the whole machine's meter, else its CPUs' counters, else other chips."""
    powered = {chip: found for chip in _chips(sysfs) if (found := _power_inputs(chip))}
    whole = [path for chip in powered if name(chip) == WHOLE_MACHINE for path in powered[chip]]
    if whole:
        return Hwmon(whole, "the machine's power meter (hwmon)")
    counters = rapl.counters(sysfs)
    if counters and all(counter.is_readable for counter in counters):
        return Rapl(counters, last)
    others = [path for paths in powered.values() for path in paths]
    if others:
        names = sorted({name(chip) for chip in powered})
        return Hwmon(others, f"hwmon: {', '.join(names)}")
    if counters:
        return NoSensor("RAPL counters are there, but only root may read them")
    return NoSensor("this machine has no power sensor that the system knows")


def temperature(sysfs: Path) -> Figures:
    """Yield the hottest CPU sensor's temperature, if there is any."""
    chips = [chip for chip in _chips(sysfs) if name(chip) in CPU_CHIPS]
    found = []
    for path in (path for chip in chips for path in sorted(chip.glob("temp*_input"))):
        try:
            found.append(number(path) / 1000)
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
    return [path for path in found.values() if is_number(path)]
