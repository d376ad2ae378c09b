"""What the operating system says about this machine, through psutil and /sys.

Everything is counted once: a file system bound to several places, a partition and its disk, a
bridge and the card under it are one thing each.
"""

import os
import platform
import re
import socket
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from meterhouse.metering import meters
from meterhouse.metering.meters import Meter

READ_ONLY_IMAGES = {"squashfs", "iso9660", "erofs", "cramfs"}
VIRTUAL_DISK = re.compile(r"(loop|ram|zram|dm-|md|nbd|sr|fd)\d*")


@dataclass(frozen=True, slots=True)
class Facts:
    """What does not change from reading to reading. ``details`` are for people."""

    vcpus: int
    ram_bytes: int
    disk_bytes: int
    details: dict[str, str]


def hostname() -> str:
    return socket.gethostname()


def facts() -> Facts:
    return Facts(
        vcpus=psutil.cpu_count() or 1,
        ram_bytes=psutil.virtual_memory().total,
        disk_bytes=sum(total for total, _ in disk_space(_mounts())),
        details={
            "os": _operating_system(),
            "kernel": f"{platform.system()} {platform.release()}",
            "architecture": platform.machine(),
            "cpu": cpu_model(Path("/proc/cpuinfo")),
        },
    )


def figures(sysfs: Path) -> Iterator[tuple[Meter, float]]:
    """Every figure this machine has now, each meter at most once, in its base unit."""
    yield meters.CPU_TIME, _busy_seconds()
    yield meters.CPU_COUNT, psutil.cpu_count() or 1
    yield meters.LOAD, os.getloadavg()[0]
    memory = psutil.virtual_memory()
    yield meters.MEMORY_TOTAL, memory.total
    yield meters.MEMORY_USED, memory.total - memory.available
    space = list(disk_space(_mounts()))
    yield meters.DISK_TOTAL, sum(total for total, _ in space)
    yield meters.DISK_USED, sum(used for _, used in space)
    yield from _disk_traffic()
    yield from _network_traffic(sysfs)


def _busy_seconds() -> float:
    """CPU seconds spent working since boot, all CPUs together.

    Not waiting for a disk, not what a hypervisor gave to others; guests run inside user time.
    """
    spent = psutil.cpu_times()
    named = ("user", "nice", "system", "irq", "softirq")
    return float(sum(getattr(spent, name, 0.0) for name in named))


def disk_space(places: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Total and used bytes of the file system at each place that is still there."""
    for place in places:
        try:
            usage = psutil.disk_usage(place)
        except OSError:  # unmounted meanwhile, or not ours to look at
            continue
        yield usage.total, usage.used


def _mounts() -> list[str]:
    parts = psutil.disk_partitions()
    mounts = [(part.device, part.mountpoint, part.fstype) for part in parts]
    return mounted_once(mounts) or ["/"]


def mounted_once(mounts: Iterable[tuple[str, str, str]]) -> list[str]:
    """Where to look for each device's space: one place a device, no read-only images.

    mounts: device, place and file system type of each

    A container's root is no device of its own and is not listed: then this is empty.
    """
    places: dict[str, str] = {}
    for device, place, kind in mounts:
        if kind not in READ_ONLY_IMAGES:
            places.setdefault(device, place)
    return list(places.values())


def _disk_traffic() -> Iterator[tuple[Meter, float]]:
    counters = psutil.disk_io_counters(perdisk=True) or {}
    chosen = [counters[name] for name in whole_disks(counters)]
    if chosen:
        yield meters.DISK_READ, sum(disk.read_bytes for disk in chosen)
        yield meters.DISK_WRITTEN, sum(disk.write_bytes for disk in chosen)


def whole_disks(names: Collection[str]) -> list[str]:
    """The disks among block devices: no partitions, nothing that is made of other disks."""
    disks = [name for name in names if not VIRTUAL_DISK.match(name)]
    return [name for name in disks if not any(_is_part(name, disk) for disk in disks)]


def _is_part(name: str, disk: str) -> bool:
    """Whether ``sda1`` is of ``sda``, ``nvme0n1p1`` of ``nvme0n1`` (but not ``nvme0n10``)."""
    separator = "p" if disk[-1].isdigit() else ""
    return re.fullmatch(re.escape(disk + separator) + r"\d+", name) is not None


def _network_traffic(sysfs: Path) -> Iterator[tuple[Meter, float]]:
    counters = psutil.net_io_counters(pernic=True)
    chosen = [counters[name] for name in cards(counters, sysfs)]
    if chosen:
        yield meters.NETWORK_RECEIVED, sum(card.bytes_recv for card in chosen)
        yield meters.NETWORK_SENT, sum(card.bytes_sent for card in chosen)


def cards(names: Collection[str], sysfs: Path) -> list[str]:
    """The interfaces to count: those with hardware under them, so that a bridge counts once.

    Where none has any (a container), all but loopback.
    """
    outside = [name for name in names if name != "lo"]
    real = [name for name in outside if (sysfs / "class/net" / name / "device").exists()]
    return real or outside


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def cpu_model(cpuinfo: Path) -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.machine()
