"""What is to be known about the energy, the cost and the CO2e of a report, in sentences."""

from collections.abc import Iterator

from meterhouse.inventory.facts import FOREVER, CarbonRow, PriceRow
from meterhouse.metering.periods import from_ms
from meterhouse.usage.quantities import Quantities
from meterhouse.usage.tariff import Tariff

MOST_TERMS = 12  # named one by one; of more, how many there are


def energy_notes(used: Quantities, tariff: Tariff) -> Iterator[str]:
    if not used.measured_ms:
        return
    if used.estimated_mj:
        yield from _split_notes(used)
    yield from _price_notes(used, tariff)
    yield from _carbon_notes(used, tariff)


def _split_notes(used: Quantities) -> Iterator[str]:
    by_vcpus = used.estimated_mj - used.cpu_mj
    rules = [
        f"{_part(amount, used.estimated_mj)} {name}"
        for amount, name in ((used.cpu_mj, "by CPU time"), (by_vcpus, "by vCPUs"))
        if amount > 0
    ]
    yield (
        f"Of the energy {_part(used.estimated_mj, used.millijoules)} is estimated: what a node "
        "drew in an hour is split over the instances on it and its idle share, "
        f"{' and '.join(rules)}. The parts are exactly what was measured."
    )


def _price_notes(used: Quantities, tariff: Tariff) -> Iterator[str]:
    if not tariff.prices:
        yield "Costs are unknown: no price is declared for this period."
        return
    told = _listed([f"{row.per_kwh} {row.currency}{_dates(row)}" for row in tariff.prices])
    yield f"Prices of a kWh: {told}."
    if len(used.costs) > 1:
        yield "Costs in different currencies are never added together."
    if used.priced_mj < used.millijoules:
        rest = _part(used.millijoules - used.priced_mj, used.millijoules)
        yield f"For {rest} of the energy no price is declared: what it costs is unknown."


def _carbon_notes(used: Quantities, tariff: Tariff) -> Iterator[str]:
    if not tariff.factors:
        return
    told = _listed(
        [
            f"{row.g_per_kwh} g/kWh{f' ({row.source})' if row.source else ''}{_dates(row)}"
            for row in tariff.factors
        ]
    )
    yield f"CO2e is energy times a declared factor: {told}."
    if used.factored_mj < used.millijoules:
        rest = _part(used.millijoules - used.factored_mj, used.millijoules)
        yield f"For {rest} of the energy no factor is declared: its CO2e is unknown."


def _listed(terms: list[str]) -> str:
    shown = terms[:MOST_TERMS]
    more = len(terms) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


def _dates(row: PriceRow | CarbonRow) -> str:
    start = f" from {from_ms(row.start_ms):%F %H:%M}" if row.start_ms else ""
    return start + (f" until {from_ms(row.end_ms):%F %H:%M}" if row.end_ms < FOREVER else "")


def _part(amount: int, whole: int) -> str:
    """In tenths of a percent, rounded, so that two parts read as the whole; never 0 or 100 unless
    it is.
    """
    tenths = (2000 * amount + whole) // (2 * whole)
    if amount > 0 and tenths == 0:
        return "less than 0.1 %"
    if tenths >= 1000 and amount < whole:
        tenths = 999
    return f"{tenths // 10}.{tenths % 10} %" if tenths < 1000 else "100 %"
