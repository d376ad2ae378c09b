"""Tables of a TOML file, read strictly: every flaw is noted, with the line it is on."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from meterhouse.inventory.declared import Flaw, Where
from meterhouse.inventory.keys import did_you_mean
from meterhouse.metering.periods import EPOCH, to_ms

# What may hold anything, and must not be looked into for headers: texts and comments.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*'
    r"|^[ \t]*\[\[[ \t]*(?P<table>[A-Za-z0-9_-]+)[ \t]*\]\]",
    re.DOTALL | re.MULTILINE,
)


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_WHOLE = range(-(2**63), 2**63)  # what TOML has; longer ones are no numbers to any other program
LONGEST = 500
"""Characters of a declared text: a key, a name, an address."""


def document(text: str) -> dict[str, Any]:
    """Read TOML, its fractions as they are written. Raises ValueError that says what is wrong."""
    try:
        values = tomllib.loads(text, parse_float=_fraction)
    except RecursionError as error:
        raise ValueError("values lie too deep inside each other") from error
    except ValueError as error:
        if "integer string conversion" not in str(error):
            raise
        raise ValueError("a whole number is beyond 64 bits") from error
    _check(values, "")
    return values


def _fraction(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text[:40]} is no number that can be worked with") from error


def _check(value: object, path: str) -> None:
    """Raise ValueError for what no database and no other program can hold."""
    if isinstance(value, dict):
        for key, each in value.items():
            if _CONTROL.search(key):
                raise ValueError(f"{path or 'the file'}: a key has control characters: {key!a}")
            _check(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for each in value:
            _check(each, path)
    elif isinstance(value, int) and value not in _WHOLE:
        raise ValueError(f"{path}: a whole number is beyond 64 bits")
    elif isinstance(value, str) and "\0" in value:
        raise ValueError(f"{path}: a text has a zero byte: {value[:40]!a}")


def lines_of_tables(text: str) -> dict[str, list[int]]:
    """For each ``[[table]]``, the lines (from 1) of its headers, in order."""
    lines: dict[str, list[int]] = {}
    for token in _TOKEN.finditer(text):
        if token["table"]:
            line = text.count("\n", 0, token.start("table")) + 1
            lines.setdefault(token["table"], []).append(line)
    return lines


PLACES = 9
"""Decimals of a declared number: with more, what it is multiplied with would not stay exact."""

LARGE = 10**9


@dataclass(slots=True)
class Table:
    """One table, asked key by key. What is wrong goes to ``flaws`` and reads as nothing."""

    values: Mapping[str, Any]
    where: Where
    flaws: list[Flaw]
    _asked: set[str] = field(default_factory=set)

    def flaw(self, text: str) -> None:
        self.flaws.append(Flaw(self.where, text))

    def text(self, key: str, *, needed: bool = False) -> str:
        """A text; "" if it is not there."""
        value = self._value(key, needed=needed)
        if isinstance(value, str):
            if needed and not value:
                self.flaw(f"{key} is empty")
            if _CONTROL.search(value):
                self.flaw(f"{key} has a line break or another control character: {value[:40]!a}")
            if len(value) > LONGEST:
                self.flaw(f"{key} is longer than {LONGEST} characters: {value[:40]!a}…")
            return value
        if value is not None:
            self.flaw(f"{key} must be a text, not {shown(value)}")
        return ""

    def whole(self, key: str) -> int:
        """A whole number above zero that is needed."""
        value = self._value(key, needed=True)
        if value is None:
            return 1
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
            self.flaw(f"{key} must be a whole number above zero, not {shown(value)}")
            return 1
        return value

    def amount(self, key: str, example: str) -> str:
        """A number from zero on that is needed, as the one text for it: "0.25" for 0.250.

        Written as a text or as a number: neither goes through binary fractions.
        """
        value = self._value(key, needed=True)
        try:
            return "0" if value is None else _amount(value)
        except (TypeError, ValueError, InvalidOperation):
            self.flaw(
                f"{key} must be a number from 0 to a billion, of at most {PLACES} decimals, "
                f'like {example} or "{example}", not {shown(value)}'
            )
            return "0"

    def moment(self, key: str) -> int | None:
        """A moment in milliseconds since 1970; None if it is not there."""
        value = self._value(key, needed=False)
        if value is None:
            return None
        try:
            return _moment(value)
        except (OverflowError, TypeError, ValueError):
            self.flaw(
                f"{key} must be a date (2026-05-01) or a moment (2026-05-01T12:00:00Z) "
                f"from 1970 to 9999, not {shown(value)}"
            )
            return None

    def value(self, key: str) -> Any:
        return self._value(key, needed=False)

    def done(self) -> None:
        """Note the keys that nobody asked for."""
        for key in self.values.keys() - self._asked:
            self.flaw(f'"{key}" is not known here{did_you_mean(key, sorted(self._asked))}')

    def _value(self, key: str, *, needed: bool) -> Any:
        self._asked.add(key)
        if needed and key not in self.values:
            self.flaw(f"{key} is missing")
        return self.values.get(key)


def _amount(value: object) -> str:
    """Raises TypeError, ValueError or InvalidOperation."""
    if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
        raise TypeError("no number")
    number = Decimal(value)
    if not (number.is_finite() and 0 <= number < LARGE):
        raise ValueError("out of bounds")
    if number != round(number, PLACES):
        raise ValueError("too fine")
    return format(number.normalize() if number else Decimal(0), "f")


def _moment(value: object) -> int:
    """Raises OverflowError, TypeError or ValueError. A date is its first moment in UTC."""
    if isinstance(value, str):
        value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    if not isinstance(value, date):
        raise TypeError("no date")
    if not isinstance(value, datetime):
        value = datetime.combine(value, time(), UTC)
    if value.utcoffset() is None or value < EPOCH:
        raise ValueError("no offset, or before 1970")
    return to_ms(value.astimezone(UTC))


def shown(value: object) -> str:
    """A value as it stands in a message: on one line, and not for ever."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime | date):
        return value.isoformat()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = text if len(text) <= LONGEST else f"{text[:40]}…"
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)
