"""Reads how energy came within a window: what meters really read until a moment in it."""

from collections.abc import Mapping, Sequence

import numpy as np

from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.store import reading as store
from meterhouse.store import union
from meterhouse.usage.course import Shape, evenly
from meterhouse.usage.feeding import Fed
from meterhouse.usage.stretches import Ints
from meterhouse.usage.windows import Floats, Windows, ratio


def shape(
    windows: Windows, fed: Fed, energy: Mapping[str, tuple[Floats, Floats]], using: str
) -> Shape:
    """Where all finer than hours is thrown away, everything comes evenly.

    energy: of each meter, in each window
    """
    even, order = evenly(windows), np.argsort(fed.row, kind="stable")
    gone = _gone(fed.meters, using)
    whole = [np.array([energy[key][n] for key in fed.meters]) for n in (0, 1)]

    def asked(row: Ints, window: Ints, at_ms: Ints) -> tuple[Floats, Floats]:
        found = even(row, window, at_ms)
        first, last = (
            np.searchsorted(fed.row[order], row, side=side) for side in ("left", "right")
        )
        which = np.repeat(np.arange(len(row)), last - first)
        nth = np.arange(len(which)) - np.repeat(
            np.cumsum(last - first) - last + first, last - first
        )
        each = order[first[which] + nth]
        part = fed.part[each, window[which]]
        read = (part > 0) & (windows.edges[window[which] + 1] > gone[fed.meter[each]])
        which, each, part = which[read], each[read], part[read]
        if not len(which):
            return found
        meter, at = fed.meter[each], window[which]
        until = _read(fed.meters, meter, windows.edges[at], at_ms[which], using)
        for result, before, size, weight in zip(
            found, until, whole, (part, np.ones(len(part))), strict=True
        ):
            total = np.bincount(which, weight * size[meter, at], len(row))
            come = np.bincount(which, weight * before, len(row))
            np.copyto(result, np.clip(ratio(come, total), 0.0, 1.0), where=total > 0)
        return found

    return asked


def _read(
    meters: Sequence[str], meter: Ints, start_ms: Ints, end_ms: Ints, using: str
) -> tuple[Floats, Floats]:
    """Millijoules and known milliseconds; each span is read once."""
    rows = np.stack([meter, start_ms, end_ms])
    spans, place = np.unique(rows, axis=1, return_inverse=True)
    found = union.energy([(meters[m], start, end) for m, start, end in spans.T.tolist()], using)
    place = place.ravel()
    return found.joules[place] * 1000, found.covered_ms[place].astype(np.float64)


def _gone(meters: Sequence[str], using: str) -> Ints:
    """Until when readings and minutes of each meter are thrown away."""
    until: dict[str, int] = {}
    for name in (POWER.name, ENERGY.name):
        for state in store.recorded(name, using):
            gone_ms = min(state.pruned_ms, state.minutes_pruned_ms)
            until[state.resource] = min(until.get(state.resource, gone_ms), gone_ms)
    return np.array([until.get(key, 0) for key in meters], np.int64)
