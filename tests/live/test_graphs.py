"""Series as graphs: few points, true ones, and nothing over gaps."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import NOON

from meterhouse.live import graphs
from meterhouse.live.graphs import Graph, bucket_width, clipped, graph
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import CPU_TIME, POWER, Meter
from meterhouse.metering.periods import Period, to_ms
from meterhouse.metering.samples import Columns, Sample
from meterhouse.store import reading, retention, sealing
from meterhouse.store.reading import Stored
from meterhouse.store.recorder import Recorder

HOLD_MS = 15_000
START = to_ms(NOON)


def recorded(meter: Meter, points: list[tuple[int, float]]) -> Stored:
    """A series of (seconds after noon, value)."""
    samples = [Sample(meter, "osl/n1", value, START + at * 1000) for at, value in points]
    columns = Columns.of(samples, hold_ms=HOLD_MS)
    batch = Batch(publisher="osl", epoch=1, sequence=1, sent_ms=START, samples=columns)
    Recorder(lambda _: None, clock=FixedClock(NOON + timedelta(days=2))).record(batch)
    return reading.find("osl/n1", meter.name)[0]


def period(seconds: int, after: int = 0) -> Period:
    start = NOON + timedelta(seconds=after)
    return Period(start, start + timedelta(seconds=seconds))


def drawn(found: Graph) -> list[tuple[float, float | None]]:
    """(seconds after noon, average)."""
    return [
        (at - START / 1000, None if np.isnan(value) else round(value, 9))
        for at, value in zip(found.at.tolist(), found.average.tolist(), strict=True)
    ]


@pytest.mark.django_db
def test_few_readings_are_drawn_as_they_are() -> None:
    found = graph(recorded(POWER, [(0, 100.0), (5, 110.0), (10, 90.0)]), period(25), 1000)
    assert found.width_ms == 0
    assert drawn(found) == [(0, 100.0), (5, 110.0), (10, 90.0)]


@pytest.mark.django_db
def test_the_line_stops_where_a_reading_no_longer_stands() -> None:
    found = graph(recorded(POWER, [(0, 100.0), (5, 110.0), (60, 90.0)]), period(120), 1000)
    assert drawn(found) == [(0, 100.0), (5, 110.0), (20, None), (60, 90.0), (75, None)]


@pytest.mark.django_db
def test_what_only_grows_is_drawn_as_its_rate() -> None:
    found = graph(recorded(CPU_TIME, [(0, 10.0), (5, 15.0), (10, 16.0)]), period(25), 1000)
    assert (found.unit, found.is_rate) == ("CPUs", True)
    assert drawn(found) == [(5, 1.0), (10, 0.2)]


@pytest.mark.django_db
def test_a_counter_that_restarts_counts_from_zero() -> None:
    found = graph(recorded(CPU_TIME, [(0, 100.0), (5, 2.5), (10, 5.0)]), period(25), 1000)
    assert drawn(found) == [(5, 0.5), (10, 0.5)]


@pytest.mark.django_db
def test_a_rate_over_a_gap_is_not_known() -> None:
    found = graph(
        recorded(CPU_TIME, [(0, 1.0), (5, 2.0), (100, 50.0), (105, 51.0)]), period(200), 900
    )
    assert drawn(found) == [
        (5, 0.2),
        (20, None),
        (100, None),
        (105, 0.2),
        (120, None),
    ]


@pytest.mark.django_db
def test_the_rate_at_the_left_edge_knows_the_reading_before() -> None:
    found = graph(recorded(CPU_TIME, [(0, 1.0), (5, 2.0), (10, 4.0)]), period(20, after=4), 900)
    assert drawn(found) == [(5, 0.2), (10, 0.4)]


@pytest.mark.django_db
def test_many_readings_become_buckets_with_least_average_and_greatest() -> None:
    points = [(at, 100.0 + (at // 5) % 2) for at in range(0, 86_400, 5)]
    found = graph(recorded(POWER, points), period(86_400), 1000)
    assert found.width_ms == 300_000
    assert len(found.at) == 288
    assert set(found.minimum.tolist()) == {100.0}
    assert set(found.maximum.tolist()) == {101.0}
    assert found.average == pytest.approx(np.full(288, 100.5))


@pytest.mark.django_db
def test_buckets_of_what_only_grows_are_rates() -> None:
    points = [(at, at / 4) for at in range(0, 86_400, 5)]
    found = graph(recorded(CPU_TIME, points), period(86_400), 1000)
    assert found.width_ms > 0
    assert found.average == pytest.approx(np.full(len(found.at), 0.25))


@pytest.mark.django_db
def test_nothing_was_read_is_no_line() -> None:
    found = graph(recorded(POWER, [(0, 1.0)]), period(60, after=3600), 1000)
    assert drawn(found) == []


@given(
    seconds=st.integers(1, 10 * 366 * 86_400),
    width_px=st.integers(1, 4000),
    hold_ms=st.integers(1000, 86_400_000),
)
def test_there_are_never_more_points_than_the_screen_shows(
    seconds: int, width_px: int, hold_ms: int
) -> None:
    width = bucket_width(period(seconds), width_px, hold_ms)
    assert seconds / width.total_seconds() <= max(width_px / graphs.PIXELS_A_POINT, 50)
    assert width.total_seconds() * 1000 >= hold_ms


@pytest.mark.django_db
def test_what_lies_outside_somebodys_time_is_left_out() -> None:
    found = graph(recorded(POWER, [(0, 1.0), (5, 2.0), (10, 3.0), (15, 4.0)]), period(30), 1000)
    mine = clipped(found, [(START + 5000, START + 15_000)])
    assert drawn(mine) == [(0, None), (5, 2.0), (10, 3.0), (15, None)]


@pytest.mark.django_db
def test_a_bucket_that_is_only_partly_somebodys_is_left_out() -> None:
    points = [(at, 100.0) for at in range(0, 86_400, 5)]
    found = graph(recorded(POWER, points), period(86_400), 1000)
    mine = clipped(found, [(START + 150_000, START + 900_000)])
    shown = [at for at, value in drawn(mine) if value is not None]
    assert shown == [300.0, 600.0]


@pytest.mark.django_db
def test_an_hour_whose_readings_are_thrown_away_is_drawn_from_what_is_left() -> None:
    recorded(POWER, [(at, 100.0) for at in range(0, 7200, 10)])
    now_ms = to_ms(NOON + timedelta(days=40))
    sealing.seal(now_ms)
    retention.prune(now_ms)
    (series,) = reading.find("osl/n1", POWER.name)
    shown = drawn(graph(series, period(600, after=1800), 1000))
    assert len(shown) > 30
    assert {value for _, value in shown} == {100.0}
