"""What the meters of the simulated machine room show, each to a tenth of a watt.

The supplies of a node share what it draws, and a PDU takes in what its outlets give and what it
loses itself: so the parts sum to the meters.
"""

from collections.abc import Mapping

import numpy as np

from meterhouse.sources.simulator.nodes import NODES
from meterhouse.sources.simulator.rhythm import Floats, Ints, drift, noise
from meterhouse.sources.simulator.wiring import (
    BMCS,
    COOLING,
    OUTLETS,
    PDUS,
    SWITCH,
    Outlet,
    Supply,
)

SWITCH_W, COOLING_W, COOLING_PER_W = 86.0, 55.0, 0.11
PDU_W, PDU_PER_W = 4.0, 0.012
"""What a PDU loses, idle and of each watt."""
UNEVEN = 0.04
"""A node's first supply gives half of its watts, give or take this part."""

METERED = (*(each.name for each in OUTLETS), *PDUS, *BMCS)
"""Names of what has power readings, in the order of ``shown``."""


def shown(seed: int, at: Ints, drawn: Floats) -> Floats:
    """What each meter shows at each moment: float64[METERED, n].

    drawn: float64[nodes, n], what each node draws, in tenths of a watt
    """
    loads = _loads(seed, at, drawn)
    outlets = {each.name: _outlet(seed, at, each, loads) for each in OUTLETS}
    inlets = [_inlet([outlets[o.name] for o in OUTLETS if o.pdu == pdu]) for pdu in PDUS]
    bmcs = [np.round(part * loads[node], 1) for node, part in BMCS.items()]
    return np.array([*outlets.values(), *inlets, *bmcs])


def _loads(seed: int, at: Ints, drawn: Floats) -> Mapping[str, Floats]:
    """Nodes, the switch, and the cooling, which works as hard as the nodes do."""
    lane = seed * 1000 + 500
    switch = SWITCH_W + 2 * drift(lane, at) + 0.5 * noise(lane + 1, at)
    heat = drawn.sum(axis=0)
    cooling = COOLING_W + COOLING_PER_W * heat + 8 * drift(lane + 2, at) + noise(lane + 3, at)
    return {
        **{node.name: watts for node, watts in zip(NODES, drawn, strict=True)},
        SWITCH: np.round(switch, 1),
        COOLING: np.round(cooling, 1),
    }


def _outlet(seed: int, at: Ints, outlet: Outlet, loads: Mapping[str, Floats]) -> Floats:
    whole: Floats = np.round(np.sum([loads[name] for name in outlet.feeds], axis=0), 1)
    if outlet.supply is Supply.ONLY:
        return whole
    part = 0.5 + UNEVEN * drift(seed * 1000 + 600 + outlet.socket, at)
    first: Floats = np.round(whole * part, 1)
    return first if outlet.supply is Supply.FIRST else np.round(whole - first, 1)


def _inlet(outlets: "list[Floats]") -> Floats:
    given: Floats = np.sum(outlets, axis=0)
    taken: Floats = np.round(given + PDU_W + PDU_PER_W * given, 1)
    return taken
