"""The reading API: what it finds, in which order, with how many queries."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.store.conftest import DAY, HOLD, HOUR, MINUTE, NODE, POWER_OF_NODE, START, House

from meterhouse.metering.meters import CPU_TIME, POWER
from meterhouse.metering.periods import Period
from meterhouse.metering.samples import Columns, Series
from meterhouse.store import reading, sealing
from meterhouse.store.statistics import statistics

pytestmark = pytest.mark.django_db
DAYS = Period.from_ms(START, START + DAY)


def queries(work: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        work()
    return len(captured)


def test_series_are_found_by_resource_and_meter_in_order(house: House) -> None:
    house.tell([(1000, 1)], resource="osl/b")
    house.tell([(2000, 1)], resource="osl/a", meter=CPU_TIME)
    house.tell([(3000, 1)], resource="osl/a")
    names = [(one.series.resource, one.series.meter) for one in reading.find()]
    assert names == [("osl/a", "cpu.time"), ("osl/a", "power"), ("osl/b", "power")]
    assert [one.series.meter for one in reading.find(resource="osl/a")] == ["cpu.time", "power"]
    assert [one.series.resource for one in reading.find(meter="power")] == ["osl/a", "osl/b"]
    (one,) = reading.find("osl/b", "power")
    assert (one.first_ms, one.last_ms) == (START + 1000, START + 1000)
    assert reading.find("osl/c") == []


def test_a_series_reaches_from_its_first_reading_to_its_last(house: House) -> None:
    house.tell([(5000, 1), (9000, 2)])
    sealing.seal(START + DAY)
    for at, ends in ((7000, (5000, 9000)), (2000, (2000, 9000)), (HOUR, (2000, HOUR))):
        house.tell([(at, 3)])
        (one,) = reading.find()
        assert (one.first_ms - START, one.last_ms - START) == ends


def test_the_extent_of_some_meters_holds_all_that_was_read_of_them(house: House) -> None:
    assert reading.extent(["power"]) is None
    house.tell([(5 * HOUR + 1, 1), (9 * HOUR, 2)])
    for _ in range(2):
        extent = reading.extent(["power"])
        assert extent is not None
        assert extent.start_ms == START + 5 * HOUR
        assert START + 9 * HOUR + HOLD < extent.end_ms <= START + 9 * HOUR + 2 * DAY
        assert extent.start_ms % HOUR == extent.end_ms % HOUR == 0
        sealing.seal(START + 20 * DAY)
    assert reading.extent(["cpu.time"]) is None


def test_an_unknown_series_has_no_readings(house: House) -> None:
    nobody = Series("osl/nobody", "power", HOLD)
    assert len(reading.read(nobody, DAYS)) == 0
    found = reading.buckets(nobody, DAYS, timedelta(hours=6))
    assert found.covered_ms.tolist() == [0] * 4
    assert reading.integrals([("osl/nobody", START, START + DAY)], "power").covered_ms[0] == 0
    assert reading.latest(["osl/nobody"]) == []


def test_a_period_without_length_has_no_buckets(house: House) -> None:
    house.tell([(0, 1)])
    assert len(reading.buckets(POWER_OF_NODE, Period.from_ms(START, START), timedelta(1))) == 0


def test_a_series_is_asked_for_as_it_was_found_or_by_name(house: House) -> None:
    house.tell([(0, 1), (1000, 2)])
    (stored,) = reading.find()
    by_name = reading.read(Series(NODE, "power", 1), DAYS)
    assert reading.read(stored, DAYS).value.tolist() == by_name.value.tolist() == [1, 2]


def test_buckets_begin_on_whole_widths_and_are_cut_to_the_period(house: House) -> None:
    house.tell([(0, 100)])
    period = Period.from_ms(START + 1000, START + 150 * 1000)
    found = reading.buckets(POWER_OF_NODE, period, timedelta(minutes=1))
    assert (found.start - START).tolist() == [1000, 60_000, 120_000]
    assert found.covered_ms.tolist() == [HOLD - 1000, 0, 0]
    assert found.count.tolist() == [0, 0, 0]  # the reading was taken before
    assert found.mean[0] == found.minimum[0] == found.maximum[0] == 100
    assert np.isnan(found.mean[1:]).all()


def test_the_mean_is_weighted_by_how_long_readings_stood(house: House) -> None:
    house.tell([(0, 100), (4000, 200)], hold_ms=4000)
    house.tell([(5000, 300)], hold_ms=4000)
    found = reading.buckets(
        POWER_OF_NODE, Period.from_ms(START, START + MINUTE), timedelta(minutes=1)
    )
    assert found.mean.tolist() == pytest.approx([(100 * 4 + 200 * 1 + 300 * 4) / 9])


def test_spans_come_back_in_the_order_they_were_asked_for(house: House) -> None:
    for number in range(5):
        house.tell([(at * 1000, 100 * number) for at in range(60)], resource=f"osl/{number}")
    sealing.seal(START + DAY)
    wanted = [(f"osl/{n}", START, START + MINUTE) for n in (3, 1, 9, 4, 1)]
    wanted += [("osl/2", START, START), ("osl/2", START + 5000, START + 7500)]
    found = reading.integrals(wanted, "power")
    assert found.integral.tolist() == [18_000, 6000, 0, 24_000, 6000, 0, 500]
    assert found.covered_ms.tolist() == [60_000, 60_000, 0, 60_000, 60_000, 0, 2500]


def test_many_spans_take_few_queries(house: House) -> None:
    n, at = 300, np.arange(0, 3 * HOUR, 10 * MINUTE, dtype=np.int64)
    series = tuple(Series(f"osl/{number:03}", "power", 15 * MINUTE) for number in range(n))
    for moment in at:
        moments = np.full(n, START + moment)
        house.send(Columns(series, np.arange(n, dtype=np.uint32), moments, np.ones(n)))
    sealing.seal(START + DAY)
    spans = [
        (one.resource, START + first * 1237, START + 2 * HOUR + first * 1237)
        for one in series
        for first in range(3)
    ]
    few = queries(lambda: reading.integrals(spans[:3], "power"))
    many = queries(lambda: reading.integrals(spans, "power"))
    assert few == many <= 8
    found = reading.integrals(spans, "power")
    assert found.integral.tolist() == [7200] * len(spans)


def test_newest_readings_as_columns_are_the_latest_sealed_or_not(house: House) -> None:
    assert len(reading.newest("power")) == 0
    house.tell([(0, 1), (5000, 2)], resource="osl/sealed")
    house.tell([(0, 3), (5000, 4)], resource="osl/late")
    house.tell([(0, 5)], resource="osl/both")
    sealing.seal(START + DAY)
    house.tell([(1000, 6)], resource="osl/late")
    house.tell([(9000, 7), (9500, 8)], resource="osl/both")
    house.tell([(7000, 9), (6000, 10)], resource="osl/fresh")
    house.tell([(9500, 11)], resource="osl/both")  # of one moment the last recorded
    house.tell([(9000, 12)], resource="osl/sealed", meter=CPU_TIME)
    found = reading.newest("power")
    columns = zip(found.resources, found.at.tolist(), found.value.tolist(), strict=True)
    latest = [one for one in reading.latest() if one.series.meter == "power"]
    assert sorted(columns) == [(one.series.resource, one.at_ms, one.value) for one in latest]
    assert [one.value for one in latest] == [11, 9, 4, 2]
    assert found.of({"osl/fresh", "osl/nobody"}).value.tolist() == [9]
    assert sorted(found.standing(START + 6999 + HOLD).tolist()) == [9, 11]


def test_the_latest_of_many_takes_few_queries(house: House) -> None:
    n = 300
    series = tuple(Series(f"osl/{number:03}", "power", HOLD) for number in range(n))
    for second in range(30):
        moments = np.full(n, START + second * 1000)
        values = np.full(n, float(second))
        house.send(Columns(series, np.arange(n, dtype=np.uint32), moments, values))
    assert queries(reading.latest) <= 5
    assert [one.value for one in reading.latest()] == [29] * n
    house.tell([(5000, 7)], resource="osl/000")  # late: not the latest
    house.tell([(29_000, 8)], resource="osl/001")  # corrected
    assert [one.value for one in reading.latest(["osl/000", "osl/001"])] == [29, 8]


def test_statistics_count_what_there_is(house: House) -> None:
    house.tell([(at * 1000, 1) for at in range(100)])
    waiting = statistics()
    assert (waiting.series, waiting.samples, waiting.waiting, waiting.heads) == (1, 100, 100, 1)
    assert waiting.bytes_per_sample is None
    sealing.seal(START + DAY)
    sealed = statistics()
    assert (sealed.samples, sealed.waiting, sealed.heads, sealed.batches) == (100, 0, 0, 1)
    assert sealed.bytes_per_sample is not None
    assert 0 < sealed.bytes_per_sample < 1


def test_tables_lie_as_they_should() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'")
            assert not {"store_head", "store_block"} & {name for (name,) in cursor.fetchall()}
        else:
            cursor.execute(
                "SELECT COUNT(*) FROM pg_attribute WHERE attstorage = 'e' AND attrelid IN"
                " ('store_head'::regclass, 'store_block'::regclass)"
            )
            assert cursor.fetchone() == (4,)


def test_every_meter_is_read_by_its_kind(house: House) -> None:
    house.tell([(0, 10), (1000, 15)], meter=POWER)
    house.tell([(0, 10), (1000, 15)], meter=CPU_TIME)
    period, width = Period.from_ms(START, START + MINUTE), timedelta(minutes=1)
    grown = {
        one.series.meter: float(reading.buckets(one, period, width).increase[0])
        for one in reading.find()
    }
    assert grown == {"power": 0, "cpu.time": 5}


@pytest.mark.parametrize("now_s", [0, 3, 9, 10, 4000, 7300])
@pytest.mark.parametrize("sealed", [(), (1,), (1, 2), (2,), (1, 2, 3)])
def test_what_lies_in_the_future_is_not_the_newest_and_does_not_stand(
    house: House, sealed: tuple[int, ...], now_s: int
) -> None:
    """sealed: after which of the batches."""
    batches = ([(0, 1.0), (2000, 2.0)], [(HOUR, 3.0), (2 * HOUR, 4.0)], [(9000, 5.0)])
    for number, batch in enumerate(batches, 1):
        house.tell(batch)
        if number in sealed:
            sealing.seal(START + DAY)
    now_ms = START + now_s * 1000
    told = {at: value for batch in batches for at, value in batch}
    newest = max(at for at in told if at <= now_s * 1000 + 5000)
    (one,) = reading.latest([NODE], now_ms=now_ms)
    levels = reading.newest("power", now_ms=now_ms)
    assert (one.at_ms, one.value) == (START + newest, told[newest])
    assert (levels.at.tolist(), levels.value.tolist()) == ([START + newest], [told[newest]])
    stands = now_s * 1000 - newest < HOLD
    assert one.stands(now_ms) == bool(levels.stands(now_ms)[0]) == stands
    # Without a moment it is the newest of all; and still it does not stand.
    (last,) = reading.latest([NODE])
    assert last.at_ms == START + 2 * HOUR
    assert last.stands(now_ms) == (now_s == 7200)


def test_a_series_with_nothing_but_a_future_has_no_newest_reading(house: House) -> None:
    house.tell([(HOUR, 3.0)])
    for _ in range(2):
        assert reading.latest([NODE], now_ms=START) == []
        assert len(reading.newest("power", now_ms=START)) == 0
        sealing.seal(START + DAY)
