"""The simulated cloud as a whole: what it would list and show at any moment."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from meterhouse.metering.meters import CPU_TIME, ENERGY, POWER
from meterhouse.metering.samples import Columns, Series
from meterhouse.metering.snapshots import Resource, Snapshot, SnapshotObject
from meterhouse.sources.simulator import meters, people, wiring
from meterhouse.sources.simulator.counter import Counter
from meterhouse.sources.simulator.lives import Lives, Phase
from meterhouse.sources.simulator.nodes import NODES, rooms, watts
from meterhouse.sources.simulator.rhythm import DAY_MS, HOUR_MS, Floats, Ints, busy, busy_until

POWER_HOLD_MS = 3 * 60 * 1000
CPU_TIME_HOLD_MS = 3 * HOUR_MS
"""The same whether made up each minute and hour, or read each second and minute: a series has
one hold, and what is read today continues what was made up yesterday."""

OWNER = "infrastructure"
"""The project that the machine room belongs to: what feeds no node is its."""


class Cloud:
    """A pure function of seed and time; keeps only what it would work out again."""

    def __init__(self, seed: int, source: str) -> None:
        self._seed, self._source = seed, source
        self._lives = Lives(seed, source, rooms())
        self._nodes = tuple(node.resource(source) for node in NODES)
        owners = {node.name: node.project for node in NODES}
        self._outlets = tuple(wiring.outlets(source, owners, OWNER))
        self._inlets = tuple(wiring.inlets(source, OWNER))
        self._power = tuple(
            Series(f"{source}/{name}", POWER.name, POWER_HOLD_MS) for name in meters.METERED
        )
        self._counter = Counter(seed, wiring.COUNTING, self._lives)
        self._energy = (Series(f"{source}/{wiring.COUNTING}", ENERGY.name, POWER_HOLD_MS),)
        self._day = lru_cache(maxsize=2)(self._work_out)
        self._projects = lru_cache(maxsize=2)(people.projects)

    def organization(self, at_ms: int) -> tuple[Snapshot, ...]:
        """Institutions, projects and users, each listed completely."""
        turn_ms = people.SHARES_CHANGE_MS + people.turn(at_ms) * people.CYCLE_MS
        return (
            self._list("institution", at_ms, people.INSTITUTIONS),
            self._list("project", at_ms, self._projects(turn_ms)),
            self._list("user", at_ms, self._lives.users),
        )

    def machines(self, at_ms: int) -> tuple[Snapshot, ...]:
        """Nodes, what meters them, and instances, each listed completely."""
        instances = self._day(at_ms // DAY_MS).instances(at_ms)
        return (
            self._list("node", at_ms, self._nodes),
            self._list("outlet", at_ms, self._outlets),
            self._list("inlet", at_ms, self._inlets),
            self._list("instance", at_ms, instances),
        )

    def power(self, at: Ints) -> Columns:
        """What each meter shows at each of the moments (int64[n], of one UTC day, ascending)."""
        value = meters.shown(self._seed, at, self.drawn(at))
        key = np.repeat(np.arange(len(self._power), dtype=np.uint32), len(at))
        power = Columns(self._power, key, np.tile(at, len(self._power)), value.ravel())
        return Columns.join([power, self._counted(at)])

    def drawn(self, at: Ints) -> Floats:
        """What each node draws, whether somebody meters it or not; moments as above."""
        day = int(at[0]) // DAY_MS
        if int(at[-1]) // DAY_MS != day:
            raise ValueError("a day's phases know nothing of the next day")
        return watts(self._seed, at, self._day(day).busy_vcpus(at))

    def cpu_time(self, at_ms: int) -> Columns:
        """How many CPU seconds each instance has used at a moment."""
        return self._day(at_ms // DAY_MS).cpu_time(at_ms)

    def _counted(self, at: Ints) -> Columns:
        """What the energy counter shows."""
        key = np.zeros(len(at), np.uint32)
        return Columns(self._energy, key, at, self._counter.joules(at))

    def _work_out(self, day: int) -> "Day":
        start_ms = day * DAY_MS
        return Day(list(self._lives.between(start_ms, start_ms + DAY_MS)))

    def _list(self, kind: str, at_ms: int, objects: Sequence[SnapshotObject]) -> Snapshot:
        return Snapshot(
            source=self._source, kind=kind, at_ms=at_ms, complete=True, objects=tuple(objects)
        )


class Day:
    """All phases of instances that have a part in one UTC day, as columns."""

    def __init__(self, phases: Sequence[Phase]) -> None:
        self._phases = phases
        self._start = np.array([phase.start_ms for phase in phases], np.int64)
        self._end = np.array([phase.end_ms for phase in phases], np.int64)
        self._busy = np.array([phase.busy for phase in phases])
        self._worked = np.array([phase.worked for phase in phases])
        self._node = np.array([phase.node for phase in phases])
        number: dict[str, int] = {}
        self._resource = np.array(
            [number.setdefault(phase.resource.id, len(number)) for phase in phases], np.uint32
        )
        self._series = tuple(Series(name, CPU_TIME.name, CPU_TIME_HOLD_MS) for name in number)

    def instances(self, at_ms: int) -> tuple[Resource, ...]:
        return tuple(self._phases[index].resource for index in self._alive(at_ms))

    def busy_vcpus(self, at: Ints) -> Floats:
        """The vCPUs' worth of work on each node (rows) at each moment (columns)."""
        rows = [self._steps(self._node == index, at) for index in range(len(NODES))]
        return np.array(rows) * busy(at)

    def cpu_time(self, at_ms: int) -> Columns:
        alive = self._alive(at_ms)
        now = busy_until(np.array([at_ms]))
        value = self._worked[alive] + self._busy[alive] * (now - busy_until(self._start[alive]))
        return Columns(
            self._series, self._resource[alive], np.full(len(alive), at_ms, np.int64), value
        )

    def _alive(self, at_ms: int) -> Ints:
        return np.flatnonzero((self._start <= at_ms) & (at_ms < self._end))

    def _steps(self, chosen: "np.ndarray[tuple[int], np.dtype[np.bool_]]", at: Ints) -> Floats:
        """The sum of ``busy`` of the chosen phases that last at each moment."""
        times = np.concatenate([self._start[chosen], self._end[chosen]])
        changes = np.concatenate([self._busy[chosen], -self._busy[chosen]])
        order = np.argsort(times, kind="stable")
        level = np.concatenate([[0.0], np.cumsum(changes[order])])
        return level[np.searchsorted(times[order], at, side="right")]
