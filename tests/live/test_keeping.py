"""Energy counted from the real store, and kept over restarts and what the store throws away."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.conftest import NOON
from tests.live.boards import HOLD_MS, T0, Reading, batch, both, counter

from meterhouse.live.board import Board
from meterhouse.live.counting import Base, counted
from meterhouse.live.keeping import Keeping
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import FixedClock
from meterhouse.store import retention, sealing
from meterhouse.store.bringing import bring
from meterhouse.store.past import Past
from meterhouse.store.recorder import Recorder

pytestmark = pytest.mark.django_db
DAY_S = 86_400
Asserted = Callable[[int], Any]

Told = Callable[[int, int], Batch]
"""What a probe of 100 W says: number of the batch - 1, second."""


def batch_of_power(number: int, second: int) -> Batch:
    return batch(number + 1, ("a", second, 100))


def both_meters(number: int, second: int) -> Batch:
    return both(number + 1, "a", second, 100, 5000 + 100 * number)


def the_counter(number: int, second: int) -> Batch:
    return counter(number + 1, "a", second, 5000 + 100 * number)


class Site:
    """A board, the real store, and what is kept of the one beside the other."""

    def __init__(self) -> None:
        self.clock = FixedClock(NOON + timedelta(minutes=1))
        self.recorder = Recorder(lambda snapshots: None, clock=self.clock)
        self.begin()

    def begin(self) -> None:
        """As after a restart."""
        self.board, self.keeping = Board(self.clock), Keeping()
        self.board.restore(self.keeping.load())

    def happens(self, sequence: int, *readings: Reading) -> None:
        self.publish(batch(sequence, *readings))

    def publish(self, one: Batch) -> None:
        self.recorder.record(one)
        self.board.hear(one)
        self.board.recorded(one)

    def count(self) -> None:
        self.board.take_stale()
        self.board.adopt(counted(None, self.keeping.bases, self.clock.now_ms()))

    def joules(self, resource: str) -> float:
        slot = self.board.slot_of(resource)
        assert slot is not None
        return float(self.board.shown[slot])


@pytest.fixture
def site() -> Site:
    return Site()


def test_the_board_shows_what_the_store_adds_up_to(site: Site) -> None:
    for second in range(0, 60, 2):
        site.happens(second + 1 - second // 2, ("a", second, 100), ("b", second, 7))
    before = site.joules("a"), site.joules("b")
    assert before == (5800, 58 * 7)
    site.count()
    assert (site.joules("a"), site.joules("b")) == pytest.approx(before)


def test_what_was_written_down_is_shown_at_once_after_a_restart(site: Site) -> None:
    site.happens(1, ("a", 0, 100), ("a", 2, 50))
    site.keeping.write(*site.keeping.due(site.board))
    site.begin()
    assert site.joules("a") == 200
    assert site.board.has_stale


def test_what_was_not_written_down_is_counted_and_nothing_twice(site: Site) -> None:
    site.happens(1, ("a", 0, 100), ("a", 2, 100))
    site.keeping.write(*site.keeping.due(site.board))
    site.happens(2, ("a", 4, 100))
    site.begin()
    site.count()
    assert site.joules("a") == 400
    site.count()
    assert site.joules("a") == 400


def test_only_what_changed_is_written_again(site: Site) -> None:
    site.happens(1, ("a", 0, 1), ("b", 0, 1))
    version, rows = site.keeping.due(site.board)
    assert [row.resource for row in rows] == ["a", "b"]
    site.keeping.write(version, rows)
    site.happens(2, ("b", 1, 1))
    assert [row.resource for row in site.keeping.due(site.board)[1]] == ["b"]


def test_energy_stays_when_the_store_throws_away_what_it_came_from(site: Site) -> None:
    site.happens(1, ("a", 0, 100), ("a", 2, 100))
    day = timedelta(days=1)
    site.clock.move(40 * day)
    site.happens(2, ("a", 40 * DAY_S, 100), ("a", 40 * DAY_S + 1, 100))
    policy = retention.Policy(30 * day, 30 * day, 30 * day)
    for _ in range(2):
        sealing.seal(site.clock.now_ms())
        site.clock.move(timedelta(hours=3))
    retention.prune(site.clock.now_ms(), policy)
    site.keeping.move_on()
    first_hour = site.keeping.bases["a"]
    assert first_hour.ms > T0
    site.keeping.write(*site.keeping.due(site.board))
    retention.prune(site.clock.now_ms(), policy)
    shown = site.joules("a")
    site.begin()
    assert site.keeping.bases["a"] == first_hour
    site.count()
    assert site.joules("a") == shown == 200 + 100 * HOLD_MS / 1000 + 100


def test_a_clock_that_was_ahead_does_not_count_what_has_not_come(site: Site) -> None:
    site.happens(1, ("a", 0, 100), ("a", 7200, 100))
    site.clock.move(timedelta(seconds=2))
    site.happens(2, ("a", 2, 50))
    site.count()
    slot = site.board.slot_of("a")
    assert site.joules("a") == 100 * 2
    assert site.board.at[slot] == T0 + 2000
    assert site.board.watts[slot] == 50


@pytest.mark.parametrize("ahead_s", [3600, 80_000])
@pytest.mark.parametrize("usual", [batch_of_power, both_meters])
@pytest.mark.parametrize("once", [batch_of_power, both_meters, the_counter])
def test_energy_goes_on_after_a_clock_was_ahead_once(
    site: Site, ahead_s: int, usual: Told, once: Told
) -> None:
    """100 W all the time: after each second and each count the next hundred joules are shown."""
    for second in range(10):
        site.publish(usual(second, second))
    site.publish(once(10, 10 + ahead_s))
    for second in range(11, 70):
        site.clock.at = NOON + timedelta(seconds=second)
        site.publish(usual(second, second))
        if second > 12:
            assert site.joules("a") == pytest.approx(100 * second, abs=200)
        if second % 5 == 0:
            site.count()


def test_a_probe_with_nothing_but_a_future_is_left_alone(site: Site) -> None:
    site.happens(1, ("a", 7200, 100))
    assert counted(None, {"a": Base()}, T0) == []


def test_an_energy_counter_is_counted_from_the_store_as_it_was_shown(site: Site) -> None:
    site.publish(batch(1, ("a", 0, 100), ("a", 1, 100)))
    for second in range(2, 30):
        site.publish(both(second, "a", second, 100, 5000 + 150 * second))
    site.publish(batch(30, ("a", 30, 100), ("a", 31, 100)))
    shown = site.joules("a")
    assert shown == 200 + 27 * 150 + 200
    site.count()
    slot = site.board.slot_of("a")
    assert site.board._anchor[slot] + site.board._since[slot] == pytest.approx(shown)
    site.begin()
    site.count()
    assert site.joules("a") == pytest.approx(shown)
    site.publish(both(31, "a", 32, 100, 5000 + 150 * 32))
    assert site.joules("a") == pytest.approx(200 + 30 * 150)


def test_few_queries_whatever_the_number_of_probes(
    site: Site, django_assert_max_num_queries: Asserted
) -> None:
    site.publish(batch(1, *((f"probe-{n}", second, 1) for n in range(100) for second in (0, 1))))
    with django_assert_max_num_queries(20):
        assert len(counted(None, {}, site.clock.now_ms())) == 100


def test_history_that_was_brought_along_is_not_counted(site: Site) -> None:
    site.happens(1, ("a", 0, 100), ("a", 2, 100))
    site.count()
    shown = site.joules("a")
    start = np.array([T0 - 5 * DAY_S * 1000], np.int64)
    end = np.array([T0 + 60_000], np.int64)
    past = Past(start, end, end - start, np.array([1e5]))
    policy = retention.Policy()
    done = bring("a", "power", past, now_ms=site.clock.now_ms(), policy=policy)
    assert done.integral > 4 * DAY_S * 1e5
    site.count()
    site.begin()
    site.count()
    assert site.joules("a") == shown == 200
    site.keeping.move_on()
    assert site.keeping.bases.get("a", Base()).joules == 0
    site.happens(2, ("a", 4, 100))
    assert site.joules("a") == 400
