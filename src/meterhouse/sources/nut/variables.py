"""Where NUT's naming standard puts watts, volts and amperes.

Source: Network UPS Tools, docs/nut-names.txt: ups, input and output (three-phase: input.L1, ...),
outlet.n (0: all of them together; also without a number), outlet.group.n, and in a daisy chain
the same after device.n.
"""

import re

from meterhouse.metering.meters import CURRENT, VOLTAGE, Meter

Sum = tuple[str, ...]
"""Variables that are added."""

LOAD, NOMINAL = "ups.load", "ups.realpower.nominal"
PHASES = ("L1", "L2", "L3")
PART = re.compile(r"\d+|(device\.\d+(\.|$))?(outlet(\.group)?\.\d+|input|output)?", re.ASCII)
"""What may follow a UPS's name: an outlet's number, or where its variables begin."""


def watts(part: str) -> list[Sum]:
    """Where the watts of a part may be said, in the order in which they are looked for.

    part: as PART has it; "" for all that a UPS delivers
    """
    begins, place = _split(part)
    if place in {"input", "output"}:
        return _phases(f"{begins}{place}")
    if place:
        whole = [(f"{begins}outlet.realpower",)] if place == "outlet.0" else []
        return [(f"{begins}{place}.realpower",), *whole]
    return [
        (f"{begins}ups.realpower",),
        *_phases(f"{begins}output"),
        (f"{begins}outlet.realpower",),
        (f"{begins}outlet.0.realpower",),
        *_phases(f"{begins}input"),
    ]


def voltage_and_current(part: str) -> dict[Meter, str]:
    """Their variables."""
    begins, place = _split(part)
    at = f"{begins}{place or 'output'}"
    return {VOLTAGE: f"{at}.voltage", CURRENT: f"{at}.current"}


def _phases(at: str) -> list[Sum]:
    return [(f"{at}.realpower",), tuple(f"{at}.{phase}.realpower" for phase in PHASES)]


def _split(part: str) -> tuple[str, str]:
    """The device of a chain with a dot, if one is named; and the part of it."""
    if part.isdecimal():
        return "", f"outlet.{part}"
    found = re.match(r"(device\.\d+)\.?", part)
    return (f"{found[1]}.", part[found.end() :]) if found else ("", part)
