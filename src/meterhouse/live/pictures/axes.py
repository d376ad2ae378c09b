"""Axes in round steps: watts from zero up, and moments in UTC."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

_UNITS = ("W", "kW", "MW", "GW", "TW")
_STEPS_S = (
    *(10, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200, 86_400, 2 * 86_400, 7 * 86_400, 14 * 86_400),
)
_MONTH_S = 30 * 86_400


class Mark(NamedTuple):
    """Where on an axis, in its unit (watts, milliseconds), and what stands there."""

    at: float
    label: str


def watts(most: float, steps: int) -> Sequence[Mark]:
    """From zero to the first round step that is not below ``most``, in about so many steps."""
    most = most if math.isfinite(most) and most > 0 else 1.0
    power = min(max(int(math.log10(most)) // 3, 0), len(_UNITS) - 1)
    by = 1000.0**power
    step = _round(most * 1.04 / by / steps)
    count = math.ceil(most * 1.04 / by / step - 1e-6)
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    return [
        Mark(number * step * by, f"{number * step:.{places}f} {_UNITS[power]}" if number else "0")
        for number in range(count + 1)
    ]


def _round(value: float) -> float:
    """The number of 1, 2, 5, 10, 20 ... that is nearest."""
    ten = 10.0 ** math.floor(math.log10(value))
    digit = value / ten
    return float(ten * (1 if digit < 1.42 else 2 if digit < 3.17 else 5 if digit < 7.08 else 10))


def moments(start_ms: int, end_ms: int, most: int) -> Sequence[Mark]:
    """At most so many round moments between two."""
    least = (end_ms - start_ms) / 1000 / max(most, 1)
    step = next((each for each in _STEPS_S if each >= least), 0)
    if not step:
        return _months(start_ms, end_ms, most)
    first = -(-start_ms // (step * 1000)) * step
    return [Mark(at * 1000, _moment(at, step)) for at in range(first, end_ms // 1000 + 1, step)]


def _moment(at: int, step: int) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    if step >= 86_400 or (moment.hour, moment.minute, moment.second) == (0, 0, 0):
        return f"{moment:%m-%d}"
    return f"{moment:%H:%M}" if step >= 60 else f"{moment:%H:%M:%S}"


def _months(start_ms: int, end_ms: int, most: int) -> Sequence[Mark]:
    """Firsts of months, every so many of them that they fit."""
    every = max(1, math.ceil((end_ms - start_ms) / 1000 / _MONTH_S / max(most, 1)))
    begin = datetime.fromtimestamp(start_ms / 1000, UTC)
    found: list[Mark] = []
    number = begin.year * 12 + begin.month - 1
    every = next((each for each in (1, 2, 3, 6, 12) if each >= every), every)
    while True:
        at = datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
        if at.timestamp() * 1000 > end_ms:
            return found
        if number % every == 0 and at.timestamp() * 1000 >= start_ms:
            found.append(Mark(at.timestamp() * 1000, f"{at:%Y-%m}"))
        number += 1
