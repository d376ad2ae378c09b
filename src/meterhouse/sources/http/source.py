"""Meters that answer a web request with JSON: many urls at once, many probes in one document."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, urlsplit

import numpy as np

from meterhouse.metering.errors import BadReading, Unreachable
from meterhouse.metering.meters import CURRENT, ENERGY, POWER, VOLTAGE, Meter
from meterhouse.sources import Named, Outlets, Parts, Reading, Source, SourceKind, lacks
from meterhouse.sources.documents import CHANNEL, Figures, complaint
from meterhouse.sources.http.client import Client, open_client
from meterhouse.sources.http.config import Config

Missing = list[tuple[str, str]]
"""What is missing, and of which outlet."""
REST_MS = 30_000
"""How long a meter that did not answer is left alone while others do."""
AHEAD_MS = 3_600_000
"""A meter's clock may be ahead by so much: as much as is believed of any source."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """What is read of a document for one outlet, whose number is ``place``."""

    place: int
    channel: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Document:
    """One address that is fetched, and the outlets that are in what it answers."""

    url: str
    outlets: tuple[Outlet, ...]

    @property
    def name(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.netloc}{parts.path}"


def documents(config: Config) -> tuple[Document, ...]:
    """Each address once, with all outlets that it answers for."""
    known = config.known
    at: dict[str, list[Outlet]] = {}
    pairs = ((url, channel) for url in config.urls for channel in config.channels)
    for place, (url, channel) in enumerate(pairs):
        whole = (url.rstrip("/") + known.address) if known.address else url
        figures = Figures(config.places, channel, known.before, known.valid)
        address = whole.replace(CHANNEL, quote(channel, safe=""))
        at.setdefault(address, []).append(Outlet(place, channel, figures))
    return tuple(Document(url, tuple(outlets)) for url, outlets in at.items())


class Round:
    """What one round of fetching brings: of each meter a number an outlet, and when."""

    def __init__(self, outlets: int, now_ms: int) -> None:
        self.now_ms = now_ms
        self.values = {
            meter: np.full(outlets, np.nan) for meter in (POWER, ENERGY, VOLTAGE, CURRENT)
        }
        self.at = np.full(outlets, now_ms, np.int64)
        self.missing: Missing = []
        self.refused: Counter[str] = Counter()
        self.answered = False

    def put(self, place: int, values: dict[Meter, float], at_ms: int) -> None:
        self.at[place] = at_ms
        for meter, value in values.items():
            self.values[meter][place] = value


class Http:
    """All documents of a section, fetched at once."""

    def __init__(self, client: Client, config: Config, named: Named) -> None:
        self._client, self._config, self._named = client, config, named
        self._outlets = Outlets(named, config.probes, project=config.project)
        self._documents = documents(config)
        self._parts = Parts(named.name)
        self._rests_until_ms: dict[str, int] = {}
        self._newest = np.zeros(len(self._outlets), np.int64)

    async def read(self) -> Reading:
        """Raises what went wrong if no document could be had."""
        now_ms = self._named.clock.now_ms()
        told = Round(len(self._outlets), now_ms)
        due = [each for each in self._documents if self._rests_until_ms.get(each.url, 0) <= now_ms]
        troubles = await asyncio.gather(*(self._fetch(each, told) for each in due))
        if not told.answered:
            bad = any(isinstance(trouble, BadReading) for trouble in troubles)
            raise (BadReading if bad else Unreachable)(self._parts.said())
        lacking = (*self._parts.lacking, *lacks(told.missing))
        return self._outlets.reading(told.at, told.values, told.refused, lacking=lacking)

    async def _fetch(self, document: Document, told: Round) -> Exception | None:
        """Fetch one and put down what it says. Returns what went wrong, which costs only it."""
        try:
            self._put(document, await self._client.document(document.url), told)
        except BadReading as error:
            self._parts.failed(document.name, error)
            told.refused["no usable answer"] += 1
            return error
        except Unreachable as error:
            self._parts.failed(document.name, error)
            told.refused["no answer"] += 1
            self._rests_until_ms[document.url] = self._named.clock.now_ms() + REST_MS
            return error
        self._parts.works(document.name)
        told.answered = True
        return None

    def _put(self, document: Document, answer: object, told: Round) -> None:
        """Raises BadReading if the document says nothing of what is wanted."""
        refused: Counter[str] = Counter()
        said = {each: each.figures.of(answer, refused) for each in document.outlets}
        told.refused.update(refused)
        if not any(said.values()) and not refused:
            said_of_it = complaint(answer) or f"it begins {str(answer)[:60]!r}"
            raise BadReading(f"none of the figures is in it; {said_of_it}")
        for outlet, values in said.items():
            if self._outlets.uses(outlet.place):
                name = self._outlets.label(outlet.place)
                told.missing += _missing(name, outlet.figures, values, answer)
            at_ms = self._measured_ms(outlet, answer) if values else None
            if at_ms is None:
                told.put(outlet.place, values, self._named.clock.now_ms())
            elif told.now_ms - at_ms > self._named.hold_ms:
                told.refused["older than it may be"] += 1
            elif at_ms - told.now_ms > AHEAD_MS:
                told.refused["ahead of its time"] += 1
            elif at_ms > self._newest[outlet.place]:
                self._newest[outlet.place] = at_ms
                told.put(outlet.place, values, at_ms)

    def _measured_ms(self, outlet: Outlet, answer: object) -> int | None:
        """When the document says it was measured; None if its address says no such thing."""
        stamp = self._config.timestamp or self._config.known.stamp
        return stamp.of(answer, outlet.channel) if stamp else None


def _missing(
    name: str, figures: Figures, values: Mapping[Meter, float], answer: object
) -> Missing:
    """Which figures that should be there are not, and of whom."""
    said = figures.complaint(answer)
    why = f" ({said})" if said else ""
    return [
        (f"no {meter.name}{f' at {path}' if path else ''}{why}", name)
        for meter, path in figures.paths.items()
        if meter not in values
    ]


@asynccontextmanager
async def open_http(config: Config, named: Named) -> AsyncIterator[Source]:
    async with open_client(config) as client:
        yield Http(client, config, named)


SOURCE = SourceKind(
    name="http",
    title="Meters that answer a web request",
    config=Config,
    meters=(POWER, ENERGY, VOLTAGE, CURRENT),
    interval=timedelta(seconds=5),
    timeout=timedelta(seconds=30),
    open=open_http,
)
