from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.bus.cast import NOON_MS, batch, debian

from meterhouse.bus.track import MOST_HELD, MOST_WAITING, Loss, Track, weight

COUNT = 12


def track(expected: int = 1) -> Track:
    return Track("osl-dc1", NOON_MS, expected, expected - 1, lambda epoch, sequence: None)


def taken(track: Track) -> list[int]:
    """The numbers that are handed over; of a loss all of them, negative."""
    numbers = []
    while track.waiting:
        item = track.take()
        if isinstance(item, Loss):
            numbers += [-number for number in range(item.first, item.last + 1)]
        else:
            numbers.append(item.batch.sequence)
    return numbers


arrivals = st.lists(st.tuples(st.integers(1, COUNT), st.booleans()), max_size=60)


@given(arrivals)
def test_in_any_order_and_however_often_each_is_handed_over_once_in_order(
    arriving: list[tuple[int, bool]],
) -> None:
    one = track()
    numbers = []
    for sequence, asked in arriving:
        one.arrive(batch(sequence), asked=asked)
        numbers += taken(one)
    while one.expected <= one.last:  # what was lost on the way is asked for
        assert one.lacks
        one.arrive(batch(one.expected), asked=True)
        numbers += taken(one)
    assert numbers == list(range(1, max([sequence for sequence, _ in arriving], default=0) + 1))
    assert one._weight == 0
    assert one.delivered == one.last


@given(arrivals, st.integers(1, COUNT), st.integers(1, COUNT))
def test_a_loss_takes_the_place_of_what_is_lost(
    arriving: list[tuple[int, bool]], first: int, length: int
) -> None:
    one = track()
    for sequence, asked in arriving:
        one.arrive(batch(sequence), asked=asked)
    expected = one.expected
    one.gone(first, first + length)
    assert (one.expected > expected) == (first <= expected <= first + length)
    numbers = [abs(number) for number in taken(one)]
    assert numbers == list(range(1, one.expected))
    assert one._weight == sum(map(weight, one._held.values()))
    assert all(number > one.expected for number in one._held)


def test_only_so_much_waits_and_the_rest_comes_when_it_is_asked_for() -> None:
    one = track()
    words = [one.arrive(batch(number), asked=False) for number in range(1, MOST_WAITING + 3)]
    assert words == [""] * MOST_WAITING + ["early"] * 2
    assert not one.lacks
    assert one.arrive(batch(MOST_WAITING + 1), asked=True) == ""
    one.take()
    assert not one.lacks
    for _ in range(MOST_WAITING // 2):
        one.take()
    assert one.lacks


def test_what_is_held_already_is_repeated() -> None:
    one = track()
    assert [one.arrive(batch(3), asked=False) for _ in range(2)] == ["", "repeated"]


def test_what_is_held_and_then_lost_with_the_rest_waits_no_more() -> None:
    one = track()
    one.arrive(batch(3), asked=False)
    one.gone(1, 5)
    assert taken(one) == [-1, -2, -3, -4, -5]
    assert (one.expected, one._weight) == (6, 0)


def test_only_so_many_are_held_before_their_turn() -> None:
    one = track()
    words = [one.arrive(batch(number), asked=False) for number in range(2, MOST_HELD + 4)]
    assert words == [""] * MOST_HELD + ["early"] * 2
    assert one.arrive(batch(2), asked=False) == "repeated"


def test_a_new_journal_begins_at_one_and_what_waits_of_the_old_is_kept() -> None:
    one = track()
    for number in (1, 3):
        one.arrive(batch(number), asked=False)
    one.renew(NOON_MS + 1, 1)
    assert (one.epoch, one.expected, one.last, one._held) == (NOON_MS + 1, 1, 0, {})
    assert taken(one) == [1, -2, -3]
    assert (one.delivered, one._weight) == (0, 0)


def test_what_lists_much_weighs_much() -> None:
    assert weight(replace(batch(), snapshots=debian())) == weight(batch()) + 4_000
