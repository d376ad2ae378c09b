"""Figures inside the JSON documents that meters send: where they are and what they count."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from meterhouse.metering.errors import BadReading
from meterhouse.metering.meters import CURRENT, ENERGY, POWER, VOLTAGE, Meter
from meterhouse.sources.units import factor

NOT_VALID = "it says that it is not valid"
COMPLAINTS = ("message", "error", "errors", "WARNING", "warning", "Command", "detail")
"""Keys under which devices say what is wrong: Shelly (message, errors), Tasmota (WARNING, and
Command for one that it does not know), and others."""
LONGEST_COMPLAINT = 80

Path = str | tuple[str, ...]
"""The way into a document: keys, and in lists places, with dots between: "meters.0.power".

"" is the document itself, where it is a number and nothing more. A key that holds a dot is
written as a list: ["a.b", "power"].
"""

CHANNEL = "{channel}"
"""In a path or an address: the circuit, relay or name that is read there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a document says one figure.

    unit:  what it counts in: W, kWh, ...
    scale: what its number is multiplied by besides: 0.1 if it counts tenths
    phases: whether a list of numbers there is the phases of one outlet: added, and of volts the
           average
    """

    path: Path = ""
    unit: str = ""
    scale: float = 1.0
    phases: bool = False


Places = Mapping[Meter, Place]


def steps(path: Path, channel: str = "") -> tuple[str, ...]:
    """A path's keys, one after another, for one channel."""
    keys = (tuple(path.split(".")) if path else ()) if isinstance(path, str) else path
    return tuple(key.replace(CHANNEL, channel) for key in keys)


def decode(payload: bytes) -> object:
    """A JSON document. Raises BadReading that shows how it begins."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        begins = payload[:40].decode("utf-8", "replace")
        raise BadReading(f"no JSON: {begins!r}" if payload else "an empty document") from error


def found(document: object, keys: Sequence[str]) -> object:
    """What a document holds at the end of a path; None where it does not lead anywhere."""
    for key in keys:
        if isinstance(document, dict):
            document = document.get(key)
        elif isinstance(document, list) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            return None
    return document


def number(said: object) -> float:
    """A finite number, also if it stands in a text. Raises ValueError."""
    believed = isinstance(said, (int, float, str)) and not isinstance(said, bool)
    try:
        value = float(said) if believed else math.nan  # type: ignore[arg-type]
    except OverflowError as error:
        raise ValueError("no number") from error
    if not math.isfinite(value):
        raise ValueError("no number")
    return value


def complaint(document: object) -> str:
    """What a device says in its own words about what is wrong; "" if it says nothing of it."""
    said = document if isinstance(document, dict) else {}
    for key in COMPLAINTS:
        if said.get(key):
            return f"it says {key}: {str(said[key])[:LONGEST_COMPLAINT]}"
    return ""


def _number(meter: Meter, said: object, *, phases: bool) -> float:
    """Raises ValueError."""
    if not phases or not isinstance(said, list) or not said:
        return number(said)
    total = math.fsum(map(number, said))
    return total / len(said) if meter == VOLTAGE else total


class Figures:
    """What is read of every document of one kind, of one channel. Raises ValueError for a unit
    that no such meter has.

    before: keys that lead to the part of the document that the places are in
    valid:  a key beside the places; where it says false, nothing there is believed
    """

    def __init__(
        self, places: Places, channel: str = "", before: Path = "", valid: str = ""
    ) -> None:
        self._part = steps(before, channel)
        self._valid = (*self._part, valid) if valid else ()
        self._places = [
            (
                meter,
                self._part + steps(place.path, channel),
                factor(meter, place.unit, place.scale),
                place.phases,
            )
            for meter, place in places.items()
        ]

    @property
    def paths(self) -> dict[Meter, str]:
        """Where each figure is, as people write it."""
        return {meter: ".".join(keys) for meter, keys, *_ in self._places}

    def complaint(self, document: object) -> str:
        """What the device says is wrong, of this part or of all."""
        return complaint(found(document, self._part)) or complaint(document)

    def of(self, document: object, refused: Counter[str]) -> dict[Meter, float]:
        """What the document says, in base units. What is null or missing is not known; what is no
        number is counted.
        """
        values: dict[Meter, float] = {}
        if self._valid and found(document, self._valid) is False:
            refused[NOT_VALID] += 1
            return values
        for meter, keys, multiplied, phases in self._places:
            said = found(document, keys)
            if said is None:
                continue
            try:
                values[meter] = _number(meter, said, phases=phases) * multiplied
            except ValueError:
                refused["not a number"] += 1
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Where a document says when it was measured.

    unit: "s" or "ms" since 1970, or "text": ISO 8601 with its zone, as in 2026-05-01T12:00:00Z
    """

    path: Path
    unit: str = "s"

    def __post_init__(self) -> None:
        if self.unit not in {"s", "ms", "text"}:
            raise ValueError('timestamp: unit is "s", "ms" or "text"')

    def of(self, document: object, channel: str) -> int:
        """Milliseconds since 1970. Raises BadReading."""
        said = found(document, steps(self.path, channel))
        try:
            if self.unit == "text":
                return _instant_ms(str(said))
            return int(number(said) * (1000 if self.unit == "s" else 1))
        except (ValueError, OverflowError) as error:
            raise BadReading(f"timestamp: {str(said)[:40]!r} is none: {error}") from error


def _instant_ms(text: str) -> int:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("it has no zone")
    return int(at.timestamp() * 1000)


def places(
    power: Place | None, energy: Place | None, voltage: Place | None, current: Place | None
) -> dict[Meter, Place]:
    """Those that somebody named, by meter."""
    named = {POWER: power, ENERGY: energy, VOLTAGE: voltage, CURRENT: current}
    return {meter: place for meter, place in named.items() if place is not None}


SHELLY_SWITCH: Places = {
    POWER: Place(path="apower"),
    ENERGY: Place(path="aenergy.total", unit="Wh"),
    VOLTAGE: Place(path="voltage"),
    CURRENT: Place(path="current"),
}
"""Source: Shelly, Gen2+ device API, component Switch, status: apower in W, aenergy.total in Wh."""

SHELLY_EM: Places = {
    POWER: Place(path="power"),
    ENERGY: Place(path="total", unit="Wh"),
    VOLTAGE: Place(path="voltage"),
}
"""Source: Shelly, Gen1 device API, Shelly EM and 3EM, /status, emeters: total in Wh."""

TASMOTA: Places = {
    POWER: Place(path="ENERGY.Power", phases=True),
    ENERGY: Place(path="ENERGY.Total", unit="kWh", phases=True),
    VOLTAGE: Place(path="ENERGY.Voltage", phases=True),
    CURRENT: Place(path="ENERGY.Current", phases=True),
}
"""Source: Tasmota, documentation, JSON status responses: ENERGY of SENSOR and of Status 10; lists
where it measures several phases."""

TASMOTA_EACH: Places = {
    POWER: Place(path=f"ENERGY.Power.{CHANNEL}"),
    ENERGY: Place(path=f"ENERGY.Total.{CHANNEL}", unit="kWh"),
    VOLTAGE: Place(path="ENERGY.Voltage", phases=True),
    CURRENT: Place(path=f"ENERGY.Current.{CHANNEL}"),
}
"""The same where its phases are several outlets: nothing is counted twice."""
