"""Energy, money and emissions as people read them, with a unit of fitting size."""

from collections.abc import Mapping
from decimal import Decimal

from meterhouse.live.figures import NOTHING, Figure, digits

_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "CHF": "CHF"}


def energy(kwh: float | None) -> Figure:
    """Kilowatt-hours, as they are paid for, from a thousandth to the largest bill."""
    if kwh is None:
        return NOTHING
    for size, unit in ((1e6, "GWh"), (1e3, "MWh"), (1, "kWh")):
        if kwh >= size * 0.99995:
            return Figure(digits(kwh / size), unit)
    return Figure(digits(kwh * 1000), "Wh")


def cost(costs: Mapping[str, Decimal]) -> Figure:
    """An amount with its currency's sign; several currencies are not added together."""
    if not costs:
        return NOTHING
    if len(costs) == 1:
        ((currency, amount),) = costs.items()
        return Figure(_amount(amount), _SIGNS.get(currency, currency))
    parts = (f"{_amount(amount)} {_SIGNS.get(one, one)}" for one, amount in sorted(costs.items()))
    return Figure(" + ".join(parts), "")


def _amount(amount: Decimal) -> str:
    if 0 < amount < 1:
        return f"{amount:.2f}" if amount >= Decimal("0.1") else f"{amount:.4f}"
    return f"{amount:,.2f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def emitted(grams: Decimal | None) -> Figure:
    """Grams, kilograms or tonnes of CO2e."""
    if grams is None:
        return NOTHING
    for size, unit in ((10**6, "t"), (10**3, "kg")):
        if grams >= size:
            return Figure(digits(float(grams) / size), unit)
    return Figure(digits(float(grams)), "g")
