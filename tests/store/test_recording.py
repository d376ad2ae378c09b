"""The recorder: each batch exactly once, and nothing that is not to be believed."""

from datetime import timedelta

import numpy as np
import pytest
from tests.conftest import NOON

from meterhouse.metering.batches import Batch, Position
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import POWER
from meterhouse.metering.periods import Period, to_ms
from meterhouse.metering.samples import Columns, Sample, Series
from meterhouse.store import reading
from meterhouse.store.recorder import Gap, Outcome, Recorder

pytestmark = pytest.mark.django_db
START = to_ms(NOON)
HOUR = Period(NOON, NOON + timedelta(hours=1))


def batch(sequence: int, watts: list[float], *, epoch: int = 1, resource: str = "osl/n1") -> Batch:
    first = START + sequence * 10_000
    samples = [Sample(POWER, resource, w, first + i * 1000) for i, w in enumerate(watts)]
    columns = Columns.of(samples, hold_ms=5000)
    return Batch(publisher="alice", epoch=epoch, sequence=sequence, sent_ms=first, samples=columns)


@pytest.fixture
def recorder(clock: FixedClock) -> Recorder:
    return Recorder(lambda snapshots: None, clock=clock)


def test_what_was_recorded_is_read(recorder: Recorder) -> None:
    assert recorder.record(batch(1, [100.5, 101])) is Outcome.RECORDED
    found = reading.read(Series("osl/n1", "power", 5000), HOUR)
    assert found.value.tolist() == [100.5, 101]
    assert recorder.positions() == {"alice": Position(1, 1)}


def test_a_repeated_batch_changes_nothing(recorder: Recorder) -> None:
    recorder.record(batch(1, [100.5, 101]))
    assert recorder.record(batch(1, [7, 7])) is Outcome.REPEATED
    assert reading.read(Series("osl/n1", "power", 5000), HOUR).value.tolist() == [100.5, 101]


def test_a_missing_batch_is_asked_for(recorder: Recorder) -> None:
    recorder.record(batch(1, [1]))
    with pytest.raises(Gap) as caught:
        recorder.record(batch(3, [3]))
    assert (caught.value.publisher, caught.value.epoch, caught.value.expected) == ("alice", 1, 2)


def test_a_reading_stands_until_the_next_one_or_its_hold(recorder: Recorder) -> None:
    recorder.record(batch(1, [100, 200]))
    result = reading.integrals([("osl/n1", START, START + 3_600_000)], "power")
    assert result.integral.tolist() == [100 * 1 + 200 * 5]
    assert result.covered_ms.tolist() == [6000]
    five = reading.buckets(Series("osl/n1", "power", 5000), HOUR, timedelta(minutes=5))
    assert len(five) == 12
    assert five.count.tolist() == [2] + [0] * 11
    assert five.mean[0] == pytest.approx(1100 / 6)
    assert np.isnan(five.mean[1:]).all()
    assert [(one.at_ms, one.value) for one in reading.latest()] == [(START + 11_000, 200)]
