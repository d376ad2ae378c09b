"""What an agent says, as numbers: what is none is counted by why, and never guessed."""

import math
import re
import struct
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from meterhouse.clients.snmp.agent import Value

Floats = NDArray[np.float64]

TEXT = "text where a number belongs"
NO_NUMBER = "not a number"
NEGATIVE = "a counter below zero"
TOO_LARGE = "a counter beyond its size"

_PLAIN = re.compile(rb"\s*[+-]?\d{1,18}(\.\d{1,18})?\s*")
_OPAQUE = {(b"\x9f\x78\x04", 7): ">f", (b"\x9f\x79\x08", 11): ">d"}
"""Net-SNMP's Opaque: a float or a double inside. Source: draft-perkins-opaque-01."""


def numbers(values: Iterable[Value | None], refused: Counter[str]) -> Floats:
    """The numbers that were said, NaN where nothing was; what was nonsense is counted."""
    plain = [value if type(value) is int else _number(value, refused) for value in values]
    return np.array(plain, np.float64)


def _number(value: Value | None, refused: Counter[str]) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bytes):
        return _of_bytes(value, refused)
    if isinstance(value, float) and math.isfinite(value):
        return value
    refused[NO_NUMBER] += 1
    return math.nan


def _of_bytes(value: bytes, refused: Counter[str]) -> float:
    """A number in plain digits is one: Net-SNMP's ``extend`` says all it says as text."""
    shape = _OPAQUE.get((value[:3], len(value)))
    if shape:
        inside: float = struct.unpack(shape, value[3:])[0]
        return _number(inside, refused)
    if _PLAIN.fullmatch(value):
        return float(value)
    refused[TEXT] += 1
    return math.nan


def without(said: Floats, absent: Sequence[int] | None) -> Floats:
    """NaN for what means that there is no number. None: for everything below zero."""
    nothing = said < 0 if absent is None else np.isin(said, absent)
    return np.where(nothing, np.nan, said)


def counts(said: Floats, size: float, refused: Counter[str]) -> Floats:
    """What a register of this size can say; what it cannot is counted."""
    below, above = said < 0, said >= size
    for wrong, why in ((below, NEGATIVE), (above, TOO_LARGE)):
        if wrong.any():
            refused[why] += int(wrong.sum())
    return np.where(below | above, np.nan, said)
