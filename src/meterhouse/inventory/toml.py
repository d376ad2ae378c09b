"""Tables of a TOML file, read strictly: every flaw is noted, with the line it is on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from meterhouse.inventory.declared import Flaw, Where
from meterhouse.inventory.keys import did_you_mean
from meterhouse.metering.names import LONGEST, PLAIN, is_plain
from meterhouse.metering.periods import EPOCH, to_ms

# What may hold anything, and must not be looked into for headers: texts and comments.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*'
    r"|^[ \t]*\[\[[ \t]*(?P<table>[A-Za-z0-9_-]+)[ \t]*\]\]",
    re.DOTALL | re.MULTILINE,
)


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

LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""Whoever means "for ever" leaves ``until`` out; later moments overflow in some time zone."""


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
            if not is_plain(value):
                self.flaw(f"{key} must be {PLAIN}, not {_shown(value)}")
            return value
        if value is not None:
            self.flaw(f"{key} must be a text, not {_shown(value)}")
        return ""

    def whole(self, key: str) -> int:
        """A whole number above zero that is needed."""
        value = self._value(key, needed=True)
        if value is None:
            return 1
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
            self.flaw(f"{key} must be a whole number above zero, not {_shown(value)}")
            return 1
        return value

    def amount(self, key: str, example: str) -> str:
        """A number from zero on that is needed, as the one text for it: "0.25" for 0.250.

        Written as a text or as a number: neither goes through binary fractions.
        """
        value = self._value(key, needed=True)
        try:
            return "0" if value is None else _amount(value)
        except (TypeError, ValueError, ArithmeticError):
            self.flaw(
                f"{key} must be a number from 0 to a billion, of at most {PLACES} decimals, "
                f'like {example} or "{example}", not {_shown(value)}'
            )
            return "0"

    def moment(self, key: str) -> int | None:
        """A moment in milliseconds since 1970; None if it is not there."""
        value = self._value(key, needed=False)
        if value is None:
            return None
        try:
            return _moment(value)
        except (TypeError, ValueError):
            self.flaw(
                f"{key} must be a date (2026-05-01) or a moment (2026-05-01T12:00:00Z) "
                f"since 1970, not {_shown(value)}"
            )
        except OverflowError:
            self.flaw(f"{key} must be before the year 9000; for ever is without it")
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
    """Raises TypeError, ValueError or ArithmeticError."""
    if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
        raise TypeError("no number")
    if isinstance(value, str) and len(value) > LONGEST:
        raise ValueError("no amount is that long")
    number = Decimal(value)
    if not (number.is_finite() and 0 <= number < LARGE):
        raise ValueError("out of bounds")
    if number != round(number, PLACES):
        raise ValueError("too fine")
    return format(number.normalize() if number else Decimal(0), "f")


def _moment(value: object) -> int:
    """Raises TypeError, ValueError or OverflowError. A date is its first moment in UTC."""
    if isinstance(value, str):
        value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    if not isinstance(value, date):
        raise TypeError("no date")
    if not isinstance(value, datetime):
        value = datetime.combine(value, time(), UTC)
    if value.utcoffset() is None or value < EPOCH:
        raise ValueError("no offset, or before 1970")
    if value >= LATEST:
        raise OverflowError("too far away to be shown everywhere")
    return to_ms(value)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, int) and abs(value) >= 10**30:
        return "a number of so many digits"
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    return f'"{value}"' if isinstance(value, str) else str(value)
