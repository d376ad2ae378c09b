"""The machine the tests run on, and trees of files that look like other machines' /sys."""

import os
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from tests.clients.sysfs.trees import chip, tree, zone

from meterhouse.clients.sysfs.rapl import Rapl
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import BadReading
from meterhouse.metering.meters import METERS, POWER, TEMPERATURE
from meterhouse.metering.snapshots import Resource
from meterhouse.sources import Reading, configure, kind
from meterhouse.sources.host import machine, power
from meterhouse.sources.host.power import Hwmon, NoSensor


def figures(reading: Reading) -> dict[str, float]:
    series = [reading.samples.series[key] for key in reading.samples.key]
    return {each.meter: value for each, value in zip(series, reading.samples.value, strict=True)}


async def test_the_machine_it_runs_on_is_read(clock: FixedClock) -> None:
    table = {"kind": "host", "project": "machines", "hostname": "alice"}
    async with configure("here", table, where="-").open(clock) as source:
        reading = await source.read()
    found = figures(reading)
    assert found["cpu.count"] == os.cpu_count()
    assert found["memory.total"] == psutil.virtual_memory().total
    assert 0 < found["memory.used"] < found["memory.total"]
    assert 0 < found["disk.used"] < found["disk.total"]
    assert found["cpu.time"] > 0
    assert found["load"] >= 0
    assert found["network.received"] >= 0
    assert {series.resource for series in reading.samples.series} == {"here/alice"}
    assert {series.hold_ms for series in reading.samples.series} == {15_000}
    assert set(found) <= {meter.name for meter in kind("host").meters} <= set(METERS)


async def test_the_machine_is_listed_at_first_and_every_quarter_of_an_hour(
    clock: FixedClock,
) -> None:
    table = {"kind": "host", "project": "machines"}
    async with configure("here", table, where="-").open(clock) as source:
        (snapshot,) = (await source.read()).snapshots
        clock.move(timedelta(minutes=5))
        assert not (await source.read()).snapshots
        clock.move(timedelta(minutes=10))
        assert (await source.read()).snapshots
    (found,) = snapshot.objects
    assert isinstance(found, Resource)
    assert found.id == f"here/{machine.hostname()}"
    assert (found.kind, found.project, found.vcpus) == ("machine", "machines", os.cpu_count())
    assert found.ram_bytes == psutil.virtual_memory().total
    assert found.disk_bytes > 0
    assert {"os", "kernel", "cpu", "power"} <= set(found.details)


async def test_temperature_and_power_come_from_the_tree_it_is_given(
    clock: FixedClock, tmp_path: Path
) -> None:
    tree(tmp_path, chip(0, "coretemp", temp1_input=48500, temp2_input=51000))
    tree(tmp_path, chip(1, "power_meter", power1_average=212_400_000))
    table = {"kind": "host", "sysfs": str(tmp_path)}
    async with configure("here", table, where="-").open(clock) as source:
        found = figures(await source.read())
    assert (found["temperature"], found["power"]) == (51.0, 212.4)


async def test_a_sensor_that_goes_wrong_is_a_bad_reading(
    clock: FixedClock, tmp_path: Path
) -> None:
    tree(tmp_path, chip(1, "power_meter", power1_average=212_400_000))
    table = {"kind": "host", "sysfs": str(tmp_path)}
    async with configure("here", table, where="-").open(clock) as source:
        tree(tmp_path, chip(1, "power_meter", power1_average="garbage"))
        with pytest.raises(BadReading, match="garbage"):
            await source.read()
        (tmp_path / "class/hwmon/hwmon1/power1_average").unlink()
        with pytest.raises(BadReading, match="power1_average"):
            await source.read()


def test_the_whole_machines_meter_comes_before_all_others(tmp_path: Path) -> None:
    tree(tmp_path, zone("0", "package-0", 5))
    tree(tmp_path, chip(0, "amdgpu", power1_average=40_000_000))
    tree(tmp_path, chip(1, "power_meter", power1_average=1_000_000, power1_input=212_400_000))
    found = power.sensor(tmp_path)
    assert list(found.read(0)) == [(POWER, 212.4)]
    assert "power meter" in found.said


def test_packages_and_memory_are_added_and_what_they_contain_is_not(tmp_path: Path) -> None:
    zones = {
        "0": "package-0",
        "0:0": "core",
        "0:1": "uncore",
        "0:2": "dram",
        "1": "package-1",
        "1:0": "dram",
        "2": "psys",
    }
    for number, name in zones.items():
        tree(tmp_path, zone(number, name))
    found = power.sensor(tmp_path)
    assert isinstance(found, Rapl)
    assert found.said.startswith("RAPL: package-0, package-1, package-0/dram, package-1/dram;")


def test_a_platform_counter_alone_counts(tmp_path: Path) -> None:
    found = power.sensor(tree(tmp_path, zone("0", "psys")))
    assert isinstance(found, Rapl)


def test_counters_nobody_may_read_are_said_and_are_no_error(tmp_path: Path) -> None:
    tree(tmp_path, zone("0", "package-0", 1))
    energy = tmp_path / "class/powercap/intel-rapl:0/energy_uj"
    energy.unlink()
    energy.mkdir()  # reading it fails for root as well, as permission fails for others
    found = power.sensor(tmp_path)
    assert isinstance(found, NoSensor)
    assert "only root" in found.said
    assert not list(found.read(0))


def test_other_chips_are_added_where_there_is_nothing_better(tmp_path: Path) -> None:
    tree(tmp_path, chip(0, "ina219", power1_input=2_500_000))
    tree(tmp_path, chip(1, "ina219", power1_input=1_500_000, power2_input="asleep"))
    found = power.sensor(tmp_path)
    assert isinstance(found, Hwmon)
    assert list(found.read(0)) == [(POWER, 4.0)]
    assert found.said == "hwmon: ina219"


def test_a_machine_without_sensors_says_so(tmp_path: Path) -> None:
    found = power.sensor(tmp_path)
    assert "no power sensor" in found.said
    assert not list(power.temperature(tmp_path))


def test_a_chip_without_a_name_is_a_chip_all_the_same(tmp_path: Path) -> None:
    tree(tmp_path, {"class/hwmon/hwmon0/power1_input": 3_000_000})
    assert list(power.sensor(tmp_path).read(0)) == [(POWER, 3.0)]


def test_a_temperature_sensor_that_is_asleep_hides_no_other(tmp_path: Path) -> None:
    tree(tmp_path, chip(0, "k10temp", temp1_input="asleep", temp3_input=61_250))
    tree(tmp_path, chip(1, "nvme", temp1_input=99_000))
    assert list(power.temperature(tmp_path)) == [(TEMPERATURE, 61.25)]


def test_a_file_system_mounted_twice_counts_once() -> None:
    mounts = [
        ("/dev/vda1", "/", "ext4"),
        ("/dev/vda1", "/srv/chroot", "ext4"),
        ("/dev/loop3", "/snap/core/1", "squashfs"),
        ("/dev/vdb", "/home", "xfs"),
    ]
    assert machine.mounted_once(mounts) == ["/", "/home"]
    assert machine.mounted_once([]) == []


def test_a_place_that_is_gone_meanwhile_has_no_space(tmp_path: Path) -> None:
    here, gone = str(tmp_path), str(tmp_path / "gone")
    assert len(list(machine.disk_space([here, gone]))) == 1


def test_partitions_and_what_is_made_of_disks_are_no_disks() -> None:
    names = ["sda", "sda1", "sda12", "sdaa", "nvme0n1", "nvme0n1p2", "nvme0n10", "mmcblk0"]
    names += ["mmcblk0p1", "loop0", "dm-0", "md127", "zram0", "sr0", "vda", "vda1"]
    whole = ["sda", "sdaa", "nvme0n1", "nvme0n10", "mmcblk0", "vda"]
    assert machine.whole_disks(names) == whole


def test_a_bridge_counts_once_and_loopback_never(tmp_path: Path) -> None:
    tree(tmp_path, {"class/net/eth0/device/vendor": "0x1af4"})
    names = ["lo", "eth0", "br0", "tap0"]
    assert machine.cards(names, tmp_path) == ["eth0"]
    assert machine.cards(["lo", "eth1"], tmp_path) == ["eth1"]


def test_a_processor_without_a_name_is_called_by_its_architecture(tmp_path: Path) -> None:
    named = tree(tmp_path, {"cpuinfo": "processor\t: 0\nmodel name\t: AMD EPYC"}) / "cpuinfo"
    assert machine.cpu_model(named) == "AMD EPYC"
    assert machine.cpu_model(tmp_path / "nothing") == os.uname().machine
