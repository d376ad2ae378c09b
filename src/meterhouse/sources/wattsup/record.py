"""What a Watts up? PRO sends: records that begin with # and end with ;.

Source: Watts up? PRO communications protocol, version 4.42: ``#d,-,18,W,V,A,Wh,...;``, whole
numbers: watts, volts and watt-hours in tenths, amperes in thousandths; what the meter was not
told to send is ``_``. cases/plugged_in holds such a record.
"""

import re
from collections.abc import Mapping

from meterhouse.metering.errors import BadReading
from meterhouse.metering.meters import CURRENT, ENERGY, POWER, VOLTAGE, Meter
from meterhouse.sources import factor

LONGEST = 1024  # bytes; a record has about 80
LEFT_OUT = b"_"

FIELDS: tuple[tuple[Meter, float], ...] = (
    (POWER, factor(POWER, "W", 0.1)),
    (VOLTAGE, factor(VOLTAGE, "V", 0.1)),
    (CURRENT, factor(CURRENT, "mA")),
    (ENERGY, factor(ENERGY, "Wh", 0.1)),
)
"""The first fields of a record, and what their numbers are multiplied by."""


def parse(record: bytes) -> dict[Meter, float] | None:
    """The figures of one record, from # to before ;, in base units; None if it is of another
    kind. Raises BadReading.
    """
    kind, *rest = record.split(b",")
    if kind != b"#d":
        return None
    fields = rest[2:]
    if len(rest) < 2 or not rest[1].isdigit() or int(rest[1]) != len(fields):
        raise BadReading(f"half a record: {_shown(record)}")
    if not all(field == LEFT_OUT or re.fullmatch(rb"-?\d{1,10}", field) for field in fields):
        raise BadReading(f"a record with something else than numbers: {_shown(record)}")
    return {
        meter: int(field) * multiplied
        for (meter, multiplied), field in zip(FIELDS, fields, strict=False)
        if field != LEFT_OUT
    }


class Received:
    """Bytes as they come, cut into records. What stands before a # is noise and is left out."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def __len__(self) -> int:
        return len(self._bytes)

    def add(self, part: bytes) -> None:
        """Raises BadReading if what is being received does not end; it is thrown away."""
        self._bytes += part
        if b";" not in self._bytes and len(self._bytes) > LONGEST:
            begins = _shown(bytes(self._bytes))
            self._bytes.clear()
            raise BadReading(f"a record that does not end after {LONGEST} bytes: {begins}")

    def latest(self) -> dict[Meter, float] | None:
        """The figures of the last whole record; those before it are of the past. Raises
        BadReading if there are records, and that one cannot be used.
        """
        *whole, rest = bytes(self._bytes).split(b";")
        self._bytes[:] = rest
        found: dict[Meter, float] | None = None
        for part in whole:
            if b"#" in part:
                found = parse(part[part.rindex(b"#") :]) or found
        return found

    def __str__(self) -> str:
        return _shown(bytes(self._bytes))


def figures(values: Mapping[Meter, float]) -> dict[Meter, list[float]]:
    """As one outlet's columns."""
    return {meter: [values.get(meter, float("nan"))] for meter, _ in FIELDS}


def _shown(record: bytes) -> str:
    return repr(record[:60].decode("ascii", "backslashreplace"))
