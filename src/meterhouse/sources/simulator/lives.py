"""The lives of simulated instances: made, resized, stopped, started, handed on, deleted.

Each of a fixed number of places has one instance after another. A place's time is cut into turns
of equal length, and what lives in a turn depends only on the seed, the place and the turn: so the
state at any moment is found without looking at the moments before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random

import numpy as np

from meterhouse.metering.snapshots import Resource, State
from meterhouse.sources.simulator.people import root, users
from meterhouse.sources.simulator.plans import (
    CHANGES,
    CLASS,
    FLAVORS,
    GIB,
    HOMES,
    IMAGES,
    LONG,
    PLANS,
    QUIET_MS,
    WEIGHTS,
    Flavor,
    Plan,
)
from meterhouse.sources.simulator.rhythm import DAY_MS, HOUR_MS, MONDAY_MS, busy_until

Rooms = Mapping[str, Sequence[tuple[int, str]]]
"""From a project at the top to the nodes (index, name) its instances run on."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of an instance's life in which nothing about it changed.

    busy:   vCPUs it would keep busy if all people worked all the time; 0 unless it runs
    worked: CPU seconds it had used when the phase began
    node:   index of the node it is on
    """

    start_ms: int
    end_ms: int
    resource: Resource
    busy: float
    worked: float
    node: int


@dataclass(frozen=True, slots=True)
class Place:
    number: int  # within its plan, from 1
    plan: Plan
    turn_ms: int
    offset_ms: int

    def turn(self, at_ms: int) -> int:
        return (at_ms - self.offset_ms) // self.turn_ms

    def begins(self, turn: int) -> int:
        return self.offset_ms + turn * self.turn_ms


class Lives:
    """All instances that ever live in one simulated cloud."""

    def __init__(self, seed: int, source: str, rooms: Rooms) -> None:
        """rooms: from a project at the top to the nodes its instances run on; "" for others."""
        self.users = users(seed, HOMES)
        self._seed, self._source, self._rooms = seed, source, rooms
        self._members = {
            home: [user.id for user in self.users if home in user.projects] for home in HOMES
        }
        self._places = [
            _place(seed, plan, number) for plan in PLANS for number in range(1, plan.places + 1)
        ]
        self._life = lru_cache(maxsize=1024)(self._live)

    def between(self, start_ms: int, end_ms: int) -> Iterator[Phase]:
        """Every phase that has a part in a stretch of time."""
        for place in self._places:
            for turn in range(place.turn(start_ms), place.turn(end_ms - 1) + 1):
                for phase in self._life(place, turn):
                    if phase.start_ms < end_ms and phase.end_ms > start_ms:
                        yield phase

    def _live(self, place: Place, turn: int) -> tuple[Phase, ...]:
        chance = _chance(self._seed, place.plan.role, place.number, turn)
        born, gone = _lifetime(place, turn, chance)
        if born >= gone:
            return ()
        eager = chance.uniform(0.2, 1.4)
        node, name = chance.choice(self._rooms.get(root(place.plan.project)) or self._rooms[""])
        newborn = self._newborn(place, turn, born, chance)
        newborn = replace(newborn, details={**newborn.details, "node": name})
        changes = [*self._changes(newborn, gone, chance)]
        ends = [*(start for start, _ in changes[1:]), gone]
        return _phases(changes, ends, eager, node)

    def _newborn(self, place: Place, turn: int, born: int, chance: Random) -> Resource:
        plan = place.plan
        number = f"{place.number:02}" if plan.tempo is LONG else f"{place.number:02}-{turn % 1000}"
        resource = Resource(
            id=f"{self._source}/i-{chance.getrandbits(40):010x}",
            kind="instance",
            name=f"{plan.role}-{number}",
            project=plan.project,
            user=chance.choice(self._members[plan.project]),
            state=State.RUNNING,
            since_ms=born,
            tags=(f"role:{plan.role}",),
            details={"image": chance.choice(IMAGES)},
        )
        return _sized(resource, chance.choices(FLAVORS, (35, 30, 20, 10, 5))[0])

    def _changes(
        self, resource: Resource, gone: int, chance: Random
    ) -> Iterator[tuple[int, Resource]]:
        """From when on it was what, oldest first."""
        at, home = resource.since_ms, resource.project
        while at < gone:
            yield at, resource
            at += _seconds_ms(chance.expovariate(1 / QUIET_MS))
            change = chance.choices(CHANGES, WEIGHTS)[0]
            if change.longest_h and at < gone:
                yield at, replace(resource, state=change.state)
                at += _seconds_ms(chance.uniform(change.shortest_h, change.longest_h) * HOUR_MS)
            else:
                resource = self._changed(resource, change.name, home, chance)

    def _changed(self, resource: Resource, change: str, home: str, chance: Random) -> Resource:
        match change:
            case "resize":
                return _sized(resource, _neighbour(resource.details["flavor"], chance))
            case "move":
                project = home if resource.project != home else _beside(home, chance)
                user = chance.choice(self._members[project])
                return replace(resource, project=project, user=user)
            case "hand on":
                user = chance.choice(self._members[resource.project])
                return replace(resource, user=user)
        return resource


def _chance(*of: object) -> Random:
    return Random("/".join(map(str, of)))  # noqa: S311 - nothing here is secret


def _place(seed: int, plan: Plan, number: int) -> Place:
    chance = _chance(seed, plan.role, number)
    if plan.tempo is CLASS:  # starts within twenty minutes of eight o'clock
        minutes = chance.randrange(20)
        return Place(number, plan, DAY_MS, MONDAY_MS + 8 * HOUR_MS + minutes * 60_000)
    turn_ms = _seconds_ms(chance.uniform(plan.tempo.shortest, plan.tempo.longest) * DAY_MS)
    return Place(number, plan, turn_ms, _seconds_ms(chance.uniform(0, turn_ms)))


def _lifetime(place: Place, turn: int, chance: Random) -> tuple[int, int]:
    """When the instance of a turn is made and deleted; equal if there is none."""
    born = place.begins(turn)
    if place.plan.tempo is CLASS and (born - MONDAY_MS) // DAY_MS % 7 >= 5:
        return born, born
    part = chance.uniform(place.plan.tempo.least, place.plan.tempo.most)
    return born, born + _seconds_ms(part * place.turn_ms)


def _phases(
    changes: Sequence[tuple[int, Resource]], ends: Sequence[int], eager: float, node: int
) -> tuple[Phase, ...]:
    phases, worked = [], 0.0
    edges = busy_until(np.array([changes[0][0], *ends]))
    for number, (start, resource) in enumerate(changes):
        busy = eager * resource.vcpus if resource.state is State.RUNNING else 0.0
        phases.append(Phase(start, ends[number], resource, busy, worked, node))
        worked += busy * float(edges[number + 1] - edges[number])
    return tuple(phases)


def _sized(resource: Resource, flavor: Flavor) -> Resource:
    return replace(
        resource,
        vcpus=flavor.vcpus,
        ram_bytes=flavor.ram_gib * GIB,
        disk_bytes=flavor.disk_gib * GIB,
        details={**resource.details, "flavor": flavor.name},
    )


def _beside(home: str, chance: Random) -> str:
    """Another project of the same branch; the same if it has no other with machines."""
    others = [each for each in HOMES if root(each) == root(home) and each != home]
    return chance.choice(others or [home])


def _neighbour(name: str, chance: Random) -> Flavor:
    """A flavor next in size."""
    index = next(number for number, flavor in enumerate(FLAVORS) if flavor.name == name)
    beside = [number for number in (index - 1, index + 1) if 0 <= number < len(FLAVORS)]
    return FLAVORS[chance.choice(beside)]


def _seconds_ms(ms: float) -> int:
    """Whole seconds, in milliseconds."""
    return int(ms) // 1000 * 1000
