"""How a source is spoken to: what it offers, what it is told, and where its kinds are found."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from meterhouse.metering.clock import Clock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.meters import Meter
from meterhouse.metering.samples import Columns
from meterhouse.metering.snapshots import Snapshot
from meterhouse.sources.blocking import Blocking
from meterhouse.sources.memory import Memory
from meterhouse.sources.near import hint

ConfigT = TypeVar("ConfigT")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one read brought: numbers, and lists of what exists. Either may be empty.

    refused: how many numbers the device said that cannot be believed, by reason in a few words
             ("not a number"); they are not among the samples, but for falls of counters
    lacking: what was asked for and not said, in words that name it ("no power: node-1"); with
             numbers beside it the source is partly good, and without any its reading is bad
    """

    samples: Columns = field(default_factory=Columns)
    snapshots: tuple[Snapshot, ...] = ()
    refused: Mapping[str, int] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()


class Source(Protocol):
    """An open device or cloud."""

    async def read(self) -> Reading:
        """Return what there is to read now, waiting for it if the device is slow.

        Raises Unreachable (the runner closes, backs off and reopens) or BadReading (the runner
        counts it and reads on). Anything else is a bug: it is logged, and treated as Unreachable.
        Never called again before it has returned. It is cancelled when it takes longer than the
        source's timeout, which only works where it awaits: what blocks goes through
        ``Named.blocking``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Named:
    """What the runner tells a source about itself.

    name:     the source's configured name; resource ids begin with ``<name>/``
    interval: how often it is read; zero if it is read without a pause because it waits itself
    hold:     how long one reading stands for when the next one does not come
    blocking: where it does what would block; the same one each time the source is opened
    memory:   what it remembers over a restart: where its counters stand
    """

    name: str
    interval: timedelta
    hold: timedelta
    clock: Clock
    blocking: Blocking = field(default_factory=Blocking, compare=False)
    memory: Memory = field(default_factory=Memory, compare=False)

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


def kinds() -> Iterator[SourceKind[Any]]:
    """Every kind of source there is: a folder is a source, and that is all the registration."""
    return (_load(name) for name in _names())


def kind(name: str) -> SourceKind[Any]:
    """The kind of that name. Raises Mistake that names those there are."""
    names = _names()
    if name not in names:
        raise Mistake(f"no kind of source is called {name!r}{hint(name, names)}")
    return _load(name)


def _names() -> list[str]:
    return sorted(file.parent.name for file in Path(__file__).parent.glob("*/source.py"))


def _load(name: str) -> SourceKind[Any]:
    found: SourceKind[Any] = import_module(f"meterhouse.sources.{name}.source").SOURCE
    return found
