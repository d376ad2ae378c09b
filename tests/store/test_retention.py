"""Retention: what goes, what stays, and what is still known of what went."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from tests.store.conftest import DAY, HOUR, MINUTE, NODE, POWER_OF_NODE, START, House

from meterhouse.metering.periods import Period
from meterhouse.metering.samples import Columns
from meterhouse.store import reading, retention, sealing
from meterhouse.store.blocks import Granularity
from meterhouse.store.retention import Policy
from meterhouse.store.statistics import statistics

pytestmark = pytest.mark.django_db
RAW, MINUTES, HOURS = Granularity
NOTHING = timedelta(0)


@pytest.fixture
def days(house: House) -> House:
    """100 W from noon on for 36 hours, a reading every 5 seconds, all sealed and closed."""
    at = np.arange(0, 36 * HOUR, 5000, dtype=np.int64)
    house.send(
        Columns(
            (POWER_OF_NODE,), np.zeros(len(at), np.uint32), START + at, np.full(len(at), 100.0)
        )
    )
    sealing.seal(START + 3 * DAY)
    return house


def joules(start: int, end: int) -> tuple[float, int]:
    found = reading.integrals([(NODE, START + start, START + end)], "power")
    return float(found.integral[0]), int(found.covered_ms[0])


def raw_readings() -> int:
    return len(reading.read(POWER_OF_NODE, Period.from_ms(START, START + 3 * DAY)))


def test_nothing_goes_before_its_time(days: House) -> None:
    assert retention.prune(START + 29 * DAY) == 0
    assert raw_readings() == 36 * 720


def test_raw_samples_go_first_and_the_minutes_stay(days: House) -> None:
    before = joules(0, 36 * HOUR), joules(7 * MINUTE, 5 * HOUR + 3 * MINUTE)
    assert retention.prune(START + 40 * DAY) > 0
    assert raw_readings() == statistics().blocks[RAW] == 0
    assert (joules(0, 36 * HOUR), joules(7 * MINUTE, 5 * HOUR + 3 * MINUTE)) == before


def test_minutes_go_next_and_hours_share_out_what_they_know(days: House) -> None:
    retention.prune(START + 400 * DAY)
    assert statistics().blocks[RAW] == statistics().blocks[MINUTES] == 0
    assert statistics().blocks[HOURS] > 0
    assert joules(0, HOUR) == (360_000, HOUR)
    assert joules(HOUR + 15 * MINUTE, HOUR + 30 * MINUTE) == (90_000, 15 * MINUTE)
    found = reading.buckets(
        POWER_OF_NODE, Period.from_ms(START, START + HOUR), timedelta(minutes=5)
    )
    assert found.mean.tolist() == [100] * 12
    assert found.covered_ms.tolist() == [5 * MINUTE] * 12


def test_hours_go_too_where_that_is_the_policy(days: House) -> None:
    retention.prune(START + 10 * DAY, Policy(NOTHING, NOTHING, NOTHING))
    assert sum(statistics().blocks.values()) == 0
    assert joules(0, 36 * HOUR) == (0, 0)


def test_only_whole_blocks_go(days: House) -> None:
    retention.prune(START + DAY, Policy(NOTHING, None, None))
    # The first day, noon to midnight, is gone; the second is half over and stays.
    assert 0 < raw_readings() < 36 * 720
    assert joules(0, 36 * HOUR) == (36 * 360_000, 36 * HOUR)
    with connection.cursor() as cursor:
        cursor.execute("SELECT MIN(start_ms) FROM store_block WHERE granularity = 0")
        (oldest,) = cursor.fetchone()
        cursor.execute("SELECT pruned_ms FROM store_series")
        (pruned,) = cursor.fetchone()
    assert oldest <= pruned <= START + DAY + HOUR


def test_what_is_not_closed_yet_stays(house: House) -> None:
    house.tell([(0, 100), (30 * MINUTE, 100)])
    assert retention.prune(START + 400 * DAY, Policy(NOTHING, NOTHING, NOTHING)) == 0
    sealing.seal(START + DAY)
    assert retention.prune(START + 400 * DAY, Policy(NOTHING, NOTHING, None)) == 2


def test_pruning_goes_on_in_steps(days: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_BLOCKS", 2)
    monkeypatch.setattr(retention, "_STEPS", 2)
    there = statistics().blocks[RAW]
    assert there > 4
    assert retention.prune(START + 40 * DAY) == 4
    assert statistics().blocks[RAW] == there - 4
    assert joules(0, 36 * HOUR) == (36 * 360_000, 36 * HOUR)
    while retention.prune(START + 40 * DAY):
        pass
    assert statistics().blocks[RAW] == 0


def test_recording_goes_on_after_pruning(days: House) -> None:
    retention.prune(START + 400 * DAY)
    days.tell([(50 * DAY, 200), (50 * DAY + 5000, 200)])
    sealing.seal(START + 51 * DAY)
    assert joules(50 * DAY, 51 * DAY) == (2000, 10_000)
    assert joules(0, 36 * HOUR) == (36 * 360_000, 36 * HOUR)


@pytest.mark.parametrize(
    ("raw", "minute", "hour"),
    [
        (timedelta(days=2), timedelta(days=1), None),
        (None, timedelta(days=1), None),
        (timedelta(days=1), None, timedelta(days=2)),
    ],
)
def test_nothing_may_outlive_what_is_made_of_it(
    raw: timedelta | None, minute: timedelta | None, hour: timedelta | None
) -> None:
    with pytest.raises(ValueError, match="finer samples cannot be kept longer"):
        Policy(raw, minute, hour)


def test_rare_readings_are_kept_in_the_stead_of_minutes(house: House) -> None:
    readings = [(at, 100.0) for at in range(0, 2 * DAY, 15 * MINUTE)]
    house.tell(readings, hold_ms=45 * MINUTE)
    sealing.seal(START + 3 * DAY)
    before = joules(7 * MINUTE, 5 * HOUR + 3 * MINUTE)
    assert retention.prune(START + 300 * DAY) == 0
    assert joules(7 * MINUTE, 5 * HOUR + 3 * MINUTE) == before
    assert retention.prune(START + 400 * DAY) == 3
    # Hours share out what they know, to the millijoule where nothing changed within them.
    assert joules(7 * MINUTE, 5 * HOUR + 3 * MINUTE) == before


def test_a_series_that_is_read_less_often_keeps_its_minutes(house: House) -> None:
    house.tell([(at * 1000, 100) for at in range(0, 7200, 10)], hold_ms=30_000)
    sealing.seal(START + 3 * HOUR)
    house.tell([(DAY + at * 1000, 100) for at in range(0, 7200, 60)], hold_ms=180_000)
    sealing.seal(START + 2 * DAY)
    assert statistics().blocks[MINUTES] > 1
    retention.prune(START + 40 * DAY)
    assert statistics().blocks[RAW] == 0
    assert joules(20 * MINUTE, 25 * MINUTE) == (30_000, 5 * MINUTE)


def test_a_series_that_is_read_more_often_gets_minutes_from_then_on(house: House) -> None:
    house.tell([(at * 1000, 100) for at in range(0, 7080, 60)], hold_ms=180_000)
    sealing.seal(START + 3 * HOUR)
    house.tell([(DAY + at * 1000, 100) for at in range(0, 7200, 10)], hold_ms=30_000)
    sealing.seal(START + 2 * DAY)
    assert statistics().blocks[MINUTES] == 1
    retention.prune(START + 40 * DAY)
    assert statistics().blocks[RAW] == 1  # of the day without minutes
    assert joules(20 * MINUTE, 25 * MINUTE) == (30_000, 5 * MINUTE)
    assert joules(DAY + 20 * MINUTE, DAY + 25 * MINUTE) == (30_000, 5 * MINUTE)
