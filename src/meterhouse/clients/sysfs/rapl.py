"""RAPL: the energy counters of CPU packages and memory.

    class/powercap/intel-rapl:<N>/name           "package-0", "psys"; AMD's are called so too
                   energy_uj                     uJ since some moment, wraps at max_energy_range_uj
                   intel-rapl:<N>:<M>/name       "core", "uncore", "dram"
    class/hwmon/hwmon<N>/name                    "amd_energy": AMD in Linux 5.8 to 5.12
                         energy<I>_label         "Esocket0", "Ecore000"
                         energy<I>_input         uJ, 64 bits, never wraps

intel-rapl-mmio:<N> is the same package once more, and is passed over.

Source: the kernel's Documentation/power/powercap/powercap.rst, and Documentation/hwmon/
amd_energy.rst of Linux 5.12. Since Linux 5.10 only root may read energy_uj (CVE-2020-8694).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from meterhouse.clients.sysfs.files import is_number, name, number, text
from meterhouse.metering import meters
from meterhouse.metering.meters import Meter

PLAUSIBLE_W = 500
"""More than one CPU package or its memory draws. A counter that could have wrapped at this rate
since it was last read says nothing."""

NEVER_WRAPS_UJ = 2**64


@dataclass(frozen=True, slots=True)
class Counter:
    """One energy counter.

    energy:   the file that holds its uJ
    wraps_at: the file that holds the uJ at which it starts from 0 again; None: it does not
    label:    for people: "package-0", "package-0/dram"
    """

    energy: Path
    wraps_at: Path | None
    label: str

    def read(self) -> tuple[int, int]:
        """Its uJ now, and where it wraps. Raises OSError or ValueError."""
        now = number(self.energy)
        wraps_at = number(self.wraps_at) if self.wraps_at else NEVER_WRAPS_UJ
        if not 0 <= now <= wraps_at:
            raise ValueError(f"{self.energy}: {now} uJ is not between 0 and {wraps_at}")
        return now, wraps_at

    @property
    def is_readable(self) -> bool:
        return is_number(self.energy) and (not self.wraps_at or is_number(self.wraps_at))


@dataclass(slots=True)
class Rapl:
    """Counters that are added, with power as what they grow by.

    counters: none of which contains what another counts
    """

    counters: Sequence[Counter]
    joules: float = 0.0
    last: list[int] = field(default_factory=list)  # uJ, a counter each
    last_ms: int = 0

    @property
    def said(self) -> str:
        """What is measured, for people."""
        labels = ", ".join(counter.label for counter in self.counters)
        return f"RAPL: {labels}; not fans, disks or losses"

    def read(self, at_ms: int) -> Iterator[tuple[Meter, float]]:
        """Yield what is known at a moment. Raises OSError or ValueError if a file is unwell.

        Energy is counted from the first reading on; a stretch in which a counter may have wrapped
        unseen, or in which the clock did not go on, is left out of it.
        """
        read = [counter.read() for counter in self.counters]
        now, ranges = [uj for uj, _ in read], [wraps_at for _, wraps_at in read]
        last, last_ms, self.last, self.last_ms = self.last, self.last_ms, now, at_ms
        seconds = (at_ms - last_ms) / 1000
        if not last:
            yield meters.ENERGY, self.joules
        elif seconds > 0 and min(ranges) / 1e6 > PLAUSIBLE_W * seconds:
            grown = sum(map(growth, last, now, ranges)) / 1e6
            self.joules += grown
            yield meters.ENERGY, self.joules
            yield meters.POWER, grown / seconds


def growth(last: int, now: int, wraps_at: int) -> int:
    """What a counter grew by between two readings, if it wrapped at most once (uJ).

    One that never wraps and is lower than before has started anew.
    """
    if now >= last:
        return now - last
    return now if wraps_at == NEVER_WRAPS_UJ else now + wraps_at - last


def counters(sysfs: Path) -> list[Counter]:
    """The packages and the memory beside them; core and uncore are inside a package.

    psys is the whole platform, packages included: it counts only where it is alone.
    """
    return [_powercap(zone) for zone in _zones(sysfs)] or list(_sockets(sysfs))


def _zones(sysfs: Path) -> list[Path]:
    top = sorted((sysfs / "class/powercap").glob("intel-rapl:*"))
    packages = [zone for zone in top if name(zone).startswith("package-")]
    memory = [zone for zone in top if name(zone) == "dram"]
    return (packages + memory) or [zone for zone in top if name(zone) == "psys"]


def _powercap(zone: Path) -> Counter:
    parent = zone.with_name(zone.name.rpartition(":")[0])
    label = f"{name(parent)}/{name(zone)}" if name(zone) == "dram" else name(zone)
    return Counter(zone / "energy_uj", zone / "max_energy_range_uj", label)


def _sockets(sysfs: Path) -> Iterator[Counter]:
    """Of AMD's chips the sockets, which contain the cores."""
    for chip in sorted((sysfs / "class/hwmon").glob("hwmon*")):
        if name(chip) == "amd_energy":
            for path in sorted(chip.glob("energy*_input")):
                label = text(path.with_name(path.name.replace("_input", "_label")))
                if label.startswith("Esocket"):
                    yield Counter(path, None, label.replace("Esocket", "socket-"))
