"""A PDU, or anything else that says its power over SNMP, all its outlets in one request."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count

import numpy as np

from meterhouse.clients.snmp.agent import Agent, Query, Said, open_agent
from meterhouse.metering.errors import BadReading
from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.sources import Counted, Named, Outlets, Parts, Reading, Source, SourceKind, lacks
from meterhouse.sources.snmp.channel import UNLABELLED, Channel, channel
from meterhouse.sources.snmp.config import Config
from meterhouse.sources.snmp.presets import of_maker

DESCRIBED = 80  # characters of a description, in a message
LOOK_AGAIN_MS = 5 * 60 * 1000
"""Rows that an agent numbers as it likes, and decimal digits, are looked up again after this."""


@dataclass(slots=True)
class Snmp:
    """One PDU.

    channels: what is asked for of the outlets, and then of the inputs
    counted:  of each channel, where its energy counters stood
    """

    agent: Agent
    config: Config
    named: Named
    outlets: Outlets
    parts: Parts
    channels: list[Channel] = field(default_factory=list)
    counted: list[Counted] = field(default_factory=list)
    query: Query | None = None
    looked_ms: int = 0

    async def read(self) -> Reading:
        said = await self.said()
        if any(one.strayed(said) for one in self.channels):
            said = await self.look()
        if not said:
            raise BadReading(await self.nothing())
        reading = self.reading(said, self.named.clock.now_ms())
        if len(reading.samples) or reading.refused:
            return reading
        return replace(reading, lacking=(await self.nothing(), *reading.lacking))

    async def said(self) -> Said:
        age = self.named.clock.now_ms() - self.looked_ms
        if self.query is None or (self._moves and not 0 <= age < LOOK_AGAIN_MS):
            return await self.look()
        return await self.query.answer()

    async def look(self) -> Said:
        """Find what to ask for, and ask."""
        self.channels = await self._find()
        oids = tuple(oid for one in self.channels for oid in one.oids)
        self.looked_ms = self.named.clock.now_ms()
        if self.query is not None and self.query.oids == oids:
            said = await self.query.answer()
        else:
            query = Query(self.agent, oids)
            said = await query.settle()
            self.query = query
        if said:
            self._note(said)
        return said

    def reading(self, said: Said, at_ms: int) -> Reading:
        refused: Counter[str] = Counter()
        watts, joules = [], []
        for place, one in enumerate(self.channels):
            before = self.counted[place]
            watts.append(one.watts(said, refused, len(before.raw)))
            grown, self.counted[place] = one.joules(said, refused, before, at_ms)
            self.counted[place].note(self.named.memory, self.config.roles[place], before, at_ms)
            joules.append(grown)
            refused[UNLABELLED] += one.unlabelled
        values = {POWER: np.concatenate(watts), ENERGY: np.concatenate(joules)}
        pairs = (
            pair
            for place, one in enumerate(self.channels)
            for pair in one.lacking(
                said, self._labels[place], {POWER: watts[place], ENERGY: joules[place]}
            )
        )
        return self.outlets.reading(at_ms, values, +refused, lacking=lacks(pairs))

    async def nothing(self) -> str:
        """Why there may be nothing, from what the agent says that it is."""
        described, kind = await self.agent.itself()
        known, asked = of_maker(kind), self.config.preset
        said = f"{self.agent.where}: has none of what was asked for"
        if not described:
            return f"{said}; may this community or user read it (its view), and is the OID right?"
        said += f"; it says that it is {described[:DESCRIBED]!r}: "
        if known == asked != "":
            return f"{said}is it the right device, and does this model meter its outlets?"
        return said + (f"preset = {known!r}?" if known else "right preset, OID and device?")

    async def _find(self) -> list[Channel]:
        return [
            await channel(self.agent, table, self.config.number, [bool(name) for name in names])
            for table, names in self.config.tables
        ]

    @property
    def _moves(self) -> bool:
        """Whether something that was looked up may have changed since."""
        tables = [one.table for one in self.channels]
        return any(table.rows or any(o.digits for o in table.objects) for table in tables)

    def _note(self, said: Said) -> None:
        """Say which outlets are not there, once: they are silent."""
        for one, (_, names) in zip(self.channels, self.config.tables, strict=True):
            for fed, is_there in zip(names, one.there(said), strict=True):
                name = fed if isinstance(fed, str) else "+".join(fed)
                if is_there:
                    self.parts.works(name)
                elif name:
                    self.parts.failed(name, "the agent has no such row or object")

    @property
    def _labels(self) -> list[list[str]]:
        """As people know each outlet of the channels; "" where nobody wants to know of it."""
        place, labels = count(), self.outlets.label
        return [[labels(next(place)) for _ in names] for _, names in self.config.tables]


@asynccontextmanager
async def open_snmp(config: Config, named: Named) -> AsyncIterator[Source]:
    outlets = Outlets(
        named,
        config.outlets_named,
        inputs=config.inputs,
        project=config.project,
        measures=config.what,
    )
    async with open_agent(
        config.host,
        config.port,
        config.access,
        named.blocking,
        wait_s=config.wait_s,
        tries=config.tries,
    ) as agent:
        named.memory.refresh()
        counted = [
            Counted.remembered(named.memory, role, len(names))
            for role, (_, names) in zip(config.roles, config.tables, strict=True)
        ]
        source = Snmp(agent, config, named, outlets, Parts(named.name), counted=counted)
        await source.look()
        try:
            yield source
        finally:
            named.memory.write()


SOURCE = SourceKind(
    name="snmp",
    title="PDU over SNMP",
    config=Config,
    meters=(POWER, ENERGY),
    interval=timedelta(seconds=1),
    timeout=timedelta(seconds=15),
    open=open_snmp,
)
