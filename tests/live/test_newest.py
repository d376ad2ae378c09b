"""The newest readings: what a machine does now."""

from datetime import timedelta

import pytest
from tests.conftest import NOON

from meterhouse.live import newest
from meterhouse.live.figures import UNKNOWN
from meterhouse.live.newest import Newest
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import (
    CPU_COUNT,
    CPU_TIME,
    MEMORY_TOTAL,
    MEMORY_USED,
    POWER,
    TEMPERATURE,
    Meter,
)
from meterhouse.metering.periods import to_ms
from meterhouse.metering.samples import Columns, Sample
from meterhouse.store import reading
from meterhouse.store.recorder import Recorder

pytestmark = pytest.mark.django_db
NOW = to_ms(NOON)


def record(*points: tuple[Meter, str, float, int]) -> None:
    """Readings as (meter, resource, value, seconds before noon)."""
    samples = [Sample(meter, on, value, NOW - ago * 1000) for meter, on, value, ago in points]
    columns = Columns.of(samples, hold_ms=15_000)
    batch = Batch(publisher="osl", epoch=1, sequence=1, sent_ms=NOW, samples=columns)
    Recorder(lambda _: None, clock=FixedClock(NOON + timedelta(hours=1))).record(batch)


def on(resource: str) -> list[Newest]:
    return newest.of([resource], now_ms=NOW)[resource]


def test_a_part_is_shown_of_its_whole_and_the_whole_not_alone() -> None:
    record((MEMORY_USED, "osl/n1", 2.0 * 2**30, 1), (MEMORY_TOTAL, "osl/n1", 8.0 * 2**30, 1))
    [memory] = on("osl/n1")
    assert (memory.meter, memory.share, str(memory.whole)) == ("memory.used", 0.25, "8.00 GiB")


def test_busy_cpus_are_the_rate_of_cpu_time() -> None:
    record(
        (CPU_TIME, "osl/n1", 100.0, 6),
        (CPU_TIME, "osl/n1", 105.0, 1),
        (CPU_COUNT, "osl/n1", 4.0, 1),
    )
    [cpu] = on("osl/n1")
    assert (cpu.value, cpu.share, str(cpu.figure)) == (1.0, 0.25, "1.00 CPUs")


def test_one_reading_of_a_counter_is_no_rate_yet() -> None:
    record((CPU_TIME, "osl/n1", 100.0, 1))
    [cpu] = on("osl/n1")
    assert cpu.value is None
    assert cpu.share is None


def test_a_counter_that_restarted_counts_from_zero() -> None:
    record((CPU_TIME, "osl/n1", 100.0, 6), (CPU_TIME, "osl/n1", 1.0, 1))
    assert on("osl/n1")[0].value == 0.2


def test_an_old_reading_is_shown_as_old() -> None:
    record((TEMPERATURE, "osl/n1", 40.0, 60), (POWER, "osl/n1", 99.0, 2))
    fresh = {one.meter: one.is_fresh for one in on("osl/n1")}
    assert fresh == {"temperature": False, "power": True}


def test_power_is_the_sum_of_what_still_stands() -> None:
    record((POWER, "osl/n1", 100.0, 1), (POWER, "osl/n2", 50.0, 2), (POWER, "osl/n3", 70.0, 90))
    levels = reading.newest(POWER.name)
    power = newest.power(levels, now_ms=NOW)
    assert (power.watts, power.measured, power.known) == (150.0, 2, 3)
    assert newest.power(levels.of({"osl/n2"}), now_ms=NOW).watts == 50.0


def test_unknown_power_is_not_zero() -> None:
    record((POWER, "osl/n1", 100.0, 60))
    power = newest.power(reading.newest(POWER.name), now_ms=NOW)
    assert power.watts is None
    assert str(power.figure) == UNKNOWN


def test_the_line_beside_a_reading_goes_back_five_minutes() -> None:
    record(*((POWER, "osl/n1", float(ago), ago) for ago in range(0, 600, 5)))
    [power] = on("osl/n1")
    line = power.past
    assert line[0] == 300.0
    assert line[-1] == 0.0
