"""Where a service says what its chassis draw, and what it says there.

A chassis may have, newest first: EnvironmentMetrics (since 2020.4; watts, and perhaps energy),
Power (older, deprecated), or only what its power supplies take in. The first that has a number
counts; an older one may differ from it, as in DMTF's own mockup (344 W against 374 W).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from meterhouse.clients.redfish.answers import (
    Chassis,
    Collection,
    Environment,
    Power,
    Sensor,
    Subsystem,
    Supply,
    SupplyMetrics,
    link,
)
from meterhouse.clients.redfish.service import Missing, Service
from meterhouse.metering.errors import BadReading
from meterhouse.metering.meters import ENERGY, POWER, Meter

MOST_MEMBERS = 256
MOST_PAGES = 32
JOULES_PER_KWH = 3_600_000.0

Figures = Mapping[Meter, float]


class Place(Protocol):
    """Where one chassis says what it draws."""

    async def read(self, service: Service) -> Figures:
        """Return what is known now; what is null is left out. Raises what Service raises."""
        ...


@dataclass(frozen=True, slots=True)
class InEnvironment:
    path: str

    async def read(self, service: Service) -> Figures:
        found = await service.get(self.path, Environment)
        watts = found.power.reading if found.power else None
        known = {POWER: watts, ENERGY: _joules(found)}
        return {meter: value for meter, value in known.items() if value is not None}


@dataclass(frozen=True, slots=True)
class InPower:
    path: str

    async def read(self, service: Service) -> Figures:
        found = await service.get(self.path, Power)
        watts = found.control[0].watts if found.control else None
        return {} if watts is None else {POWER: watts}


@dataclass(frozen=True, slots=True)
class InSupplies:
    """The inputs of all power supplies that are there, added."""

    paths: tuple[str, ...]

    async def read(self, service: Service) -> Figures:
        total = 0.0
        for path in self.paths:
            found = await service.get(path, SupplyMetrics)
            if found.input is None or found.input.reading is None:
                return {}
            total += found.input.reading
        return {POWER: total}


async def places(service: Service, wanted: Sequence[str]) -> list[Place]:
    """Find the chassis to read, and where each says its power.

    wanted: the chassis' ids; none: the only one that says its power

    Raises LookupError, which says what to do, if that is not what there is.
    """
    all_chassis = [chassis async for chassis in _all_chassis(service)]
    ids = [chassis.id for chassis in all_chassis]
    for name in wanted:
        if name not in ids:
            raise LookupError(f"has no chassis {name!r}; it has {', '.join(map(repr, ids))}")
    tried = {
        chassis.id: await _place(service, chassis)
        for chassis in all_chassis
        if not wanted or chassis.id in wanted
    }
    known = {name: place for name, place in tried.items() if place}
    silent = [name for name in wanted if name not in known]
    if silent or not known:
        raise LookupError(f"its chassis {', '.join(map(repr, silent or ids))}: no power is said")
    if len(known) > 1 and not wanted:
        several = ", ".join(map(repr, known))
        raise LookupError(f"several chassis say their power: {several}; name those in `chassis`")
    return list(known.values())


async def read(service: Service, found: Sequence[Place]) -> Figures:
    """All of them, added; what one of them does not say is not known."""
    figures = [await place.read(service) for place in found]
    meters = set.intersection(*(set(each) for each in figures))
    return {meter: sum(each[meter] for each in figures) for meter in meters}


async def _all_chassis(service: Service) -> AsyncIterator[Chassis]:
    root = await service.root()
    if root.chassis is None:
        raise BadReading("its root names no Chassis; is that a Redfish service?")
    for path in await _members(service, root.chassis.path):
        yield await service.get(path, Chassis)


async def _members(service: Service, path: str) -> list[str]:
    """What a collection holds, page after page."""
    found: list[str] = []
    for _ in range(MOST_PAGES):
        page = await service.get(path, Collection)
        found += [member.path for member in page.members if member.path]
        if not page.next:
            break
        path = link(page.next)
    if len(found) > MOST_MEMBERS:
        raise BadReading(f"{path}: more than {MOST_MEMBERS} members")
    return found


async def _place(service: Service, chassis: Chassis) -> Place | None:
    """The first place that has a number; None for an enclosure without power."""
    tried: list[Place] = []
    if chassis.environment:
        tried.append(InEnvironment(chassis.environment.path))
    if chassis.power:
        tried.append(InPower(chassis.power.path))
    for place in tried:
        if await _says_something(service, place):
            return place
    if chassis.supplies:
        supplies = await _supplies(service, chassis.supplies.path)
        if supplies.paths and await _says_something(service, supplies):
            return supplies
    return None


async def _says_something(service: Service, place: Place) -> bool:
    try:
        return bool(await place.read(service))
    except Missing:
        return False


async def _supplies(service: Service, path: str) -> InSupplies:
    found = []
    try:
        subsystem = await service.get(path, Subsystem)
        members = await _members(service, subsystem.supplies.path) if subsystem.supplies else ()
        for member in members:
            supply = await service.get(member, Supply)
            if supply.is_there and supply.metrics:
                found.append(supply.metrics.path)
    except Missing:
        return InSupplies(())
    return InSupplies(tuple(found))


def _joules(found: Environment) -> float | None:
    """The energy counter. The lifetime's is never reset, and is taken where there is one."""
    if (joules := _counted(found.joules)) is not None:
        return joules
    kwh = _counted(found.kwh)
    return None if kwh is None else kwh * JOULES_PER_KWH


def _counted(sensor: Sensor | None) -> float | None:
    if sensor is None:
        return None
    return sensor.reading if sensor.lifetime is None else sensor.lifetime
