"""Running energy is what the store would count, however the readings come; and it never falls."""

import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.live.boards import HOLD_MS, T0, Reading, Site, batch, both, counter

from meterhouse.live import board as boards
from meterhouse.live.board import Counted, Counter
from meterhouse.metering.batches import Batch
from meterhouse.metering.meters import ENERGY, POWER, VOLTAGE
from meterhouse.metering.samples import Columns, Sample


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_reading_counts_until_the_next(site: Site) -> None:
    site.both(batch(1, ("a", 0, 100)))
    assert site.joules("a") == 0
    site.both(batch(2, ("a", 2, 50)))
    assert site.joules("a") == 200
    assert site.newest("a") == (2, 50)


def test_a_silent_hour_adds_the_hold_and_nothing_more(site: Site) -> None:
    site.both(batch(1, ("a", 0, 100)))
    site.clock.move(timedelta(hours=1))
    site.both(batch(2, ("a", 3600, 500)))
    assert site.joules("a") == 300


def test_many_readings_of_many_probes_in_one_batch_count_each(site: Site) -> None:
    site.both(batch(1, ("b", 1, 10), ("a", 2, 20), ("b", 0, 30), ("a", 0, 40), ("b", 2, 1)))
    assert site.joules("a") == 80
    assert site.joules("b") == 30 + 10
    assert site.newest("b") == (2, 1)


def test_an_energy_counter_counts_and_power_fills_in_until_it_speaks_again(site: Site) -> None:
    site.board.hear(both(1, "a", 0, 100, 5000))
    site.board.hear(both(2, "a", 1, 100, 5150))
    assert site.joules("a") == 150
    site.board.hear(batch(3, ("a", 2, 100)))
    assert site.joules("a") == 150 + 100
    site.board.hear(both(4, "a", 3, 100, 5480))
    assert site.joules("a") == 480


def test_a_counter_bridges_a_gap(site: Site) -> None:
    site.board.hear(both(1, "a", 0, 100, 5000))
    site.board.hear(both(2, "a", 50, 100, 9000))
    assert site.joules("a") == 4000


def test_a_counter_that_speaks_between_readings_of_power_adds_nothing_twice(site: Site) -> None:
    site.board.hear(both(1, "a", 0, 100, 0))
    site.board.hear(counter(2, "a", 1, 100))
    site.board.hear(batch(3, ("a", 2, 100)))
    assert site.joules("a") == 200
    site.board.hear(counter(4, "a", 1.5, 150))
    assert site.joules("a") == 200


def test_many_words_of_a_counter_in_one_batch_add_up(site: Site) -> None:
    samples = [
        Sample(meter, "a", value, T0 + second * 1000)
        for second in (3, 1, 0, 2)
        for meter, value in ((POWER, 1.0), (ENERGY, 10.0 * second**2))
    ]
    columns = Columns.of(samples, hold_ms=HOLD_MS)
    site.board.hear(both(1, "a", -1, 1, 0))
    site.board.hear(Batch(publisher="rack", epoch=1, sequence=2, sent_ms=T0, samples=columns))
    assert site.joules("a") == 90


def test_a_counter_that_starts_again_from_zero_loses_nothing(site: Site) -> None:
    site.board.hear(both(1, "a", 0, 100, 5000))
    site.board.hear(both(2, "a", 1, 100, 60))
    assert site.joules("a") == 60


def test_a_counter_that_says_what_cannot_be_is_not_believed(site: Site) -> None:
    site.board.take_stale()
    site.board.adopt([Counted("a", HOLD_MS, T0, 100.0, 0.0, Counter(T0, 5000.0, 0.0))])
    site.both(both(1, "a", 1, 100, 5150))
    assert not site.board.has_stale
    site.both(both(2, "a", 2, 100, 9e12))
    assert site.joules("a") == 150 + 100
    assert site.board.take_stale() == ["a"]


def test_after_it_was_counted_the_counter_goes_on_from_its_anchor(site: Site) -> None:
    counted = Counted("a", HOLD_MS, T0 + 2000, 100.0, 1100.0, Counter(T0 + 1000, 5000.0, 1000.0))
    site.board.adopt([counted])
    assert site.joules("a") == 1100
    site.board.hear(both(1, "a", 3, 100, 5180))
    assert site.joules("a") == 1180


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.integers(0, 300), st.sampled_from([3_000, 20_000])),
        min_size=1,
        max_size=12,
    )
)
def test_a_reading_adds_what_it_stood_for_by_its_own_hold(
    told: list[tuple[int, int, int]],
) -> None:
    """told: seconds after the one before, watts, hold (ms), of readings of one probe."""
    site, second = Site(), 0
    site.clock.move(timedelta(hours=1))
    for number, (after, watts, hold_ms) in enumerate(told, 1):
        second += after
        site.both(batch(number, ("a", second, watts), hold_ms=hold_ms))
    assert site.joules("a") == pytest.approx(site.store.counted("a").joules)
    site.count()
    assert site.joules("a") == pytest.approx(site.store.counted("a").joules)


def test_what_was_heard_is_not_counted_again_when_it_is_recorded(site: Site) -> None:
    site.board.hear(batch(1, ("a", 0, 100)))
    site.board.hear(batch(2, ("a", 1, 100)))
    site.record(batch(1, ("a", 0, 100)))
    site.record(batch(2, ("a", 1, 100)))
    site.board.hear(batch(2, ("a", 1, 100)))
    assert site.joules("a") == 100
    site.count()
    assert site.joules("a") == 100


def test_what_a_cut_link_kept_back_is_counted_once_it_is_recorded(site: Site) -> None:
    site.both(batch(1, ("a", 0, 100)))
    site.count()
    site.board.hear(batch(4, ("a", 9, 100)))
    assert site.joules("a") == 300
    for sequence, second in ((2, 3), (3, 6)):
        site.record(batch(sequence, ("a", second, 100)))
    site.record(batch(4, ("a", 9, 100)))
    assert site.board.has_stale
    site.count()
    assert site.joules("a") == 900
    assert site.newest("a") == (9, 100)


def test_what_is_heard_while_it_is_counted_is_not_lost(site: Site) -> None:
    site.both(batch(1, ("a", 0, 100)))
    found = site.store.count(site.board.take_stale())
    site.both(batch(2, ("a", 1, 10)))
    site.board.hear(batch(3, ("a", 3, 1000)))
    site.board.adopt(found)
    assert site.joules("a") == 100 + 20
    assert site.newest("a") == (3, 1000)


def test_what_is_counted_and_recorded_at_the_same_time_counts_once(site: Site) -> None:
    site.both(batch(1, ("a", 0, 100)))
    stale = site.board.take_stale()
    site.both(batch(2, ("a", 1, 10)))
    site.board.adopt(site.store.count(stale))
    assert site.joules("a") == 100


def test_what_could_not_be_counted_is_counted_later(site: Site) -> None:
    site.both(batch(1, ("a", 0, 100)))
    site.board.give_back(site.board.take_stale())
    assert site.board.take_stale() == ["a"]


def test_a_late_reading_that_lowers_the_sum_does_not_lower_what_is_shown(site: Site) -> None:
    site.both(batch(1, ("a", 0, 100)))
    site.both(batch(2, ("a", 3, 100)))
    site.record(batch(1, ("a", 1, 0), publisher="other"))
    site.count()
    assert site.joules("a") == 300
    site.both(batch(3, ("a", 5, 0)))
    assert site.joules("a") == 300  # 100 + 200 by now
    site.both(batch(4, ("a", 6, 100)))
    site.both(batch(5, ("a", 7, 0)))
    assert site.joules("a") == 400


def test_after_a_restart_it_goes_on_from_what_was_shown(site: Site) -> None:
    site.board.restore([Counted("a", 0, T0, 100.0, 5000.0)])
    assert site.joules("a") == 5000
    site.both(batch(1, ("a", 1, 100)))
    assert site.joules("a") == 5100
    assert site.board.has_stale
    site.board.adopt([Counted("a", 3000, T0 + 1000, 100.0, 9000.0)])
    assert site.joules("a") == 9000


def test_other_meters_and_other_batches_change_nothing(site: Site) -> None:
    columns = Columns.of([Sample(VOLTAGE, "a", 230.0, T0)], hold_ms=1000)
    site.both(Batch(publisher="p", epoch=1, sequence=1, sent_ms=T0, samples=columns))
    site.both(Batch(publisher="p", epoch=1, sequence=2, sent_ms=T0, samples=Columns()))
    assert (len(site.board), site.board.version) == (0, 0)


@pytest.mark.parametrize("watts", [math.nan, math.inf, -math.inf, 1e300])
def test_what_is_no_power_is_not_shown(site: Site, watts: float) -> None:
    site.both(batch(1, ("a", 0, 100), ("b", 0, watts)))
    site.both(batch(2, ("a", 1, watts)))
    assert site.newest("a") == (0, 100)


def test_what_lies_in_the_future_is_not_the_newest_until_its_moment_comes(site: Site) -> None:
    site.both(batch(1, ("a", 4000, 1), ("a", 4001, 1)))
    site.count()
    assert site.newest("a")[1] == 0
    site.both(batch(2, ("a", 60, 7)))
    site.both(batch(3, ("a", 61, 7)))
    assert site.newest("a") == (61, 7)
    assert site.joules("a") == 7
    site.count()
    assert site.joules("a") == 7
    site.clock.move(timedelta(hours=2))
    site.count()
    assert site.newest("a") == (4001, 1)
    assert site.joules("a") == 7 + 7 * HOLD_MS / 1000 + 1


def test_a_clock_that_is_always_ahead_is_shown_when_its_moments_come(site: Site) -> None:
    for second in range(60):
        site.both(batch(second + 1, ("a", second + 120, 100)))
        site.clock.move(timedelta(seconds=1))
        site.count()
    for _ in range(90):
        site.clock.move(timedelta(seconds=1))
        site.count()
    assert site.newest("a") == (179, 100)
    assert site.joules("a") == 59 * 100


@pytest.mark.parametrize("ahead_s", [10, 3600, 80_000])
@pytest.mark.parametrize("meter", ["power", "counter"])
def test_energy_goes_on_when_this_machines_clock_is_set_back(
    site: Site, ahead_s: int, meter: str
) -> None:
    site.both(batch(1, ("a", 60, 100)))
    site.clock.move(timedelta(seconds=ahead_s))
    ahead = batch(2, ("a", 60 + ahead_s, 100))
    site.both(ahead if meter == "power" else counter(2, "a", 60 + ahead_s, 5000))
    site.clock.move(timedelta(seconds=1 - ahead_s))
    site.count()
    before = site.joules("a")
    for second in range(1, 10):
        site.both(batch(2 + second, ("a", 60 + second, 100)))
        site.clock.move(timedelta(seconds=1))
        site.count()
    assert site.newest("a") == (69, 100)
    assert site.joules("a") >= max(before, 900)


@pytest.mark.parametrize("years", [-40, 1])
def test_what_was_never_or_is_far_off_is_not_shown(site: Site, years: int) -> None:
    site.both(batch(1, ("a", years * 365 * 86_400, 1)))
    assert site.newest("a")[1] == 0


def test_what_waits_to_be_recorded_has_a_limit_and_is_counted_all_the_same(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "MOST_KEPT", 3)
    batches = [batch(n, ("a", n, 100)) for n in range(1, 8)]
    for one in batches:
        site.board.hear(one)
    for one in batches:
        site.record(one)
    site.count()
    assert site.joules("a") == 600


def test_a_thousand_probes_have_room(site: Site) -> None:
    names = [f"probe-{number}" for number in range(1000)]
    site.both(batch(1, *((name, 0, 10.0) for name in names)))
    site.both(batch(2, *((name, 1, 10.0) for name in reversed(names))))
    assert all(site.joules(name) == 10 for name in names)
    assert (site.board.changed[: len(site.board)] == site.board.version).all()


def test_only_what_changed_is_marked_as_changed(site: Site) -> None:
    site.both(batch(1, ("a", 0, 1), ("b", 0, 1)))
    before = site.board.version
    site.both(batch(2, ("b", 1, 1)))
    assert np.flatnonzero(site.board.changed > before).tolist() == [site.board.slot_of("b")]


READINGS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(0, 50).map(float)),
    min_size=1,
    max_size=4,
)


class Lives(RuleBasedStateMachine):
    """Batches are heard or not, and recorded in order at once or later; in between the house may
    restart, and a count may be under way while more comes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.site = Site()
        self.published = 0
        self.waiting: list[Batch] = []
        self.counting: list[Counted] | None = None
        self.shown: dict[str, float] = {}

    @rule(readings=READINGS, is_heard=st.booleans())
    def publish(self, readings: list[Reading], *, is_heard: bool) -> None:
        self.published += 1
        self.waiting.append(batch(self.published, *readings))
        if is_heard:
            self.site.board.hear(self.waiting[-1])

    @rule(most=st.integers(1, 3))
    def record(self, most: int) -> None:
        for one in self.waiting[:most]:
            self.site.record(one)
        del self.waiting[:most]

    @precondition(lambda self: self.counting is None and self.site.board.has_stale)
    @rule()
    def begin_to_count(self) -> None:
        self.counting = self.site.store.count(self.site.board.take_stale())

    @precondition(lambda self: self.counting is not None)
    @rule()
    def have_counted(self) -> None:
        self.site.board.adopt(self.counting or [])
        self.counting = None

    @rule()
    def restart(self) -> None:
        saved = [_saved(self.site, name) for name in self.site.board.resources]
        self.site = Site(store=self.site.store)
        self.site.board.restore(saved)
        self.counting = None

    @invariant()
    def nothing_falls(self) -> None:
        for name in self.site.board.resources:
            assert self.site.joules(name) >= self.shown.get(name, 0)
            self.shown[name] = self.site.joules(name)

    def teardown(self) -> None:
        """In the end it is what the store counts."""
        self.record(len(self.waiting))
        if self.counting is not None:
            self.have_counted()
        self.site.count()
        board = self.site.board
        for name in self.site.store.readings:
            truth = self.site.store.counted(name)
            slot = board.slot_of(name)
            assert slot is not None
            assert board._since[slot] == pytest.approx(truth.joules)
            assert board.shown[slot] >= board._since[slot]
            assert self.site.newest(name) == ((truth.at_ms - T0) / 1000, truth.watts)


test_whatever_happens_it_ends_with_what_the_store_counts = Lives.TestCase


def _saved(site: Site, resource: str) -> Counted:
    slot = site.board.slot_of(resource)
    assert slot is not None
    board = site.board
    return Counted(
        resource, 0, int(board.at[slot]), float(board.watts[slot]), float(board.shown[slot])
    )
