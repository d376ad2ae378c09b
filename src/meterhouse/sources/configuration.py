"""A source's table in the configuration, read strictly into a source that can be opened."""

import dataclasses
import math
import re
from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from meterhouse.metering.clock import Clock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.secrets import Secret
from meterhouse.sources.kinds import Named, Source, SourceKind, kind, kinds
from meterhouse.sources.limits import MOST_W, Limits
from meterhouse.sources.memory import Memory
from meterhouse.sources.near import hint

ConfigT = TypeVar("ConfigT")

SHORTEST_HOLD = timedelta(seconds=10)
HOLD_INTERVALS = 3
"""A reading stands for three missed intervals, and never less than ten seconds: over a longer
gap a guess is worse than none (measured on Grid'5000 traces, a ten-minute gap bridged by the last
reading overstates an idle node by 121 %)."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_COMMON = ("kind", "interval", "timeout", "enabled", "limit", "limits")  # of every source
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


@dataclass(frozen=True)
class Configured:
    """One source as somebody set it up. Two that are equal need no restart."""

    name: str
    kind: SourceKind[Any]
    config: Any
    interval: timedelta
    timeout: timedelta
    enabled: bool = True
    limits: Limits = field(default_factory=Limits)

    def named(self, clock: Clock, memory: Path | None = None) -> Named:
        """memory: the folder of what sources remember; None: it is forgotten."""
        hold = max(HOLD_INTERVALS * self.interval, SHORTEST_HOLD)
        kept = Memory(memory / f"{self.name}.json" if memory else None)
        return Named(self.name, self.interval, hold, clock, memory=kept)

    def open(
        self, clock: Clock, memory: Path | None = None
    ) -> AbstractAsyncContextManager[Source]:
        return self.kind.open(self.config, self.named(clock, memory))


def configure(name: str, table: Mapping[str, object], *, where: str) -> Configured:
    """Turn a source's table into a source that can be opened.

    name:  the source's name: letters, digits, dot, underscore and dash
    table: ``kind``, and as one likes ``interval`` and ``timeout`` (seconds, or text like "15m"),
           ``enabled``, ``limit`` (watts that no probe exceeds), ``limits`` (the same of single
           probes, by name); every other key belongs to the kind's own configuration
    where: what the table stood in, for the message: a file's name

    Raises Mistake: one line that names where, the table and the key.
    """
    place = f"{where}: source {name!r}"
    if not _NAME.fullmatch(name):
        raise Mistake(f"{place}: a name is made of letters, digits, '.', '_' and '-'")
    try:
        return _configured(name, dict(table))
    except Mistake as mistake:
        raise Mistake(f"{place}: {mistake}") from mistake


def _configured(name: str, table: dict[str, object]) -> Configured:
    called = table.pop("kind", None)
    if not isinstance(called, str):
        there_are = ", ".join(known.name for known in kinds())
        raise Mistake(f"key 'kind' is missing; there are: {there_are}")
    found = kind(called)
    interval = _duration("interval", table.pop("interval", found.interval))
    timeout = _duration("timeout", table.pop("timeout", found.timeout))
    if not timeout or (found.interval and not interval):
        raise Mistake(f"key {'interval' if timeout else 'timeout'!r}: must be more than zero")
    enabled = table.pop("enabled", True)
    if not isinstance(enabled, bool):
        raise Mistake("key 'enabled': expected true or false")
    limits = _limits(table.pop("limit", MOST_W), table.pop("limits", {}))
    return Configured(
        name, found, decode(table, found.config, _COMMON), interval, timeout, enabled, limits
    )


def _limits(each: object, own: object) -> Limits:
    if not isinstance(own, Mapping):
        raise Mistake("key 'limits': expected a table of watts by probe: { node-1 = 800 }")
    return Limits(
        _watts("limit", each),
        {str(probe): _watts(f"limits.{probe}", watts) for probe, watts in own.items()},
    )


def _watts(key: str, value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < math.inf:
        return float(value)
    raise Mistake(f"key {key!r}: {value!r} is no limit in watts; it is a number above 0")


def decode(
    table: Mapping[str, object], shape: type[ConfigT], common: Collection[str] = ()
) -> ConfigT:
    """Fill a dataclass from a table, strictly. Raises Mistake that names the key.

    common: keys that may stand beside these, for the message about one that may not
    """
    _refuse_unknown(table, shape, "", common)
    try:
        return msgspec.convert(table, shape, dec_hook=_decode_secret)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `")
        key = path.rstrip("`").removeprefix("$").lstrip(".")
        what = what.replace("Object missing required field", "missing key").replace("`", "'")
        raise Mistake(f"key {key!r}: {what}" if key else what) from None


def _decode_secret(wanted: type, found: object) -> object:
    if wanted is Secret and isinstance(found, str):
        return Secret(found)
    raise TypeError(f"expected {wanted.__name__.lower()}")  # never the text: it may be a password


def _refuse_unknown(value: object, shape: Any, path: str, common: Collection[str] = ()) -> None:
    """Raise Mistake for a key that no dataclass in ``shape`` knows; msgspec would ignore it."""
    if get_origin(shape) in {Union, UnionType}:
        for either in get_args(shape):
            _refuse_unknown(value, either, path)
    elif isinstance(value, Mapping) and dataclasses.is_dataclass(shape):
        known = get_type_hints(shape)
        for key, inner in value.items():
            if key not in known:
                raise Mistake(
                    f"key {path + str(key)!r} is not known{hint(str(key), [*known, *common])}"
                )
            _refuse_unknown(inner, known[key], f"{path}{key}.")
    elif isinstance(value, (Mapping, list, tuple)) and get_args(shape):
        of = next((part for part in reversed(get_args(shape)) if part is not ...), None)
        for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
            _refuse_unknown(inner, of, f"{path}{key}.")


def _duration(key: str, value: object) -> timedelta:
    """A number of seconds, or text like "500ms", "15m"."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e9:
        return timedelta(seconds=value)
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise Mistake(f'key {key!r}: {value!r} is no duration; write seconds, or like "15m"')
    return float(found[1]) * _UNITS[found[2]]


def secret_keys(config: type) -> frozenset[str]:
    """The keys of a kind's configuration that hold a secret anywhere inside."""
    return frozenset(key for key, shape in get_type_hints(config).items() if _holds_secret(shape))


def _holds_secret(shape: Any) -> bool:
    if shape is Secret:
        return True
    inner = [*get_args(shape), *_fields(shape)]
    return any(_holds_secret(part) for part in inner)


def _fields(shape: Any) -> list[Any]:
    named = isinstance(shape, type) and hasattr(shape, "__dataclass_fields__")
    return list(get_type_hints(shape).values()) if named else []
