"""The document's columns, and its numbers as people read them."""

from dataclasses import dataclass
from fractions import Fraction

from meterhouse.usage.figures import GIB_HOUR, HOUR, KG, KWH, figures, rounded
from meterhouse.usage.quantities import Quantities

UNKNOWN = "–"  # noqa: RUF001 - an en dash, as tables have it
"""What stands where nothing is known: never 0."""


@dataclass(frozen=True, slots=True)
class Column:
    """amount: a Quantities' whole number, ``size`` of which are one ``unit``."""

    name: str
    title: str
    unit: str
    amount: str
    size: int

    def text(self, used: Quantities, places: int) -> str:
        if self.amount == "millijoules" and not used.measured_ms:
            return UNKNOWN
        return grouped(rounded(self.value(used), self.size, places))

    def value(self, used: Quantities) -> int:
        if self.amount == "server_seconds":
            return sum(used.server_seconds.values())
        return int(getattr(used, self.amount))


COLUMNS = (
    Column("Server hours", "Servers", "hours", "server_seconds", HOUR),
    Column("vCPU-hours", "vCPUs", "hours", "vcpu_seconds", HOUR),
    Column("RAM GiB-hours", "RAM", "GiB-hours", "ram_byte_seconds", GIB_HOUR),
    Column("Disk GiB-hours", "Disk", "GiB-hours", "disk_byte_seconds", GIB_HOUR),
    Column("Energy in kWh", "Energy", "kWh", "millijoules", KWH),
)

COMPARED = (*COLUMNS, Column("Hours of existence", "Existence", "hours", "resource_seconds", HOUR))
"""What the chart may compare rows by."""


def places_for(column: Column, total: Quantities) -> int:
    """Decimals of a column: enough to tell small rows apart, not more than can be read."""
    amount = column.value(total)
    whole = amount // column.size
    return 1 if whole >= 1000 or not amount else 2 if whole >= 10 else 3


def grouped(number: object) -> str:
    """Write 1234.5 as 1,234.5."""
    return f"{number:,}"


def percent(part: Fraction | None) -> str:
    """Rounded down to a tenth: 99.96 % is not 100 %, and 0.04 % not 0."""
    if part is None:
        return UNKNOWN
    tenths = part.numerator * 1000 // part.denominator
    if part and not tenths:
        return "< 0.1 %"
    return f"{tenths // 10} %" if tenths in (0, 1000) else f"{tenths // 10}.{tenths % 10} %"


def money(used: Quantities) -> str:
    """What energy cost, to the cent, each currency by itself."""
    costs = figures(used).costs
    texts = [f"{grouped(round(amount, 2))} {name}" for name, amount in costs.items()]
    return " + ".join(texts) or UNKNOWN


def emitted(used: Quantities) -> str:
    """Kilograms of CO2e, to a hundredth."""
    return grouped(rounded(used.micrograms, KG, 2)) if used.factored_ms else UNKNOWN
