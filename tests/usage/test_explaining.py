"""What a report says of its energy: what is estimated, by which rule, and what has no price."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from meterhouse.inventory.facts import FOREVER, CarbonRow, PriceRow
from meterhouse.usage.explaining import MOST_TERMS, energy_notes
from meterhouse.usage.quantities import NOTHING
from meterhouse.usage.tariff import Tariff

USED = replace(NOTHING, millijoules=10_000, measured_ms=1)
PRICES = [PriceRow(Decimal("0.25"), "EUR", 0, FOREVER)]
FACTORS = (CarbonRow(Decimal(380), "grid operator", 0, FOREVER),)


def notes(tariff: Tariff, **amounts: Any) -> list[str]:
    return list(energy_notes(replace(USED, **amounts), tariff))


def test_where_nothing_was_measured_there_is_nothing_to_say() -> None:
    assert notes(Tariff(prices=PRICES), measured_ms=0) == []


def test_energy_without_a_price_or_a_factor_is_named_as_a_part() -> None:
    prices, priceless, factors, factorless = notes(
        Tariff(prices=PRICES, factors=FACTORS), priced_mj=9_999, factored_mj=7_500
    )
    assert prices == "Prices of a kWh: 0.25 EUR."
    assert priceless.startswith("For less than 0.1 % of the energy no price is declared")
    assert factors == "CO2e is energy times a declared factor: 380 g/kWh (grid operator)."
    assert factorless.startswith("For 25.0 % of the energy no factor is declared")


def test_what_has_a_price_and_a_factor_whole_has_no_more_to_say() -> None:
    whole = notes(Tariff(prices=PRICES, factors=FACTORS), priced_mj=10_000, factored_mj=10_000)
    assert len(whole) == 2


def test_an_estimate_names_the_rules_it_was_made_by() -> None:
    both, _ = notes(Tariff(), estimated_mj=10_000, cpu_mj=4_000)
    assert "100 % is estimated" in both
    assert "40.0 % by CPU time and 60.0 % by vCPUs" in both
    one, unknown = notes(Tariff(), estimated_mj=5_000, cpu_mj=5_000)
    assert "100 % by CPU time." in one
    assert unknown.startswith("Costs are unknown")


def test_parts_are_rounded_so_that_they_read_as_the_whole() -> None:
    both, _ = notes(Tariff(), estimated_mj=9_999, cpu_mj=9_303)
    assert "Of the energy 99.9 % is estimated" in both
    assert "93.0 % by CPU time and 7.0 % by vCPUs" in both


def test_of_many_prices_the_first_are_named_and_the_rest_counted() -> None:
    many = [
        PriceRow(Decimal(day), "EUR", day * 86_400_000, (day + 1) * 86_400_000)
        for day in range(MOST_TERMS + 3)
    ]
    (prices,) = notes(Tariff(prices=many), priced_mj=10_000)
    assert prices.count("EUR from") == MOST_TERMS - 1  # the first holds since ever
    assert prices.endswith("and 3 more.")


def test_costs_in_two_currencies_are_not_added() -> None:
    said = notes(Tariff(prices=PRICES), priced_mj=10_000, costs={"EUR": 1, "SEK": 2})
    assert "Costs in different currencies are never added together." in said
