"""What energy is worth: dated prices and carbon factors, exactly."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.inventory.facts import FOREVER, CarbonRow, PriceRow
from meterhouse.usage.tariff import KWH, Bill, Tariff, bill, in_force, worth


def price(per_kwh: str, start: int, end: int = FOREVER, currency: str = "EUR") -> PriceRow:
    return PriceRow(Decimal(per_kwh), currency, start, end)


def billed(tariff: Tariff, *energy: tuple[int, int]) -> Bill:
    """energy: millijoules and from when."""
    millijoules, start = np.array(energy, np.int64).T
    return bill(millijoules, start, tariff)


def test_a_kilowatt_hour_costs_its_price_to_the_billionth() -> None:
    found = billed(Tariff(prices=[price("0.123456789", 0)]), (KWH, 5), (KWH // 2, 5), (1, 5))
    assert found.nanos.tolist() == [123_456_789, 61_728_395, 0]


def test_each_moment_has_its_own_price_and_a_hole_has_none() -> None:
    tariff = Tariff(prices=[price("1", 10, 20), price("2", 30, 40, "SEK")])
    found = billed(tariff, *((KWH, at) for at in (9, 10, 19, 20, 29, 30, 39, 40)))
    assert tariff.currencies == ("EUR", "SEK")
    assert found.currency.tolist() == [-1, 0, 0, -1, -1, 1, 1, -1]
    nanos = [amount / 10**9 for amount in found.nanos.tolist()]
    assert nanos == [0, 1, 1, 0, 0, 2, 2, 0]


def test_carbon_is_counted_by_its_own_dates() -> None:
    tariff = Tariff(
        prices=[price("1", 0)], factors=[CarbonRow(Decimal("380.5"), "grid operator", 10, FOREVER)]
    )
    found = billed(tariff, (KWH, 9), (2 * KWH, 10))
    assert found.factored.tolist() == [False, True]
    assert found.micrograms.tolist() == [0, 761_000_000]


def test_nothing_is_known_without_prices_and_factors() -> None:
    found = billed(Tariff(), (KWH, 9))
    assert (found.currency.tolist(), found.factored.tolist()) == ([-1], [False])
    assert (found.nanos.tolist(), found.micrograms.tolist()) == ([0], [0])
    assert not len(Tariff().moments)


def test_moments_are_where_anything_begins_or_ends() -> None:
    tariff = Tariff(
        prices=[price("1", 10, 20), price("1", 20, 30)],
        factors=[CarbonRow(Decimal(1), "", 15, 30)],
    )
    assert tariff.moments.tolist() == [10, 15, 20, 30]


@given(
    st.lists(st.integers(0, 10**15), min_size=1, max_size=5),
    st.one_of(st.integers(0, 10**9), st.integers(0, 10**18)),
)
def test_worth_is_the_exact_product_rounded_half_up(energy: list[int], per_kwh: int) -> None:
    found = worth(np.array(energy, np.int64), np.array([per_kwh] * len(energy), np.int64))
    for millijoules, parts in zip(energy, found.tolist(), strict=True):
        exact = Decimal(millijoules * per_kwh) / KWH
        assert parts == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def test_worth_of_nothing_is_nothing() -> None:
    assert not len(worth(np.empty(0, np.int64), np.empty(0, np.int64)))


@pytest.mark.parametrize("at", [0, 5])
def test_what_has_not_begun_is_not_in_force(at: int) -> None:
    assert in_force([price("1", 6)], np.array([at])).tolist() == [-1]


def test_a_price_beyond_64_bits_is_still_exact() -> None:
    found = billed(Tariff(prices=[price("999999999.999999999", 0)]), (10**6 * KWH, 1))
    assert found.nanos.tolist() == [999_999_999_999_999_999 * 10**6]
