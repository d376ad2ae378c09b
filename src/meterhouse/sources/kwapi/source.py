"""Drivers or forwarders that speak Kwapi's wire: what they send is read like any other source.

There is neither time nor number in Kwapi's messages (bus/kwapi.py): a reading is stamped when it
arrives, and what is recorded by somebody and sent again cannot be told from a new one.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from meterhouse.bus.kwapi import KwapiListener, checked
from meterhouse.metering.errors import Mistake, Unreachable
from meterhouse.metering.meters import POWER
from meterhouse.metering.samples import Columns, Series
from meterhouse.metering.secrets import Secret
from meterhouse.metering.snapshots import Snapshot
from meterhouse.sources import Named, Outlets, Reading, Source, SourceKind, unnameable

QUIETS = 5  # of these without anybody there are enough
QUIET_S = 1.0  # after so long without a reading, what was refused meanwhile is told
MOST_PROBES = 10_000  # of one source: names are anybody's to make up where nothing is signed
NO_NAME = "no name of a probe"
TOO_MANY = "one probe too many"
KEPT = frozenset({"heard"})  # counts of the listener that are no refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Where the drivers are.

    addresses: of drivers or forwarders: tcp://host:port or ipc:///path
    secret:    their metering_secret; "" if they do not sign: then anybody may say anything
    probes:    which probes to hear, by their ids; none: all
    project:   whose the probes are, by the project's id; "" leaves it to an ownership rule
    """

    addresses: tuple[str, ...]
    secret: Secret = field(default_factory=lambda: Secret(""))
    probes: tuple[str, ...] = ()
    project: str = ""

    def __post_init__(self) -> None:
        if not self.addresses:
            raise ValueError("addresses: at least one is needed, like tcp://host:5000")
        for address in self.addresses:
            try:
                checked(address)
            except Mistake as mistake:
                raise ValueError(f"addresses: {mistake}") from mistake


class Kwapi:
    """What was heard, with its probes as outlets of this source."""

    def __init__(self, listener: KwapiListener, config: Config, named: Named) -> None:
        self._listener, self._config, self._named = listener, config, named
        self._told: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._names: set[str] = set()
        self._quiet = 0
        self._outlets: Outlets | None = None
        self._translated: tuple[tuple[Series, ...], _Translation] | None = None
        self._next: asyncio.Task[Columns] | None = None

    async def read(self) -> Reading:
        """Wait for readings, or for something to be refused; the timeout is the silence.

        Raises Unreachable sooner if nobody is there at all.
        """
        while True:
            heard = await self._heard()
            self._quiet = 0 if heard else self._quiet + 1
            if self._quiet >= QUIETS:
                self._require_somebody()
            samples = self._named_samples(heard) if heard else Columns()
            refused = self._take_refused()
            if len(samples) or refused:
                return Reading(samples, self._listed(), refused)

    def _require_somebody(self) -> None:
        if nobody := self._listener.nobody():
            raise Unreachable(f"no connection to {nobody}: does a driver publish there?")

    async def close(self) -> None:
        if self._next:
            self._next.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await self._next

    async def _heard(self) -> Columns | None:
        """The next readings; None if none come for a while. Being cut loses none of them."""
        if self._next is None:
            self._next = asyncio.create_task(self._listener.__anext__())
        done, _ = await asyncio.wait([self._next], timeout=QUIET_S)
        if not done:
            return None
        task, self._next = self._next, None
        return task.result()

    def _take_refused(self) -> Mapping[str, int]:
        """What was refused since the last time, by reason."""
        counts = Counter({k: n for k, n in self._listener.counts.items() if k not in KEPT})
        new, self._told = counts - self._told, counts
        new, self._refused = new + self._refused, Counter()
        return dict(new)

    def _named_samples(self, heard: Columns) -> Columns:
        """The same samples under this source's names; worked out once for the same probes."""
        if self._translated is None or self._translated[0] is not heard.series:
            self._translated = heard.series, self._translate(heard.series)
        translation = self._translated[1]
        place = translation.place[heard.key]
        for reason, mask in translation.refused.items():
            if count := int(np.count_nonzero(mask[heard.key])):
                self._refused[reason] += count
        good = place >= 0
        key = place[good].astype(np.uint32)
        return Columns(translation.series, key, heard.at[good], heard.value[good])

    def _translate(self, heard: Sequence[Series]) -> "_Translation":
        reasons = [self._admit(each.resource) for each in heard]
        names = [each.resource for each, why in zip(heard, reasons, strict=True) if not why]
        number = {name: place for place, name in enumerate(names)}
        hold_ms, prefix = self._named.hold_ms, self._named.name
        return _Translation(
            tuple(Series(f"{prefix}/{name}", POWER.name, hold_ms) for name in names),
            np.array([number.get(each.resource, -1) for each in heard], np.int64),
            {
                reason: np.array([why == reason for why in reasons], np.bool_)
                for reason in {*reasons} - {""}
            },
        )

    def _admit(self, name: str) -> str:
        """Take a probe among those there are; returns why not."""
        if name in self._names:
            return ""
        if unnameable(name):
            return NO_NAME
        if len(self._names) >= MOST_PROBES:
            return TOO_MANY
        self._names.add(name)
        self._outlets = outlets(self._named, self._names, self._config.project)
        return ""

    def _listed(self) -> tuple[Snapshot, ...]:
        return self._outlets.listed(self._named.clock.now_ms()) if self._outlets else ()


@dataclass(frozen=True, slots=True)
class _Translation:
    """series: this source's. place: of each that was heard, among them; -1 where refused."""

    series: tuple[Series, ...]
    place: "np.typing.NDArray[np.int64]"
    refused: Mapping[str, "np.typing.NDArray[np.bool_]"]


def outlets(named: Named, names: Collection[str], project: str) -> Outlets:
    return Outlets(named, sorted(names), project=project)


@asynccontextmanager
async def open_kwapi(config: Config, named: Named) -> AsyncIterator[Source]:
    secret = config.secret.reveal().encode() or None
    listener = KwapiListener(
        config.addresses,
        secret=secret,
        hold=named.hold,
        clock=named.clock,
        probes=config.probes,
    )
    async with listener:
        source = Kwapi(listener, config, named)
        try:
            yield source
        finally:
            await source.close()


SOURCE = SourceKind(
    name="kwapi",
    title="Kwapi's drivers",
    config=Config,
    meters=(POWER,),
    interval=timedelta(0),
    timeout=timedelta(seconds=60),
    open=open_kwapi,
)
