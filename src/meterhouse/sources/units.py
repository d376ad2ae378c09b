"""What devices count in, turned into the meters' base units."""

from collections.abc import Mapping

from meterhouse.metering.meters import CURRENT, ENERGY, POWER, VOLTAGE, Meter

WH = 3600.0  # joules

UNITS: Mapping[Meter, Mapping[str, float]] = {
    POWER: {"W": 1.0, "kW": 1e3, "mW": 1e-3},
    ENERGY: {"J": 1.0, "kJ": 1e3, "mJ": 1e-3, "Wmin": 60.0, "Wh": WH, "kWh": 1e3 * WH},
    VOLTAGE: {"V": 1.0, "mV": 1e-3},
    CURRENT: {"A": 1.0, "mA": 1e-3},
}
"""What a wattmeter says, and how much of the base unit one of each unit is. The first is meant
where none is named."""


def factor(meter: Meter, unit: str, scale: float = 1.0) -> float:
    """What a device's number is multiplied by. Raises ValueError that names the meter.

    unit:  one of UNITS, or "" for the base unit; energy's must be named, since what one would
           take for granted differs (Wh, kWh), and a wrong guess is a bill 1,000 times too high
    scale: besides, as for a register that counts tenths: 0.1
    """
    known = UNITS[meter]
    if (unit or (meter is ENERGY)) and unit not in known:
        raise ValueError(f"{meter.name}: unit is one of {', '.join(known)}, not {unit!r}")
    if not scale:
        raise ValueError(f"{meter.name}: scale 0 makes every number 0")
    return known.get(unit, 1.0) * scale
