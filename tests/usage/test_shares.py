"""Who funds a project when, and the split that loses nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.usage.estates import CD, DEBIAN, HOUR, MOON, NSF, OSL, T0, WEEKLY, share

from meterhouse.inventory.facts import ShareRow
from meterhouse.metering.periods import Period
from meterhouse.usage.shares import NOBODY, UNFUNDED, Funded, Plan, funding, split

PARENTS = {DEBIAN: None, CD: DEBIAN, WEEKLY: CD, MOON: None}
DAY = Period.from_ms(T0, T0 + 24 * HOUR)
KEYS = {OSL: "osl", NSF: "nsf"}


def funded(project: int, *shares: ShareRow) -> list[tuple[float, float, Plan]]:
    """Who funds a project, in hours after T0."""
    stretches = funding(PARENTS, shares, KEYS, DAY)[project]
    return [((f.start_ms - T0) / HOUR, (f.end_ms - T0) / HOUR, f.plan) for f in stretches]


def test_a_project_without_shares_is_funded_as_its_nearest_ancestor() -> None:
    shares = share(DEBIAN, OSL, 1), share(CD, NSF, 1)
    assert funded(WEEKLY, *shares) == [(0, 24, ((NSF, 1),))]
    assert funded(CD, *shares) == [(0, 24, ((NSF, 1),))]
    assert funded(DEBIAN, *shares) == [(0, 24, ((OSL, 1),))]


def test_where_nobody_has_a_share_nobody_funds() -> None:
    assert funded(MOON, share(DEBIAN, OSL, 1)) == [(0, 24, UNFUNDED)]
    assert funded(NOBODY, share(DEBIAN, OSL, 1)) == [(0, 24, UNFUNDED)]


def test_funding_changes_when_a_share_begins_or_ends() -> None:
    assert funded(DEBIAN, share(DEBIAN, OSL, 3, 2, 20), share(DEBIAN, NSF, 1, 10, 30)) == [
        (0, 2, UNFUNDED),
        (2, 10, ((OSL, 3),)),
        (10, 20, ((NSF, 1), (OSL, 3))),
        (20, 24, ((NSF, 1),)),
    ]


def test_a_project_whose_own_shares_have_ended_is_funded_as_its_ancestor_again() -> None:
    assert funded(CD, share(DEBIAN, OSL, 1), share(CD, NSF, 1, 6, 12)) == [
        (0, 6, ((OSL, 1),)),
        (6, 12, ((NSF, 1),)),
        (12, 24, ((OSL, 1),)),
    ]


def test_a_share_renewed_unchanged_changes_nothing() -> None:
    renewed = share(DEBIAN, OSL, 2, -5, 12), share(DEBIAN, OSL, 2, 12, 50)
    assert funded(DEBIAN, *renewed) == [(0, 24, ((OSL, 2),))]


def test_two_shares_of_one_institution_add_up() -> None:
    twice = share(DEBIAN, OSL, 2), share(DEBIAN, OSL, 3, 0, 24)
    assert funded(DEBIAN, *twice) == [(0, 24, ((OSL, 5),))]


def test_shares_outside_the_period_do_not_matter() -> None:
    assert funded(DEBIAN, share(DEBIAN, OSL, 1, -9, 0), share(DEBIAN, NSF, 1, 24, 30)) == [
        (0, 24, UNFUNDED)
    ]


def test_an_empty_period_is_not_cut() -> None:
    nothing = Period.from_ms(T0, T0)
    assert funding({DEBIAN: None}, [], KEYS, nothing) == {
        NOBODY: (Funded(T0, T0, UNFUNDED),),
        DEBIAN: (),
    }


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, (1, 1, 1), [34, 33, 33]),
        (101, (1, 1, 1), [34, 34, 33]),
        (10, (3, 1), [8, 2]),  # 7.5 and 2.5: of equal remainders the first gets the unit
        (11, (3, 1), [8, 3]),
        (1, (1, 5, 1), [0, 1, 0]),
        (0, (2, 3), [0, 0]),
        (2**80 + 1, (1, 1), [2**79 + 1, 2**79]),
    ],
)
def test_the_largest_remainder_gets_what_is_left(
    total: int, weights: tuple[int, ...], parts: list[int]
) -> None:
    dtype = object if total >= 2**63 else np.int64
    assert split(np.array([total], dtype), np.array([weights])).tolist() == [parts]


TOTALS = st.lists(st.one_of(st.integers(0, 1000), st.integers(0, 2**90)), min_size=1, max_size=5)
WEIGHTS = st.lists(st.one_of(st.integers(1, 9), st.integers(1, 2**40)), min_size=1, max_size=6)


@given(TOTALS, WEIGHTS)
def test_the_parts_sum_to_the_whole_and_are_each_within_one_of_their_quota(
    totals: list[int], weights: list[int]
) -> None:
    parts = split(np.array(totals, object), np.array([weights] * len(totals))).tolist()
    for total, mine in zip(totals, parts, strict=True):
        assert sum(mine) == total
        for part, weight in zip(mine, weights, strict=True):
            assert abs(part * sum(weights) - total * weight) < sum(weights)


@given(st.lists(st.integers(0, 2**62 - 1), min_size=1, max_size=5), WEIGHTS)
def test_small_and_big_whole_numbers_are_split_alike(
    totals: list[int], weights: list[int]
) -> None:
    each = np.array([weights] * len(totals))
    small = split(np.array(totals, np.int64), each).tolist()
    assert small == split(np.array(totals, object), each).tolist()


def test_each_total_is_split_by_its_own_weights() -> None:
    each = np.array([[1, 1, 1], [5, 3, 1], [1, 1, 10**12]])
    found = split(np.array([10, 10, 10]), each).tolist()
    assert found == [[4, 3, 3], [6, 3, 1], [0, 0, 10]]


def test_nothing_is_split_into_nothing() -> None:
    assert split(np.empty(0, np.int64), np.empty((0, 2), np.int64)).shape == (0, 2)
