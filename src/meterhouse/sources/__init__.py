"""What is read: each folder here is one kind of source; the runner supervises them.

A source is told everything (its configuration, its name, a clock), keeps no state outside the
object it opens, and does nothing but read. When to read, how long to wait, when to try again, what
to count and to log is the runner's work, once, for all of them.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Generic, Protocol, TypeVar, get_args, get_type_hints

import msgspec

from meterhouse.metering.clock import Clock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.meters import Meter
from meterhouse.metering.samples import Columns
from meterhouse.metering.secrets import Secret
from meterhouse.metering.snapshots import Snapshot

ConfigT = TypeVar("ConfigT")

SHORTEST_HOLD = timedelta(seconds=10)
HOLD_INTERVALS = 3
"""A reading stands for three missed intervals, and never less than ten seconds: over a longer
gap a guess is worse than none (measured on Grid'5000 traces, a ten-minute gap bridged by the last
reading overstates an idle node by 121 %)."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What one read brought: numbers, and lists of what exists. Either may be empty."""

    samples: Columns = field(default_factory=Columns)
    snapshots: tuple[Snapshot, ...] = ()


class Source(Protocol):
    """An open device or cloud."""

    async def read(self) -> Reading:
        """Return what there is to read now, waiting for it if the device is slow.

        Raises Unreachable (the runner closes, backs off and reopens) or BadReading (the runner
        counts it and reads on). Anything else is a bug: it is logged, and treated as Unreachable.
        Never called again before it has returned. It is cancelled when it takes longer than the
        source's timeout; what would block is done by ``asyncio.to_thread``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Named:
    """What the runner tells a source about itself.

    name:     the source's configured name; resource ids begin with ``<name>/``
    interval: how often it is read; zero if it is read without a pause because it waits itself
    hold:     how long one reading stands for when the next one does not come
    """

    name: str
    interval: timedelta
    hold: timedelta
    clock: Clock

    @property
    def hold_ms(self) -> int:
        return self.hold // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class SourceKind(Generic[ConfigT]):
    """What a source's folder hands over, under the name ``SOURCE`` in its ``source.py``.

    name:     the folder's name
    title:    for people
    config:   a frozen dataclass, filled from the source's table in the configuration
    meters:   what its samples may measure
    interval: how often it is read unless told otherwise; zero: ``read`` waits for the device
    timeout:  how long opening, one read, and closing may each take, unless told otherwise
    open:     may be called any number of times, also at once; raises what ``read`` raises
    """

    name: str
    title: str
    config: type[ConfigT]
    meters: tuple[Meter, ...]
    interval: timedelta
    timeout: timedelta
    open: Callable[[ConfigT, Named], AbstractAsyncContextManager[Source]]


@dataclass(frozen=True)
class Configured:
    """One source as somebody set it up. Two that are equal need no restart."""

    name: str
    kind: SourceKind[Any]
    config: Any
    interval: timedelta
    timeout: timedelta
    enabled: bool = True

    def named(self, clock: Clock) -> Named:
        hold = max(HOLD_INTERVALS * self.interval, SHORTEST_HOLD)
        return Named(self.name, self.interval, hold, clock)

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Source]:
        return self.kind.open(self.config, self.named(clock))


def kinds() -> Iterator[SourceKind[Any]]:
    """Every kind of source there is: a folder is a source, and that is all the registration."""
    return (_load(name) for name in _names())


def kind(name: str) -> SourceKind[Any]:
    """The kind of that name. Raises Mistake that names those there are."""
    names = _names()
    if name not in names:
        raise Mistake(f"no kind of source is called {name!r}{_hint(name, names)}")
    return _load(name)


def configure(name: str, table: Mapping[str, object], *, where: str) -> Configured:
    """Turn a source's table into a source that can be opened.

    name:  the source's name: letters, digits, dot, underscore and dash
    table: ``kind``, and as one likes ``interval`` and ``timeout`` (seconds, or text like "15m"),
           ``enabled``; every other key belongs to the kind's own configuration
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
        raise Mistake(f"key 'kind' is missing: one of {', '.join(_names())}")
    found = kind(called)
    interval = _duration("interval", table.pop("interval", found.interval))
    timeout = _duration("timeout", table.pop("timeout", found.timeout))
    if not timeout or (found.interval and not interval):
        raise Mistake(f"key {'interval' if timeout else 'timeout'!r}: must be more than zero")
    enabled = table.pop("enabled", True)
    if not isinstance(enabled, bool):
        raise Mistake("key 'enabled': expected true or false")
    return Configured(name, found, decode(table, found.config), interval, timeout, enabled)


def decode(table: Mapping[str, object], shape: type[ConfigT]) -> ConfigT:
    """Fill a dataclass from a table, strictly. Raises Mistake that names the key."""
    _refuse_unknown(table, shape, "")
    try:
        return msgspec.convert(table, shape, dec_hook=_decode_secret)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `")
        key = path.rstrip("`").removeprefix("$").lstrip(".")
        raise Mistake(
            f"key {key!r}: {what}" if key else what.replace("Object", "the table")
        ) from None


def _decode_secret(wanted: type, found: object) -> object:
    if wanted is Secret and isinstance(found, str):
        return Secret(found)
    raise TypeError(f"expected {wanted.__name__.lower()}")  # never the text: it may be a password


def _refuse_unknown(value: object, shape: Any, path: str) -> None:
    """Raise Mistake for a key that no dataclass in ``shape`` knows; msgspec would ignore it."""
    if isinstance(value, Mapping) and dataclasses.is_dataclass(shape):
        known = get_type_hints(shape)
        for key, inner in value.items():
            if key not in known:
                raise Mistake(f"key {path + str(key)!r} is not known{_hint(str(key), known)}")
            _refuse_unknown(inner, known[key], f"{path}{key}.")
    elif isinstance(value, (list, tuple)):
        for inner in value:
            for item in get_args(shape):
                _refuse_unknown(inner, item, path)


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


def _hint(wrong: str, known: Iterable[str]) -> str:
    near = get_close_matches(wrong, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(known)}"


def _names() -> list[str]:
    return sorted(folder.name for folder in iter_modules(__path__) if folder.ispkg)


def _load(name: str) -> SourceKind[Any]:
    found: SourceKind[Any] = import_module(f"{__name__}.{name}.source").SOURCE
    return found
