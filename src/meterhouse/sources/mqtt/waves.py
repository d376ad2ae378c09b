"""What devices say at their own moments, gathered into waves that are read as one."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from meterhouse.metering.meters import Meter
from meterhouse.metering.samples import Columns
from meterhouse.sources import Outlets, Reading

WAVE_MS = 100
"""What arrives within so many milliseconds of the first is one wave."""
MOST_WAVES = 10_000
"""So many wait while they cannot be published; then the oldest are lost, and counted."""


class Waves:
    """The latest figures of all outlets, and the readings that are to be handed on.

    hold_ms: how long a figure is still good for the sum with one that has just come
    changes: whether a message confirms what it does not say
    """

    def __init__(self, outlets: Outlets, meters: Sequence[Meter], *, changes: bool) -> None:
        count = len(outlets)
        self._outlets, self._hold_ms, self._changes = outlets, outlets.named.hold_ms, changes
        self._latest = {meter: np.full(count, np.nan) for meter in meters}
        self._heard_ms = {meter: np.zeros(count, np.int64) for meter in meters}
        self._fresh = {meter: np.zeros(count, np.bool_) for meter in meters}
        self._refused: Counter[str] = Counter()
        self._since_ms: int | None = None
        self._last_ms = 0
        self._full: list[Reading] = []

    def hear(self, outlet: int, values: Mapping[Meter, float], at_ms: int) -> None:
        """One outlet has said something."""
        self._begin(at_ms)
        for meter, value in values.items():
            self._latest[meter][outlet] = value
        for meter in self._latest if self._changes else values:
            self._heard_ms[meter][outlet] = at_ms
            self._fresh[meter][outlet] = True

    def refuse(self, reasons: Mapping[str, int], at_ms: int) -> None:
        """Something was said that cannot be used."""
        self._begin(at_ms)
        self._refused.update(reasons)

    def taken(self) -> Reading:
        """All that was heard since this was last asked."""
        self._end()
        full, self._full = self._full, []
        return Reading(
            Columns.join([each.samples for each in full]),
            tuple(snapshot for each in full for snapshot in each.snapshots),
            sum((Counter(each.refused) for each in full), Counter()),
        )

    def _begin(self, at_ms: int) -> None:
        if self._since_ms is not None and not 0 <= at_ms - self._since_ms < WAVE_MS:
            self._end()
        if self._since_ms is None:
            self._since_ms = at_ms
        self._last_ms = at_ms

    def _end(self) -> None:
        """Make a reading of the wave. Of a probe with several outlets, one is enough to have
        spoken; the others count with what they said last, if that still holds.
        """
        if self._since_ms is None:
            return
        if len(self._full) == MOST_WAVES:
            lost = self._full.pop(0)
            self._refused["could not be published in time"] += len(lost.samples)
        at_ms, self._since_ms = self._last_ms, None
        values = {}
        for meter, fresh in self._fresh.items():
            told = self._outlets.touched(fresh)
            holds = at_ms - self._heard_ms[meter] <= self._hold_ms
            values[meter] = np.where(told & holds, self._latest[meter], np.nan)
            fresh[:] = False
        self._full.append(self._outlets.reading(at_ms, values, dict(self._refused)))
        self._refused.clear()
