"""The machine's counters as a probe, on trees of files."""

import socket
from datetime import timedelta
from pathlib import Path

import pytest
from tests.clients.sysfs.trees import RANGE_UJ, tree, zone

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import BadReading, Mistake, Unreachable
from meterhouse.metering.snapshots import Resource
from meterhouse.sources import Configured, Reading, configure

SECOND = timedelta(seconds=1)


def rapl(sysfs: Path, **more: object) -> Configured:
    table = {"kind": "rapl", "sysfs": str(sysfs), "node": "node-1"} | more
    return configure("packages", table, where="-")


def figures(reading: Reading) -> dict[str, float]:
    samples = reading.samples
    return {
        samples.series[key].meter: value
        for key, value in zip(samples.key.tolist(), samples.value.tolist(), strict=True)
    }


async def test_packages_and_memory_are_one_probe_in_joules_and_watts(
    clock: FixedClock, tmp_path: Path
) -> None:
    tree(tmp_path, zone("0", "package-0", RANGE_UJ - 50_000_000))
    tree(tmp_path, zone("0:0", "core", 1) | zone("0:1", "dram", 7_000_000))
    async with rapl(tmp_path).open(clock) as source:
        first = await source.read()
        tree(tmp_path, zone("0", "package-0", 30_000_000))  # it has wrapped
        tree(tmp_path, zone("0:0", "core", 60_000_000) | zone("0:1", "dram", 27_000_000))
        clock.move(SECOND)
        second = await source.read()
    assert figures(first) == {"energy": pytest.approx(RANGE_UJ / 1e6 - 43)}
    assert figures(second) == {"energy": pytest.approx(RANGE_UJ / 1e6 + 57), "power": 100.0}
    assert {series.resource for series in second.samples.series} == {"packages/node-1"}
    (probe,) = first.snapshots[0].objects
    assert isinstance(probe, Resource)
    assert probe.details == {"feeds": "node-1", "measures": "package"}


async def test_the_node_is_called_as_the_machine_is(clock: FixedClock, tmp_path: Path) -> None:
    tree(tmp_path, zone("0", "package-0"))
    async with rapl(tmp_path, node="").open(clock) as source:
        (probe,) = (await source.read()).snapshots[0].objects
    assert isinstance(probe, Resource)
    assert probe.name == socket.gethostname()


async def test_a_machine_without_counters_says_so_in_a_line(
    clock: FixedClock, tmp_path: Path
) -> None:
    with pytest.raises(Unreachable, match=r"no RAPL counters in /.*/class/powercap"):
        async with rapl(tmp_path).open(clock):
            pass


async def test_counters_that_only_root_may_read_are_named(
    clock: FixedClock, tmp_path: Path
) -> None:
    energy = tree(tmp_path, zone("0", "package-0")) / "class/powercap/intel-rapl:0/energy_uj"
    energy.unlink()
    energy.mkdir()  # reading it fails for root as well, as permission fails for others
    with pytest.raises(Unreachable, match="energy_uj cannot be read: only root may"):
        async with rapl(tmp_path).open(clock):
            pass


async def test_a_counter_that_goes_wrong_is_a_bad_reading(
    clock: FixedClock, tmp_path: Path
) -> None:
    tree(tmp_path, zone("0", "package-0"))
    async with rapl(tmp_path).open(clock) as source:
        tree(tmp_path, zone("0", "package-0", "garbage"))
        with pytest.raises(BadReading, match="garbage"):
            await source.read()


def test_a_node_needs_a_name_that_can_be_one(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="'node 1'"):
        rapl(tmp_path, node="node 1")
