"""The energy counter in a BMC: whole joules since it last began anew, as its power would have it.

It begins anew once in four weeks, when the BMC is updated: what is recorded has a restart to cope
with. As everything here, it is found without looking at the moments before: phases of instances
give their work, and chance is integrated in closed form.
"""

from functools import lru_cache

import numpy as np

from meterhouse.sources.simulator.lives import Lives
from meterhouse.sources.simulator.nodes import DRIFT_W, NODES, lane
from meterhouse.sources.simulator.people import CYCLE_MS
from meterhouse.sources.simulator.rhythm import (
    DAY_MS,
    MONDAY_MS,
    Floats,
    Ints,
    busy_until,
    drift_since,
)

BEGINS_MS = MONDAY_MS + 22 * DAY_MS


class Counter:
    """A pure function of seed, node and time."""

    def __init__(self, seed: int, node: str, lives: Lives) -> None:
        self._index = next(index for index, each in enumerate(NODES) if each.name == node)
        self._node, self._lane, self._lives = NODES[self._index], lane(seed, self._index), lives
        self._columns = lru_cache(maxsize=2)(self._work_out)

    def joules(self, at: Ints) -> Floats:
        """What it shows at each of the moments (int64[n], of one UTC day)."""
        begin = BEGINS_MS + (int(at[0]) - BEGINS_MS) // CYCLE_MS * CYCLE_MS
        start, end, busy = self._columns(begin)
        inside = np.clip(at, start[:, None], end[:, None])
        worked = busy @ (busy_until(inside) - busy_until(start)[:, None])
        seconds = (at - begin) / 1000
        chance = DRIFT_W * drift_since(self._lane, begin, at)
        joules: Floats = np.floor(
            self._node.idle_w * seconds + self._node.vcpu_w * worked + chance
        )
        return joules

    def _work_out(self, begin: int) -> tuple[Ints, Ints, Floats]:
        """Start, end and busy vCPUs of all phases on the node since the counter began."""
        phases = [
            each
            for each in self._lives.between(begin, begin + CYCLE_MS)
            if each.node == self._index and each.busy
        ]
        return (
            np.array([max(each.start_ms, begin) for each in phases], np.int64),
            np.array([each.end_ms for each in phases], np.int64),
            np.array([each.busy for each in phases]),
        )
