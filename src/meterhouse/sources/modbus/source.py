"""Energy meters read over Modbus TCP: power, energy, voltage and current of each."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from meterhouse.metering.errors import Unreachable
from meterhouse.metering.meters import CURRENT, ENERGY, POWER, VOLTAGE, Meter
from meterhouse.sources import (
    Counted,
    Named,
    Outlets,
    Parts,
    Reading,
    Register,
    Source,
    SourceKind,
)
from meterhouse.sources.modbus.config import Config
from meterhouse.sources.modbus.gateway import Gateway, Refused, Silent, open_gateway
from meterhouse.sources.modbus.registers import Block, Wanted, blocks, factors

REST_MS = 30_000
"""How long a meter that did not answer is left alone while others behind the same gateway do:
each question to it would hold them all up for the whole deadline."""

Figure = tuple[Wanted, float]
Floats = NDArray[np.float64]


class Unit:
    """One meter behind the gateway.

    trouble: why it did not give all that was wanted when last asked; None if it did
    """

    def __init__(self, gateway: Gateway, number: int, plan: Iterable[Block]) -> None:
        self.number = number
        self.trouble: Refused | Silent | None = None
        self._gateway, self._plan = gateway, list(plan)
        self._rests_until_ms = 0

    def rests(self, now_ms: int) -> bool:
        return now_ms < self._rests_until_ms

    async def read(self, now_ms: int) -> list[Figure]:
        """What it says, as its registers count; what it does not give costs only itself."""
        figures: list[Figure] = []
        self.trouble = None
        for block in list(self._plan):
            try:
                figures += await self._block(block)
            except Refused as error:
                self.trouble = error
            except Silent as error:
                self.trouble, self._rests_until_ms = error, now_ms + REST_MS
                break
        return figures

    async def _block(self, block: Block) -> list[Figure]:
        try:
            words = await self._gateway.words(
                self.number, block.function, block.address, block.count
            )
        except Refused as error:
            if error.no_such_register and len(block.wanted) > 1:
                return await self._split(block)
            raise
        return list(block.figures(words))

    async def _split(self, block: Block) -> list[Figure]:
        """Ask for each figure alone, from now on: one of the registers is not there."""
        place = self._plan.index(block)
        self._plan[place : place + 1] = block.split()
        figures: list[Figure] = []
        for each in block.split():
            try:
                figures += await self._block(each)
            except Refused as error:
                self.trouble = error
        return figures


class Modbus:
    """The meters behind one connection, asked one after another, as their bus has it."""

    def __init__(self, gateway: Gateway, config: Config, named: Named) -> None:
        self._config, self._named = config, named
        self._outlets = Outlets(named, config.probes, project=config.project)
        self._parts = Parts(named.name)
        self._factors = factors(config.registers)
        self._counter = _counter(config)
        self._counted = Counted.remembered(named.memory, "energy", len(self._outlets))
        plan = blocks(config.registers, config.channels, config.known.bridge)
        self._units = [Unit(gateway, number, plan) for number in config.units]

    async def read(self) -> Reading:
        """Raises Unreachable if no meter says anything: then it may be the gateway."""
        values = {meter: np.full(len(self._outlets), np.nan) for meter in self._factors}
        at = np.zeros(len(self._outlets), np.int64)
        refused: Counter[str] = Counter()
        for place, unit in enumerate(self._units):
            first = place * self._config.channels
            for wanted, value in _numbers(await self._figures(unit, refused), refused):
                values[wanted.meter][first + wanted.channel] = value
            at[first : first + self._config.channels] = self._named.clock.now_ms()
        if all(np.isnan(value).all() for value in values.values()):
            said = self._parts.said() or "the meters say nothing but NaN"
            raise Unreachable(f"{self._config.host}:{self._config.port}: {said}")
        base = self._in_base_units(values, int(at.max()))
        lacking = self._parts.lacking
        return self._outlets.reading(at, base, refused, promised=tuple(base), lacking=lacking)

    def _in_base_units(self, values: dict[Meter, Floats], at_ms: int) -> dict[Meter, Floats]:
        found = {meter: value * self._factors[meter] for meter, value in values.items()}
        if ENERGY in values:
            before = self._counted
            found[ENERGY], self._counted = self._counter.read(before, values[ENERGY], at_ms)
            self._counted.note(self._named.memory, "energy", before, at_ms)
        return found

    async def _figures(self, unit: Unit, refused: Counter[str]) -> list[Figure]:
        now_ms, name = self._named.clock.now_ms(), f"unit {unit.number}"
        if unit.rests(now_ms):
            return []
        figures = await unit.read(now_ms)
        if unit.trouble is None:
            self._parts.works(name)
        else:
            self._parts.failed(name, unit.trouble)
            refused[str(unit.trouble)] += 1
        return figures


def _numbers(figures: list[Figure], refused: Counter[str]) -> Iterator[Figure]:
    """Those that are a number; the others are counted."""
    for wanted, value in figures:
        if np.isfinite(value):
            yield wanted, value
        else:
            refused["not a number"] += 1


def _counter(config: Config) -> Register:
    """How the meters' energy counters count; where there are none, it is not asked."""
    place = config.registers.get(ENERGY)
    if place is None:
        return Register(1.0)
    return Register(factors({ENERGY: place})[ENERGY], place.type.size)


@asynccontextmanager
async def open_modbus(config: Config, named: Named) -> AsyncIterator[Source]:
    async with open_gateway(config.host, config.port, config.deadline_s) as gateway:
        named.memory.refresh()
        try:
            yield Modbus(gateway, config, named)
        finally:
            named.memory.write()


SOURCE = SourceKind(
    name="modbus",
    title="Energy meters over Modbus TCP",
    config=Config,
    meters=(POWER, ENERGY, VOLTAGE, CURRENT),
    interval=timedelta(seconds=1),
    timeout=timedelta(seconds=10),
    open=open_modbus,
)
