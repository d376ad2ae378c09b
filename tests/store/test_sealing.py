"""Sealing: when it happens, what it leaves, and that nobody can tell from the answers."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection, transaction
from tests.store.conftest import DAY, HOLD, HOUR, MINUTE, NODE, POWER_OF_NODE, START, House

from meterhouse.metering.meters import CPU_TIME, POWER, Meter
from meterhouse.metering.periods import Period
from meterhouse.metering.samples import Columns, Series
from meterhouse.store import blocks, heads, reading, sealing
from meterhouse.store.blocks import FULL, Granularity
from meterhouse.store.reading import Buckets
from meterhouse.store.screening import Reason
from meterhouse.store.statistics import statistics

pytestmark = pytest.mark.django_db
RAW, MINUTES, HOURS = Granularity


def second_by_second(house: House, first_ms: int, length_ms: int, resource: str = NODE) -> None:
    """One batch with a reading each second: 100 W and the seconds since START, modulo 50."""
    at = np.arange(first_ms, first_ms + length_ms, 1000, dtype=np.int64)
    series = (Series(resource, "power", HOLD),)
    value = 100 + (at / 1000) % 50
    house.send(Columns(series, np.zeros(len(at), np.uint32), START + at, value))


def hourly(start: int, end: int, series: Series = POWER_OF_NODE) -> Buckets:
    return reading.buckets(series, Period.from_ms(START + start, START + end), timedelta(hours=1))


def same(one: Buckets, other: Buckets) -> bool:
    names = ("start", "count", "minimum", "maximum", "mean", "integral", "increase", "covered_ms")
    return all(
        np.allclose(getattr(one, name), getattr(other, name), equal_nan=True) for name in names
    )


def test_few_heads_wait_until_their_hours_are_over(house: House) -> None:
    second_by_second(house, 0, 10 * MINUTE)
    sealing.seal(START + 10 * MINUTE)
    assert (statistics().heads, statistics().blocks[RAW]) == (1, 0)
    sealing.seal(START + 2 * HOUR)  # batches may still be on the way
    assert statistics().heads == 1
    done = sealing.seal(START + 2 * HOUR + sealing.GRACE_MS)
    assert (done.samples, done.hours, done.more) == (600, 2, False)
    assert (statistics().heads, statistics().waiting) == (0, 0)
    assert statistics().blocks == {RAW: 1, MINUTES: 1, HOURS: 1}


def test_many_heads_are_sealed_at_once(house: House) -> None:
    for number in range(sealing.ROWS):
        house.tell([(number * 1000, number)])
    assert sealing.seal(START + 10 * MINUTE).samples == sealing.ROWS
    assert statistics().blocks == {RAW: 1, MINUTES: 0, HOURS: 0}


def test_a_backlog_is_sealed_in_steps_and_the_rest_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "SAMPLES", 600)
    monkeypatch.setattr(sealing, "_STEPS", 2)
    for hour in range(6):
        second_by_second(house, hour * HOUR, 10 * MINUTE)
    first = sealing.seal(START + DAY)
    assert (first.samples, first.more) == (1200, True)
    total = first.samples
    for _ in range(10):
        done = sealing.seal(START + DAY)
        total += done.samples
        if not done.more:
            break
    assert total == 3600
    assert statistics().heads == 0
    assert hourly(0, 6 * HOUR).count.tolist() == [600] * 6


def test_small_blocks_are_joined_when_their_hours_are_closed(house: House) -> None:
    for part in range(12):
        second_by_second(house, part * 10 * MINUTE, 10 * MINUTE)
        with transaction.atomic(), connection.cursor() as cursor:
            sealing.seal_oldest(cursor)
    assert statistics().blocks[RAW] == 12
    sealing.seal(START + 2 * HOUR + sealing.GRACE_MS)
    assert statistics().blocks[RAW] == 1
    assert statistics().samples == 7200 <= FULL


def test_a_day_of_slow_readings_becomes_one_block(house: House) -> None:
    readings = [(at, at / HOUR) for at in range(0, 2 * DAY, 15 * MINUTE)]
    for at, value in readings:
        house.tell([(at, value)], hold_ms=45 * MINUTE)
        sealing.seal(START + at)
    sealing.seal(START + 3 * DAY)
    # Noon to noon two days later touches three days.
    assert statistics().blocks[RAW] == 3
    # Readings that come so rarely take less space than minutes would, and stand in for them.
    assert statistics().blocks[MINUTES] == 0
    found = reading.read(POWER_OF_NODE, Period.from_ms(START, START + 2 * DAY))
    assert found.value.tolist() == [value for _, value in readings]


def test_no_block_crosses_midnight_or_is_larger_than_full(house: House) -> None:
    second_by_second(house, 6 * HOUR, 12 * HOUR)
    sealing.seal(START + DAY)
    with connection.cursor() as cursor:
        cursor.execute("SELECT start_ms, end_ms, count FROM store_block WHERE granularity = 0")
        found = cursor.fetchall()
    assert len(found) == 6
    assert all(start // DAY == (end - 1) // DAY and count <= FULL for start, end, count in found)


def test_what_is_sealed_again_and_again_costs_few_bytes(house: House) -> None:
    random = np.random.default_rng(1)
    at = np.arange(0, 4 * HOUR, 1000)
    watts = np.round(150 + random.normal(0, 1, len(at)), 1)
    for first in range(0, len(at), 600):
        part = slice(first, first + 600)
        columns = Columns(
            (POWER_OF_NODE,), np.zeros(600, np.uint32), START + at[part], watts[part]
        )
        house.send(columns)
        sealing.seal(START + int(at[first]))
    sealing.seal(START + 5 * HOUR)
    per_sample = statistics().bytes_per_sample
    assert per_sample is not None
    assert per_sample < 1
    assert sum(statistics().bytes.values()) / len(at) < 1.5


@pytest.mark.parametrize("late_at", [30_500, 59 * MINUTE + 58_500, 3 * HOUR + 500])
def test_a_late_reading_changes_the_hours_it_lies_in(house: House, late_at: int) -> None:
    second_by_second(house, 0, 2 * MINUTE)
    second_by_second(house, 58 * MINUTE, 4 * MINUTE)
    second_by_second(house, 3 * HOUR + MINUTE, MINUTE)
    sealing.seal(START + DAY)
    house.tell([(late_at, 5000)])
    before = hourly(0, 5 * HOUR)
    assert before.maximum[late_at // HOUR] == 5000
    assert sealing.seal(START + DAY).samples == 1
    assert statistics().heads == 0
    assert same(hourly(0, 5 * HOUR), before)


def test_a_counter_read_late_moves_the_increase_to_its_hour(house: House) -> None:
    cpu = Series(NODE, CPU_TIME.name, HOLD)
    house.tell([(0, 100), (5 * HOUR, 400)], meter=CPU_TIME)
    sealing.seal(START + DAY)
    assert hourly(0, 6 * HOUR, cpu).increase.tolist() == [60, 60, 60, 60, 60, 0]
    house.tell([(2 * HOUR, 350)], meter=CPU_TIME)
    for _ in range(2):
        assert hourly(0, 6 * HOUR, cpu).increase.tolist() == pytest.approx(
            [125, 125, 50 / 3, 50 / 3, 50 / 3, 0], abs=1e-3
        )
        sealing.seal(START + DAY)


def test_a_correction_replaces_the_reading_it_corrects(house: House) -> None:
    house.tell([(0, 100), (1000, 9999), (2000, 100)])
    sealing.seal(START + DAY)
    house.tell([(1000, 101)])
    for _ in range(2):
        found = reading.read(POWER_OF_NODE, Period.from_ms(START, START + HOUR))
        assert found.value.tolist() == [100, 101, 100]
        assert hourly(0, HOUR).maximum.tolist() == [101]
        sealing.seal(START + DAY)
    assert statistics().samples == 3


def test_history_that_is_filled_in_backwards_is_the_same(house: House) -> None:
    second_by_second(house, 5 * HOUR, HOUR, "osl/forwards")
    second_by_second(house, 5 * HOUR, HOUR, "osl/backwards")
    sealing.seal(START + DAY)
    for hour in range(5):
        second_by_second(house, hour * HOUR, HOUR, "osl/forwards")
        sealing.seal(START + DAY)
        second_by_second(house, (4 - hour) * HOUR, HOUR, "osl/backwards")
        sealing.seal(START + DAY)
    forwards, backwards = (
        hourly(0, 7 * HOUR, Series(f"osl/{way}", "power", HOLD))
        for way in ("forwards", "backwards")
    )
    assert same(forwards, backwards)
    assert forwards.count.tolist() == [3600] * 6 + [0]


def test_a_series_that_falls_silent_and_comes_back_leaves_a_hole(house: House) -> None:
    second_by_second(house, 0, MINUTE)
    sealing.seal(START + DAY)
    second_by_second(house, 40 * DAY, MINUTE)
    sealing.seal(START + 41 * DAY)
    found = hourly(0, 42 * DAY)
    assert found.covered_ms.sum() == 2 * (MINUTE + HOLD - 1000)
    assert np.flatnonzero(found.count).tolist() == [0, 40 * 24]
    # Nothing was written for the days between.
    assert statistics().blocks == {RAW: 2, MINUTES: 2, HOURS: 2}


def test_series_of_every_kind_are_closed_together(house: House) -> None:
    meters: list[Meter] = [POWER, CPU_TIME]
    for number in range(5):
        for meter in meters:
            readings = [(at * 1000, number + at) for at in range(60)]
            house.tell(readings, resource=f"osl/{number}", meter=meter, hold_ms=1000 + number)
    before = {one.series: hourly(0, HOUR, one.series) for one in reading.find()}
    sealing.seal(START + DAY)
    assert len(before) == 10
    for series, found in before.items():
        assert same(hourly(0, HOUR, series), found)
        assert found.increase[0] == (59 if series.meter == CPU_TIME.name else 0)


def test_samples_of_a_pruned_time_are_refused_and_counted(house: House) -> None:
    house.tell([(0, 1), (5 * HOUR, 2)])
    sealing.seal(START + DAY)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE store_series SET pruned_ms = %s", (START + 2 * HOUR,))
    house.tell([(HOUR, 7), (3 * HOUR, 3)])
    before = reading.read(POWER_OF_NODE, Period.from_ms(START + HOUR, START + DAY)).value.tolist()
    sealing.seal(START + DAY)
    after = reading.read(POWER_OF_NODE, Period.from_ms(START + HOUR, START + DAY)).value.tolist()
    assert before == after == [3, 2]
    assert statistics().refused == {Reason.PRUNED: 1}


def test_a_crash_while_sealing_changes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    second_by_second(house, 0, 10 * MINUTE)
    before, answer = statistics(), hourly(0, HOUR)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    for module, name in ((heads, "delete"), (blocks, "delete")):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, crash)
            with pytest.raises(KeyboardInterrupt), transaction.atomic():
                sealing.seal(START + DAY)
        assert statistics() == before
    sealing.seal(START + DAY)
    assert same(hourly(0, HOUR), answer)
    assert statistics().samples == before.samples
