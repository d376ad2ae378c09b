"""The recorder: each batch exactly once, and nothing that is not to be believed."""

import math
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from django.db import DatabaseError, connection, transaction
from tests.conftest import NOON
from tests.store.conftest import HOLD, HOUR, NODE, POWER_OF_NODE, START, House

from meterhouse.metering.batches import Batch, Position
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import POWER
from meterhouse.metering.periods import Period
from meterhouse.metering.samples import Columns, Sample, Series
from meterhouse.metering.snapshots import Snapshot
from meterhouse.store import reading
from meterhouse.store.recorder import Gap, Outcome, Recorder
from meterhouse.store.screening import Reason
from meterhouse.store.statistics import statistics

ALL = Period.from_ms(0, START + 1000 * HOUR)
SNAPSHOT = Snapshot(source="osl", kind="node", at_ms=START, complete=True, objects=())


def batch(
    sequence: int,
    watts: Sequence[float],
    *,
    epoch: int = 1,
    publisher: str = "alice",
    series: tuple[Series, ...] = (POWER_OF_NODE,),
    snapshots: tuple[Snapshot, ...] = (),
) -> Batch:
    first, n = START + sequence * 10_000, len(watts)
    at = first + 1000 * np.arange(n, dtype=np.int64)
    columns = Columns(series, np.zeros(n, np.uint32), at, np.array(watts, np.float64))
    return Batch(
        publisher=publisher,
        epoch=epoch,
        sequence=sequence,
        sent_ms=first,
        samples=columns,
        snapshots=snapshots,
    )


def values(series: Series = POWER_OF_NODE) -> list[float]:
    return [float(value) for value in reading.read(series, ALL).value]


@pytest.fixture
def recorder(clock: FixedClock) -> Recorder:
    return Recorder(lambda _: None, clock=clock)


@pytest.mark.django_db
class TestPositions:
    def test_what_was_recorded_is_read(self, recorder: Recorder) -> None:
        assert recorder.record(batch(1, [100.5, 101])) is Outcome.RECORDED
        assert values() == [100.5, 101]
        assert recorder.positions() == {"alice": Position(1, 1)}

    def test_a_repeated_batch_changes_nothing(self, recorder: Recorder) -> None:
        recorder.record(batch(1, [100.5, 101]))
        before = statistics()
        assert recorder.record(batch(1, [7, 7])) is Outcome.REPEATED
        assert values() == [100.5, 101]
        assert statistics() == before

    def test_a_missing_batch_is_asked_for(self, recorder: Recorder) -> None:
        recorder.record(batch(1, [1]))
        with pytest.raises(Gap, match="alice, epoch 1: batch 2 is missing") as caught:
            recorder.record(batch(3, [3]))
        assert (caught.value.publisher, caught.value.epoch, caught.value.expected) == (
            "alice",
            1,
            2,
        )
        assert values() == [1]

    def test_a_new_publisher_begins_at_one(self, recorder: Recorder) -> None:
        with pytest.raises(Gap) as caught:
            recorder.record(batch(2, [3]))
        assert caught.value.expected == 1
        assert recorder.positions() == {}

    def test_a_new_journal_begins_at_one_again(self, recorder: Recorder) -> None:
        recorder.record(batch(1, [1]))
        recorder.record(batch(2, [2]))
        with pytest.raises(Gap) as caught:
            recorder.record(batch(2, [9], epoch=5))
        assert (caught.value.epoch, caught.value.expected) == (5, 1)
        assert recorder.record(batch(1, [9], epoch=5)) is Outcome.RECORDED
        assert recorder.positions() == {"alice": Position(5, 1)}

    def test_a_journal_that_was_given_up_is_refused_and_counted(self, recorder: Recorder) -> None:
        recorder.record(batch(1, [1], epoch=5))
        assert recorder.record(batch(2, [2, 3], epoch=4)) is Outcome.REPEATED
        assert statistics().refused == {Reason.GIVEN_UP: 2}
        assert values() == [1]

    def test_publishers_are_counted_apart(self, recorder: Recorder) -> None:
        recorder.record(batch(1, [1]))
        recorder.record(batch(1, [2], publisher="bob"))
        assert recorder.positions() == {"alice": Position(1, 1), "bob": Position(1, 1)}

    def test_a_batch_without_samples_moves_the_position(self, recorder: Recorder) -> None:
        recorder.record(batch(1, []))
        assert recorder.positions() == {"alice": Position(1, 1)}
        assert statistics().heads == 0


@pytest.mark.django_db
class TestLosses:
    def test_a_loss_is_counted_and_recording_goes_on_after_it(self, recorder: Recorder) -> None:
        recorder.record(batch(1, [1]))
        recorder.lose("alice", 1, 2, 4)
        assert recorder.record(batch(5, [5])) is Outcome.RECORDED
        (loss,) = statistics().losses
        assert (loss.publisher, loss.epoch, loss.first, loss.last) == ("alice", 1, 2, 4)

    def test_a_loss_that_is_told_again_counts_once(self, recorder: Recorder) -> None:
        recorder.lose("alice", 1, 1, 3)
        recorder.lose("alice", 1, 1, 3)
        recorder.lose("alice", 1, 2, 5)
        assert [(one.first, one.last) for one in statistics().losses] == [(1, 3), (4, 5)]
        assert recorder.positions() == {"alice": Position(1, 5)}

    def test_a_loss_in_a_journal_that_was_given_up_changes_nothing(
        self, recorder: Recorder
    ) -> None:
        recorder.record(batch(1, [1], epoch=5))
        recorder.lose("alice", 4, 1, 3)
        assert statistics().losses == ()
        assert recorder.positions() == {"alice": Position(5, 1)}


@pytest.mark.django_db
class TestRefusals:
    def test_what_cannot_be_is_left_out_and_counted_by_reason(self, recorder: Recorder) -> None:
        series = (POWER_OF_NODE, Series(NODE, "mood", HOLD))
        at = [START, START + 1, 0, START + 48 * HOUR, START + 2, START + 3, START + 4]
        told = Columns(
            series,
            np.array([0, 0, 0, 0, 1, 0, 0], np.uint32),
            np.array(at, np.int64),
            np.array([1, math.nan, 2, 3, 4, math.inf, 5.5]),
        )
        one = Batch(publisher="alice", epoch=1, sequence=1, sent_ms=START, samples=told)
        assert recorder.record(one) is Outcome.RECORDED
        assert values() == [1, 5.5]
        assert statistics().refused == {
            Reason.NOT_FINITE: 2,
            Reason.TOO_EARLY: 1,
            Reason.TOO_LATE: 1,
            Reason.NO_METER: 1,
        }
        assert [one.series for one in reading.find()] == [POWER_OF_NODE]

    def test_a_batch_of_which_nothing_is_believed_is_recorded(self, recorder: Recorder) -> None:
        assert recorder.record(batch(1, [math.nan])) is Outcome.RECORDED
        assert recorder.positions() == {"alice": Position(1, 1)}
        assert reading.find() == []

    @pytest.mark.parametrize("value", [1e201, -1e201, 1e308])
    def test_values_whose_sums_would_overflow_are_refused(
        self, recorder: Recorder, value: float
    ) -> None:
        recorder.record(batch(1, [value, value, 1]))
        assert values() == [1]


@pytest.mark.django_db
def test_snapshots_are_kept_in_order(clock: FixedClock) -> None:
    kept: list[Snapshot] = []
    Recorder(kept.extend, clock=clock).record(batch(1, [1], snapshots=(SNAPSHOT,)))
    assert kept == [SNAPSHOT]


@pytest.mark.django_db
def test_a_changed_hold_holds_for_the_series(recorder: Recorder) -> None:
    recorder.record(batch(1, [1]))
    recorder.record(batch(2, [2], series=(POWER_OF_NODE._replace(hold_ms=9000),)))
    assert [one.series.hold_ms for one in reading.find()] == [9000]


@pytest.mark.django_db
def test_one_batch_may_name_a_series_with_two_holds(house: House) -> None:
    both = [
        Columns.of([Sample(POWER, NODE, watts, START + at)], hold_ms=hold)
        for watts, at, hold in ((1.0, 0, 3000), (2.0, 1000, 9000))
    ]
    house.send(Columns.join(both))
    assert values() == [1, 2]
    assert len(reading.find()) == 1


@pytest.mark.django_db(transaction=True)
class TestTransactions:
    """With real transactions: the way of a batch that holds nothing new is shorter."""

    def test_batch_after_batch_is_recorded(self, recorder: Recorder) -> None:
        series = (POWER_OF_NODE,)
        for sequence in range(1, 5):
            one = batch(sequence, [sequence], series=series)
            assert recorder.record(one) is Outcome.RECORDED
            assert recorder.record(one) is Outcome.REPEATED
        assert values() == [1, 2, 3, 4]
        with pytest.raises(Gap):
            recorder.record(batch(6, [6], series=series))
        assert recorder.record(batch(5, [math.nan, 5], series=series)) is Outcome.RECORDED
        assert values() == [1, 2, 3, 4, 5]

    def test_nothing_of_a_batch_stays_when_its_snapshots_cannot_be_kept(
        self, clock: FixedClock
    ) -> None:
        troubles = [RuntimeError("the inventory is unwell")]

        def keep(_: Sequence[Snapshot]) -> None:
            if troubles:
                raise troubles.pop()

        recorder, series = Recorder(keep, clock=clock), (POWER_OF_NODE,)
        first = batch(1, [1], series=series, snapshots=(SNAPSHOT,))
        with pytest.raises(RuntimeError):
            recorder.record(first)
        assert recorder.positions() == {}
        assert reading.find() == []
        # The series was made and unmade: its id must not be remembered.
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO store_series (resource, meter, hold_ms, folded_ms, pruned_ms,"
                " minutes_pruned_ms) VALUES ('osl/other', 'power', 5000, 0, 0, 0)"
            )
        assert recorder.record(first) is Outcome.RECORDED
        assert recorder.record(batch(2, [2], series=series)) is Outcome.RECORDED
        assert values() == [1, 2]

    def test_a_batch_inside_a_transaction_of_the_callers_goes_with_it(
        self, recorder: Recorder
    ) -> None:
        series = (POWER_OF_NODE,)
        recorder.record(batch(1, [1], series=series))
        with transaction.atomic():
            recorder.record(batch(2, [2], series=series))
            transaction.set_rollback(True)
        assert values() == [1]
        assert recorder.record(batch(2, [2], series=series)) is Outcome.RECORDED

    def test_a_failed_write_leaves_the_connection_usable(self, recorder: Recorder) -> None:
        series = (POWER_OF_NODE,)
        recorder.record(batch(1, [1], series=series))
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE store_head RENAME TO store_head_away")
        try:
            with pytest.raises(DatabaseError):
                recorder.record(batch(2, [2], series=series))
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE store_head_away RENAME TO store_head")
        assert recorder.positions() == {"alice": Position(1, 1)}
        assert recorder.record(batch(2, [2], series=series)) is Outcome.RECORDED
        assert values() == [1, 2]


@pytest.mark.django_db
def test_the_recorder_reads_its_clock(clock: FixedClock) -> None:
    recorder = Recorder(lambda _: None, clock=clock)
    clock.move(timedelta(days=-2))
    recorder.record(batch(1, [1]))
    assert statistics().refused == {Reason.TOO_LATE: 1}
    clock.move(timedelta(days=2))
    assert clock.now() == NOON
    recorder.record(batch(2, [2]))
    assert values() == [2]
