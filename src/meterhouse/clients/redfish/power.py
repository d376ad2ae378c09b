"""Where a service says what its chassis draw, and what it says there.

A chassis may have, newest first: EnvironmentMetrics (since 2020.4; watts, and perhaps energy),
Power (older, deprecated), or only what its power supplies take in. Of each meter the first that
has a number counts; an older one may differ from it, as in DMTF's own mockup (344 W against
374 W).
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from meterhouse.clients.redfish.answers import (
    UNKNOWN,
    Chassis,
    Collection,
    Control,
    Environment,
    Power,
    Sensor,
    Status,
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


@dataclass(frozen=True, slots=True)
class Said:
    """What is known now; what is null is left out.

    lacking: what should be in it and is not, in a few words each
    """

    figures: Figures
    lacking: tuple[str, ...] = ()


NOTHING = Said({})


class Place(Protocol):
    """Where one chassis says what it draws."""

    async def read(self, service: Service) -> Said:
        """Raises what Service raises."""
        ...


@dataclass(frozen=True, slots=True)
class InEnvironment:
    path: str

    async def read(self, service: Service) -> Said:
        found = await service.get(self.path, Environment)
        watts = found.power.reading if found.power else None
        known = {POWER: watts, ENERGY: _joules(found)}
        return Said({meter: value for meter, value in known.items() if value is not None})


@dataclass(frozen=True, slots=True)
class InPower:
    path: str

    async def read(self, service: Service) -> Said:
        found = await service.get(self.path, Power)
        watts = _controlled(found.control)
        if watts is not None:
            return Said({POWER: watts})
        return _added(
            (f"supply {place + 1}", one.status or UNKNOWN, one.watts)
            for place, one in enumerate(found.supplies)
        )


@dataclass(frozen=True, slots=True)
class InSupplies:
    """The inputs of all power supplies that are there, added.

    supplies: name, how it stood when it was found, and path of its metrics; "" if it has none
    """

    supplies: tuple[tuple[str, Status, str], ...]

    async def read(self, service: Service) -> Said:
        return _added(
            [(name, status, await _input(service, path)) for name, status, path in self.supplies]
        )


@dataclass(frozen=True, slots=True)
class InChassis:
    """One chassis' places, newest first. powered: whether one of them had power when found."""

    places: tuple[Place, ...]
    powered: bool

    async def read(self, service: Service) -> Said:
        """Of each meter the first number; no more places are asked once power is known."""
        figures: dict[Meter, float] = {}
        for place in self.places:
            said = await _said(service, place)
            figures = {**said.figures, **figures}
            if POWER in said.figures:
                return Said(figures, said.lacking)
        return Said(figures)


async def _input(service: Service, path: str) -> float | None:
    """What one supply takes in, if it says so."""
    try:
        found = await service.get(path, SupplyMetrics) if path else SupplyMetrics()
    except Missing:
        return None
    return found.input.reading if found.input else None


def _controlled(controls: Sequence[Control]) -> float | None:
    """The watts of the whole machine: not those of its processors alone."""
    whole = [one for one in controls if one.is_whole]
    either = whole or [one for one in controls if not one.is_part]
    return next((one.watts for one in either if one.watts is not None), None)


def _added(supplies: Iterable[tuple[str, Status, float | None]]) -> Said:
    """The sum of supplies (name, status, watts). One that is offline takes in nothing, which is
    told; of any other that says nothing nobody knows, so that the sum is not known either.
    """
    there = [each for each in supplies if each[1].is_there]
    silent = [each for each in there if each[2] is None]
    watts = [watts for _, _, watts in there if watts is not None]
    if not watts or not all(status.is_offline for _, status, _ in silent):
        return NOTHING
    return Said({POWER: sum(watts)}, tuple(f"{name} is offline" for name, _, _ in silent))


async def places(service: Service, wanted: Sequence[str]) -> list[InChassis]:
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
    powered = {name: place for name, place in known.items() if place.powered}
    known = known if wanted else powered or known
    silent = [name for name in wanted if name not in known]
    if silent or not known:
        raise LookupError(f"its chassis {', '.join(map(repr, silent or ids))}: no power is said")
    if len(known) > 1 and not wanted:
        several = ", ".join(map(repr, known))
        raise LookupError(f"several chassis say their power: {several}; name those in `chassis`")
    return list(known.values())


async def read(service: Service, found: Sequence[InChassis]) -> Said:
    """All of them, added; what one of them does not say is not known."""
    told = [await place.read(service) for place in found]
    meters = set.intersection(*(set(each.figures) for each in told))
    figures = {meter: sum(each.figures[meter] for each in told) for meter in meters}
    return Said(figures, tuple(chain.from_iterable(each.lacking for each in told)))


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


async def _place(service: Service, chassis: Chassis) -> InChassis | None:
    """The places that have a number, and those behind them; None for one without any."""
    behind: list[Place] = []
    if chassis.environment:
        behind.append(InEnvironment(chassis.environment.path))
    if chassis.power:
        behind.append(InPower(chassis.power.path))
    kept, meters = [], set[Meter]()
    for place in behind:
        said = NOTHING if POWER in meters else await _said(service, place)
        meters |= said.figures.keys()
        if said.figures or POWER in meters:
            kept.append(place)
    if POWER not in meters and chassis.supplies:
        supplies = await _supplies(service, chassis.supplies.path)
        meters |= (await _said(service, supplies)).figures.keys()
        kept.append(supplies)
    return InChassis(tuple(kept), POWER in meters) if meters else None


async def _said(service: Service, place: Place) -> Said:
    """What is said there; nothing where there is no such resource."""
    try:
        return await place.read(service)
    except Missing:
        return NOTHING


async def _supplies(service: Service, path: str) -> InSupplies:
    found = []
    try:
        subsystem = await service.get(path, Subsystem)
        members = await _members(service, subsystem.supplies.path) if subsystem.supplies else ()
        for member in members:
            supply = await service.get(member, Supply)
            status, metrics = supply.status or UNKNOWN, supply.metrics
            if status.is_there:
                name = f"supply {member.rsplit('/', 1)[-1]}"
                found.append((name, status, metrics.path if metrics else ""))
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
