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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from meterhouse.clients.sysfs.files import is_number, name, number, text
from meterhouse.metering import meters
from meterhouse.metering.meters import Meter

PLAUSIBLE_W = 500
"""More than one CPU package or its memory draws. A counter that could have wrapped at this rate
since it was last read says nothing."""

LEAP_W, LEAST_LEAP_J = 2_000_000, 10_000_000
"""Beyond what is believed of any counter (docs/energy.md)."""

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


@dataclass(frozen=True, slots=True)
class Stand:
    """Where counters stood, and what was counted by then. It outlives a restart, as JSON.

    uj:    what each said
    at_ms: when
    total: uJ of all of them since each began, wraps and restarts added; never falls
    """

    uj: Mapping[str, int]
    at_ms: int
    total: int

    @classmethod
    def remembered(cls, said: object) -> "Stand | None":
        """What ``document`` made; None if it is nothing of the kind."""
        try:
            return msgspec.convert(said, cls)
        except msgspec.ValidationError:
            return None

    def document(self) -> dict[str, object]:
        return {"uj": dict(self.uj), "at_ms": self.at_ms, "total": self.total}


@dataclass(slots=True)
class Rapl:
    """Counters that are added, with power as what they grow by.

    counters: none of which contains what another counts
    last:     where they stood; of another reader, or before a restart, as well
    """

    counters: Sequence[Counter]
    last: Stand | None = None
    has_turned: bool = False  # whether the last reading was no plain growth

    @property
    def said(self) -> str:
        """What is measured, for people."""
        labels = ", ".join(counter.label for counter in self.counters)
        return f"RAPL: {labels}; not fans, disks or losses"

    def read(self, at_ms: int) -> Iterator[tuple[Meter, float]]:
        """Yield what is known at a moment. Raises OSError or ValueError if a file is unwell.

        Energy is what the kernel's counters show, so that all readers of a machine say the same.
        Of a stretch in which a counter may have wrapped unseen nobody knows: there the total leaps
        by more than can be drawn, which no reader of it takes for energy.
        """
        read = {str(counter.energy): counter.read() for counter in self.counters}
        uj = {name: now for name, (now, _) in read.items()}
        last, self.has_turned = self.last, False
        if last is None or last.uj.keys() != uj.keys():
            self.last, self.has_turned = Stand(uj, at_ms, sum(uj.values())), True
            yield meters.ENERGY, sum(uj.values()) / 1e6
            return
        yield from self._grown(last, read, uj, at_ms)

    def _grown(
        self, last: Stand, read: Mapping[str, tuple[int, int]], uj: Mapping[str, int], at_ms: int
    ) -> Iterator[tuple[Meter, float]]:
        seconds = (at_ms - last.at_ms) / 1000
        grown = [growth(last.uj[name], *both, seconds) for name, both in read.items()]
        known = sum(each for each in grown if each is not None)
        is_known = None not in grown
        self.has_turned = not is_known or any(uj[name] < last.uj[name] for name in uj)
        total = last.total + (known if is_known else leap(seconds))
        self.last = Stand(uj, at_ms, total)
        if seconds > 0:
            yield meters.ENERGY, total / 1e6
            if is_known:
                yield meters.POWER, known / 1e6 / seconds


def growth(last: int, now: int, wraps_at: int, seconds: float) -> int | None:
    """What a counter grew by between two readings (uJ); None if nobody knows.

    A fall is a wrap if it was no more than can be drawn in that time, else a restart from zero if
    that was. Where the clock stood still or went back, only a rise is known.
    """
    most = PLAUSIBLE_W * 1e6 * seconds
    if most >= wraps_at:
        return None
    if now >= last:
        return now - last
    wrapped = now + wraps_at - last
    return next((each for each in (wrapped, now) if each <= most), None)


def leap(seconds: float) -> int:
    """More than anybody draws in so long, or counts at once (uJ)."""
    return int(max(LEAP_W * seconds, LEAST_LEAP_J) * 1e6)


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
