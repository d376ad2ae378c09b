"""The simulated cloud's nodes, who bought them, and what they draw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from meterhouse.metering.snapshots import Resource
from meterhouse.sources.simulator.lives import Rooms
from meterhouse.sources.simulator.people import root
from meterhouse.sources.simulator.plans import GIB
from meterhouse.sources.simulator.rhythm import Floats, Ints, drift, noise
from meterhouse.sources.simulator.wiring import metered

DRIFT_W = 6.0
NOISE_W = 1.5


@dataclass(frozen=True, slots=True)
class Node:
    """idle_w: what it draws doing nothing; vcpu_w: what one busy vCPU adds."""

    name: str
    project: str
    vcpus: int
    ram_gib: int
    idle_w: float
    vcpu_w: float

    def resource(self, source: str) -> Resource:
        return Resource(
            id=f"{source}/{self.name}",
            kind="node",
            name=self.name,
            project=self.project,
            vcpus=self.vcpus,
            ram_bytes=self.ram_gib * GIB,
            disk_bytes=4000 * GIB,
            details={"metered": metered(self.name)},
        )


def _alike(
    first: int, count: int, project: str, vcpus: int, watts: tuple[float, float]
) -> list[Node]:
    return [
        Node(f"node-{number:02}", project, vcpus, 6 * vcpus, watts[0] + number, watts[1])
        for number in range(first, first + count)
    ]


NODES: Sequence[Node] = (
    *_alike(1, 6, "infrastructure", 48, (92.0, 4.1)),
    *_alike(7, 2, "lattice", 64, (128.0, 4.8)),
    *_alike(9, 2, "genomics", 64, (117.0, 4.5)),
    *_alike(11, 1, "oceanography", 64, (121.0, 4.6)),
    *_alike(12, 1, "teaching", 64, (104.0, 4.2)),
)


def rooms() -> Rooms:
    """A branch of the tree runs on the nodes bought for it; all others on the rest."""
    found: dict[str, list[tuple[int, str]]] = {"": []}
    for index, node in enumerate(NODES):
        bought = "" if node.project == "infrastructure" else root(node.project)
        found.setdefault(bought, []).append((index, node.name))
    return found


def lane(seed: int, index: int) -> int:
    """The first of a node's two lanes of chance."""
    return seed * 1000 + index * 2


def watts(seed: int, at: Ints, busy_vcpus: Floats) -> Floats:
    """What each node draws at each moment, in tenths of a watt.

    busy_vcpus: float64[nodes, n], vCPUs' worth of work on each node at each of the n moments
    Returns float64[nodes, n].
    """
    rows = []
    for index, node in enumerate(NODES):
        wanders = lane(seed, index)
        chance = DRIFT_W * drift(wanders, at) + NOISE_W * noise(wanders + 1, at)
        rows.append(node.idle_w + node.vcpu_w * busy_vcpus[index] + chance)
    drawn: Floats = np.round(np.maximum(np.array(rows), 0.0), 1)
    return drawn
