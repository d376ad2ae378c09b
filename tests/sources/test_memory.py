"""Where counters stand outlives a restart, and a second reader goes on from there."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.clients.sysfs.trees import RANGE_UJ, tree, zone

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import ENERGY
from meterhouse.sources import Configured, Counted, Register, configure
from meterhouse.sources.memory import KEPT_EVERY_MS, Memory
from meterhouse.sources.runner import Runner

KWH = 3_600_000.0
MINUTES_MS = 10 * 60_000
TENTHS = Register(360.0, 2**23)  # 23 bits of 0.1 Wh


def test_a_register_that_wraps_goes_on_after_a_restart(tmp_path: Path) -> None:
    """95.87 kWh in twenty days, read every ten minutes; the reader is started again on day 15."""
    step, said = 95.87 * KWH / 360 / 2880, []
    memory = Memory(tmp_path / "pdu.json")
    counted = Counted.nothing(1)
    for number in range(2881):
        if number == 15 * 144:  # killed: nothing is written when it ends
            memory = Memory(tmp_path / "pdu.json")
            counted = Counted.remembered(memory, "energy", 1)
        raw, at_ms = (2**23 - 5 + step * number) % 2**23 // 1, number * MINUTES_MS
        before = counted
        joules, counted = TENTHS.read(before, [raw], at_ms)
        counted.note(memory, "energy", before, at_ms)
        said.append(joules[0])
    assert (said[-1] - said[0]) / KWH == pytest.approx(95.87, abs=1e-3)
    assert (np.diff(said) >= 0).all()


def test_what_is_damaged_or_of_another_size_is_nothing(tmp_path: Path) -> None:
    file = tmp_path / "pdu.json"
    file.write_text('{"energy": [[1], [2')
    assert Memory(file).said == {}
    file.write_text('{"energy": [[1, 2], [3, 4], [0, 0]], "more": 5}')
    memory = Memory(file)
    assert Counted.remembered(memory, "energy", 2).raw.tolist() == [1, 2]
    for name, count in (("energy", 3), ("more", 1), ("none", 1)):
        assert np.isnan(Counted.remembered(memory, name, count).raw).all()


def test_what_decides_is_written_at_once_and_the_rest_when_it_is_time(tmp_path: Path) -> None:
    file = tmp_path / "memory" / "pdu.json"
    memory = Memory(file)
    memory.note("energy", 1, KEPT_EVERY_MS)
    memory.note("energy", 2, KEPT_EVERY_MS + 1)
    assert Memory(file).said == {"energy": 1}
    memory.note("energy", 3, KEPT_EVERY_MS + 2, at_once=True)
    assert Memory(file).said == {"energy": 3}
    memory.note("energy", 4, KEPT_EVERY_MS + 3)
    memory.write()
    other = Memory(file)
    other.note("energy", 5, 10 * KEPT_EVERY_MS)
    memory.refresh()
    assert memory.said == {"energy": 5}
    assert [each.name for each in file.parent.iterdir()] == ["pdu.json"]


def test_a_folder_that_cannot_be_written_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "memory").write_text("a file")
    memory = Memory(tmp_path / "memory" / "pdu.json")
    for at_ms in (1, 2):
        memory.note("energy", 1, at_ms, at_once=True)
    assert [record.message for record in caplog.records] == ["cannot keep where counters stand"]


def rapl(sysfs: Path) -> Configured:
    return configure(
        "packages", {"kind": "rapl", "sysfs": str(sysfs), "node": "node-1"}, where="-"
    )


async def once(source: Configured, clock: FixedClock, memory: Path) -> float:
    """The joules that one `collect --once` publishes."""
    said: list[float] = []

    def publish(samples: object, _: object) -> None:
        columns = samples
        said.extend(
            value
            for key, value in zip(columns.key.tolist(), columns.value.tolist(), strict=True)  # type: ignore[attr-defined]
            if columns.series[key].meter == ENERGY.name  # type: ignore[attr-defined]
        )

    await Runner(publish, clock, memory=memory).once(source)
    return said[0]


async def test_rapl_that_only_cron_reads_counts_between_its_runs(
    clock: FixedClock, tmp_path: Path
) -> None:
    sysfs, memory = tmp_path / "sys", tmp_path / "memory"
    said = []
    for uj in (RANGE_UJ - 1_000_000, 1_000_000, 3_000_000):  # it wraps between two runs
        tree(sysfs, zone("0", "package-0", uj))
        said.append(await once(rapl(sysfs), clock, memory))
        clock.move(timedelta(seconds=20))
    assert np.diff(said).tolist() == pytest.approx([2.0, 2.0])


async def test_rapl_read_by_cron_beside_a_running_reader_says_the_same(
    clock: FixedClock, tmp_path: Path
) -> None:
    sysfs, memory = tmp_path / "sys", tmp_path / "memory"
    said = []
    tree(sysfs, zone("0", "package-0", RANGE_UJ - 150_000_000))
    async with rapl(sysfs).open(clock, memory) as source:
        for second in range(16):
            uj = (RANGE_UJ - 150_000_000 + second * 100_000_000) % RANGE_UJ
            tree(sysfs, zone("0", "package-0", uj))
            samples = (await source.read()).samples
            said.append(max(samples.value.tolist()))
            if second % 5 == 4:
                clock.move(timedelta(milliseconds=1))
                said.append(await once(rapl(sysfs), clock, memory))
            clock.move(timedelta(seconds=1))
    assert said[-1] - said[0] == pytest.approx(1500.0)
    assert (np.diff(said) >= 0).all()
