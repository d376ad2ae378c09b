"""A number as people read it: 212 W, 1.5 kW, 3.2 GiB, 41 %.

Three significant digits, a unit of fitting size, a thin choice of units: SI steps for watts,
binary steps for bytes. Figures on a page are for looking; exact ones are in the CSV beside.
"""

import math
from typing import NamedTuple

from meterhouse.metering.meters import METERS, Kind, Meter, Unit

UNKNOWN = "\N{EN DASH}"

_PERCENT = "\N{NO-BREAK SPACE}%"
_SI = ("", "k", "M", "G", "T")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


class Figure(NamedTuple):
    """``number`` is empty digits-as-text, ``unit`` may be empty."""

    number: str
    unit: str

    def __str__(self) -> str:
        return f"{self.number} {self.unit}".strip()


NOTHING = Figure(UNKNOWN, "")


def figure(value: float | None, unit: str) -> Figure:
    """Write a value of a base unit (``display_unit``'s) for people. None or NaN: unknown."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if unit.startswith("By"):
        return _stepped(value, 1024, _BINARY, unit.removeprefix("By"))
    if unit in {"W", "J"}:
        return _stepped(value, 1000, tuple(step + unit for step in _SI), "")
    if unit == "1" and value == round(value):
        return Figure(f"{value:.0f}", "")
    return Figure(digits(value), {"Cel": "°C", "1": ""}.get(unit, unit))


def digits(value: float) -> str:
    """Three significant digits, no exponent; whole numbers from 100 on with thin groups."""
    size = abs(value)
    if size < 0.0005:
        return "0"
    if size >= 99.95:
        return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    if size >= 9.995:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 0.9995 else f"{value:.3f}"


def display_unit(meter: str) -> str:
    """The base unit in which a meter is shown: a cumulative one as its rate in each second.

    Joules in a second are watts, seconds of CPU time in a second are busy CPUs. A meter this
    version does not know has no unit.
    """
    known = METERS.get(meter)
    if known is None:
        return ""
    return _rate_unit(known) if known.kind is Kind.CUMULATIVE else known.unit.value


def _rate_unit(meter: Meter) -> str:
    return {Unit.JOULE: "W", Unit.SECOND: "CPUs", Unit.BYTE: "By/s"}.get(meter.unit, "/s")


_RATES = {"cpu.time": "CPUs busy", "energy": "Power by the energy counter"}


def total(meter: str, value: float | None) -> Figure:
    """What a meter added up over a period, in its base unit times seconds for a level.

    Energy is written in watt-hours, CPU time in hours: that is what people compare and pay.
    """
    known = METERS.get(meter)
    unit = known.unit if known else Unit.ONE
    if value is None or not math.isfinite(value):
        return NOTHING
    if unit in {Unit.WATT, Unit.JOULE}:
        return _stepped(value / 3600, 1000, tuple(step + "Wh" for step in _SI), "")
    if unit is Unit.SECOND:
        return Figure(digits(value / 3600), "CPU hours" if meter.startswith("cpu.") else "h")
    return figure(value, unit.value)


def title(meter: str) -> str:
    """What a meter is called on a page, where what only grows is shown as its rate."""
    if meter in _RATES:
        return _RATES[meter]
    known = METERS.get(meter)
    return known.title if known else meter


def is_rate(meter: str) -> bool:
    """Whether a meter is shown as its increase in each second."""
    known = METERS.get(meter)
    return known is not None and known.kind is Kind.CUMULATIVE


def gibibytes(value: float | None) -> Figure:
    return figure(value, Unit.BYTE.value)


def percent(share: float | None) -> str:
    """0.413 is 41 %. What is not quite the whole does not read as 100 %."""
    if share is None or not math.isfinite(share):
        return UNKNOWN
    if 0.9 < share < 1:
        return f"{math.floor(share * 1000) / 10:.1f}{_PERCENT}"
    return f"{share * 100:.0f}{_PERCENT}"


def _stepped(value: float, base: int, names: tuple[str, ...], after: str) -> Figure:
    step, size = 0, abs(value)
    while size >= base * 0.9995 and step + 1 < len(names):
        size, value, step = size / base, value / base, step + 1
    return Figure(digits(value), names[step] + after)
