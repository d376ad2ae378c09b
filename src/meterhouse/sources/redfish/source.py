"""BMCs by Redfish: many at once, each over one connection that is kept."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp

from meterhouse.clients.redfish import power
from meterhouse.clients.redfish.power import InChassis
from meterhouse.clients.redfish.service import Refused, Service, open_http
from meterhouse.metering.errors import BadReading, Unreachable
from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.sources import (
    Crowd,
    Measures,
    Named,
    Outlets,
    Partial,
    Source,
    SourceKind,
    Tell,
    Told,
    Trouble,
)
from meterhouse.sources.redfish.config import Bmc, Config, bmcs

NO_READING = Trouble("no reading", "says null for its power")


@dataclass(slots=True)
class Bmcs:
    """The BMCs of one section.

    places: where each says its power, once that was found
    """

    all: Sequence[Bmc]
    services: Sequence[Service]
    config: Config
    turns: asyncio.Semaphore
    places: dict[int, list[InChassis]] = field(default_factory=dict)

    async def ask(self, due: Sequence[int], tell: Tell) -> None:
        async with asyncio.TaskGroup() as group:
            for number in due:
                group.create_task(self._tell_of(number, tell))

    async def close(self) -> None:
        """Give back the sessions, all at once."""
        await asyncio.gather(*(service.log_out() for service in self.services))

    async def _tell_of(self, number: int, tell: Tell) -> None:
        async with self.turns:
            tell(number, await self._one(number))

    async def _one(self, number: int) -> Told:
        try:
            async with asyncio.timeout(self.config.patience_s):
                return await self._read(number)
        except TimeoutError:
            return Trouble("no answer", f"no answer within {self.config.patience_s:g} s")
        except Refused as error:
            return Trouble("login refused", str(error), lasting=True)
        except Unreachable as error:
            return Trouble("no answer", str(error))
        except BadReading as error:
            self.places.pop(number, None)
            return Trouble("not understood", str(error))
        except LookupError as error:
            return Trouble("no power reading", str(error), lasting=True)

    async def _read(self, number: int) -> Told:
        service = self.services[number]
        if number not in self.places:
            self.places[number] = await power.places(service, self.all[number].chassis)
        places = self.places[number]
        said = await power.read(service, places)
        if POWER not in said.figures and all(place.powered for place in places):
            del self.places[number]  # another place may have a number meanwhile
        if not said.figures:
            return NO_READING
        return Partial(said.figures, ", ".join(said.lacking))


@asynccontextmanager
async def open_redfish(config: Config, named: Named) -> AsyncIterator[Source]:
    found = await named.blocking(lambda: bmcs(config))
    outlets = Outlets(named, config.probes, project=config.project, measures=Measures.NODE)
    async with open_http(config.patience_s) as http:
        asking = Bmcs(found, _services(http, found), config, asyncio.Semaphore(config.at_once))
        crowd = Crowd(outlets, [bmc.host for bmc in found], [POWER, ENERGY], asking.ask)
        try:
            yield crowd
        finally:
            await crowd.close()
            await asking.close()


def _services(http: aiohttp.ClientSession, found: Sequence[Bmc]) -> list[Service]:
    return [Service(http, bmc.url, bmc.login, bmc.trusted) for bmc in found]


SOURCE = SourceKind(
    name="redfish",
    title="BMCs by Redfish",
    config=Config,
    meters=(POWER, ENERGY),
    interval=timedelta(seconds=1),
    timeout=timedelta(seconds=30),
    open=open_redfish,
)
