"""Counters that wrap, that are reset, that say nothing, and that say what cannot be."""

from collections.abc import Sequence
from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.sources import Counted, Register
from meterhouse.sources.counters import Floats

WH = Register(3600.0, 2**32)
SMALL = Register(1.0, 1000, plausible_w=50.0)  # joules


def followed(register: Register, rows: Sequence[Sequence[float]]) -> Floats:
    """What becomes of readings, a row each."""
    counted, joules = Counted.nothing(len(rows[0])), []
    for number, row in enumerate(rows):
        now, counted = register.read(counted, row, (number + 1) * 1000)
        joules.append(now)
    return np.array(joules)


def test_counts_become_joules() -> None:
    assert followed(WH, [[10, 0], [11, 7]]).tolist() == [[36_000, 0], [39_600, 25_200]]


def test_a_wrap_goes_on_and_stays_above() -> None:
    said = [[2.0**32 - 1], [3.0], [4.0], [5.0]]
    top = 2**32 * 3600
    assert followed(WH, said).ravel().tolist() == [
        top - 3600,
        *(top + n * 3600 for n in (3, 4, 5)),
    ]


def test_a_second_wrap_goes_on_from_the_first() -> None:
    said = [[n % 1000] for n in range(900, 4000, 50)]
    assert followed(SMALL, said).ravel().tolist() == list(range(900, 4000, 50))


@pytest.mark.parametrize(
    "said",
    [
        [500, 3],  # it was not near its end
        [900, 3],  # nor above nine tenths of it
        [940, 30],  # 90 W, of a meter that carries 50
    ],
)
def test_any_other_fall_is_published_as_it_is(said: list[float]) -> None:
    assert followed(SMALL, [[n] for n in said]).ravel().tolist() == said


def test_after_a_reset_nothing_is_left_of_the_turns() -> None:
    said = [990, 10, 400, 5, 6]
    assert followed(SMALL, [[n] for n in said]).ravel().tolist() == [990, 1010, 1400, 5, 6]


def test_one_count_of_a_coarse_register_is_no_power() -> None:
    """Tenths of a kWh, read each second: the last count alone would be 360 kW."""
    tenths = Register(360_000.0, 2**32)
    before, after = followed(tenths, [[2**32 - 1], [0]]).ravel()
    assert after - before == 360_000


def test_a_clock_that_stepped_back_makes_no_wrap() -> None:
    _, counted = SMALL.read(Counted.nothing(1), [990], 10_000)
    joules, _ = SMALL.read(counted, [10], 9_000)
    assert joules.tolist() == [10]


def test_a_register_without_a_size_never_wraps() -> None:
    endless = Register(3600.0)
    assert endless.size == inf
    assert followed(endless, [[1e12], [1], [2]]).ravel().tolist() == [3.6e15, 3600, 7200]


@pytest.mark.parametrize("said", [nan, -1, 1000, inf])
def test_what_no_counter_can_say_is_not_known_and_forgets_nothing(said: float) -> None:
    joules = followed(SMALL, [[990], [said], [10]]).ravel()
    assert isnan(joules[1])
    assert joules[2] == 1010


growths = st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=1, max_size=60)
starts = st.lists(st.integers(0, 999), min_size=3, max_size=3)


@given(starts, growths)
def test_what_a_true_counter_grows_by_is_what_is_published(
    begin: list[int], steps: list[list[int]]
) -> None:
    """Whatever wraps, as long as it is read often enough."""
    true = np.cumsum([begin, *steps], axis=0)
    joules = followed(SMALL, (true % 1000.0).tolist())
    assert (joules == true).all()


@given(starts, growths, st.data())
def test_a_silent_reading_changes_no_other(
    begin: list[int], steps: list[list[int]], data: st.DataObject
) -> None:
    true = np.cumsum([begin, *steps], axis=0)
    said = (true % 1000).astype(float)
    silent = data.draw(st.sets(st.integers(0, len(said) - 1), max_size=1))
    said[list(silent), 1] = nan
    joules = followed(SMALL, said.tolist())
    assert (joules[:, [0, 2]] == true[:, [0, 2]]).all()
    assert np.isnan(joules[list(silent), 1]).all()
    assert (np.isnan(joules).sum()) == len(silent)


anything = st.one_of(st.floats(), st.floats(-10, 1010))


@given(st.lists(st.lists(anything, min_size=2, max_size=2), min_size=1, max_size=20))
def test_each_counter_is_read_as_if_it_were_alone(rows: list[list[float]]) -> None:
    both = followed(SMALL, rows)
    alone = np.hstack([followed(SMALL, [[row[n]] for row in rows]) for n in (0, 1)])
    assert np.array_equal(both, alone, equal_nan=True)


@given(st.lists(anything, min_size=1, max_size=30))
def test_joules_are_the_counter_or_that_many_whole_turns_more(said: list[float]) -> None:
    joules = followed(SMALL, [[n] for n in said]).ravel()
    for raw, joule in zip(said, joules.tolist(), strict=True):
        assert isnan(joule) != (0 <= raw < 1000)
        turns = (joule - raw) / 1000
        assert isnan(joule) or turns == pytest.approx(max(0, round(turns)), abs=1e-6)
