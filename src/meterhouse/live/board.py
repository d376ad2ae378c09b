"""The newest power of every probe and its running energy, in memory, as columns.

A reading stands until the next one, at most its hold: when the next one comes, what the last one
stood for is added. So the energy shown beside a reading is what the probe had used until then, and
it is the same sum that the store would give, without asking it for every reading.

Two hands feed the board. ``hear`` is given each batch as the bus brings it: what is shown does
not wait for the database. ``recorded`` is given each batch once the store has it, in order and
without a gap. What only the recorder saw (a link was cut, and came back) is worked in then. What
is older than what is shown already cannot be added up: its probe becomes *stale*, is counted anew
from the store, and ``adopt`` puts the result in place.

Everything is done in one thread. No Python runs once a sample.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from meterhouse.live.rows import AHEAD_MS, Rows, grown, in_order
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import Clock
from meterhouse.metering.meters import POWER
from meterhouse.metering.samples import Series

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Slots = NDArray[np.intp]

MOST_KEPT = 1_000_000  # samples heard and not recorded yet; the oldest are then counted anew
_TUPLES_KEPT = 1_024
_NO_SLOT = -1

Number = tuple[str, int, int]
"""Publisher, epoch and sequence of a batch."""


class Counted(NamedTuple):
    """What the store knows of one probe.

    at_ms:  its newest reading
    joules: its energy up to then
    """

    resource: str
    hold_ms: int
    at_ms: int
    watts: float
    joules: float


class Board:
    """Slots, one a probe, in the order they came. ``version`` grows whenever a slot changes.

    resources: the whole key of each slot's probe
    at:        int64[n], moment of the newest reading, milliseconds since 1970; 0: none yet
    watts:     float64[n]
    shown:     float64[n], joules up to ``at``; never falls
    changed:   int64[n], the version in which the slot last changed
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.version = 0
        self.resources: list[str] = []
        self._slot: dict[str, int] = {}
        self.hold = np.zeros(0, np.int64)
        self.at = np.zeros(0, np.int64)
        self.watts = np.zeros(0)
        self.shown = np.zeros(0)
        self.changed = np.zeros(0, np.int64)
        self._joules = np.zeros(0)
        self._stale: set[int] = set()
        self._places: dict[int, tuple[tuple[Series, ...], Slots]] = {}
        self._numbers = count()
        self._kept: OrderedDict[Number, tuple[Rows, Slots]] = OrderedDict()
        self._kept_samples = 0
        self._reached: dict[str, tuple[int, int]] = {}
        self._recording: list[Rows] | None = None

    def __len__(self) -> int:
        return len(self.resources)

    def slot_of(self, resource: str) -> int | None:
        return self._slot.get(resource)

    def restore(self, saved: Iterable[Counted]) -> None:
        """Begin with what was shown before a restart. All of it is stale until it is counted."""
        self.adopt(saved)
        self._stale.update(range(len(self)))

    def hear(self, batch: Batch) -> None:
        """Take a batch that the bus brought, perhaps before it is recorded."""
        number = (batch.publisher, batch.epoch, batch.sequence)
        if number in self._kept or number[1:] <= self._reached.get(batch.publisher, (0, 0)):
            return
        rows = self._rows(batch)
        if rows is None:
            return
        self._kept[number] = (rows, self._apply(rows))
        self._kept_samples += len(rows)
        while self._kept_samples > MOST_KEPT:
            _, (oldest, _) = self._kept.popitem(last=False)
            self._kept_samples -= len(oldest)

    def recorded(self, batch: Batch) -> None:
        """Take a batch that the store has now, whether it was heard or not."""
        number = (batch.publisher, batch.epoch, batch.sequence)
        self._reached[batch.publisher] = number[1:]
        kept = self._kept.pop(number, None)
        if kept is None:
            rows = self._rows(batch)
            if rows is None:
                return
            late = self._apply(rows)
        else:
            rows, late = kept
            self._kept_samples -= len(rows)
        self._stale.update(late.tolist())
        if self._recording is not None:
            self._recording.append(rows)

    @property
    def has_stale(self) -> bool:
        return bool(self._stale)

    def take_stale(self) -> list[str]:
        """The probes to be counted anew, each once. What is recorded from now on is worked in
        when ``adopt`` is given the result, as it may or may not be in it.
        """
        stale = [self.resources[slot] for slot in sorted(self._stale)]
        self._stale.clear()
        self._recording = []
        return stale

    def give_back(self, resources: Collection[str]) -> None:
        """They could not be counted; they stay stale."""
        self._recording = None
        self._stale.update(self._slot[resource] for resource in resources)

    def adopt(self, counted: Iterable[Counted]) -> None:
        """Put in place what the store knows, and add what was heard since then."""
        found = list(counted)
        since, self._recording = self._recording or [], None
        slots = np.array([self._slot_for(each.resource, each.hold_ms) for each in found], np.intp)
        if not len(slots):
            return
        self.at[slots] = [each.at_ms for each in found]
        self.watts[slots] = [each.watts for each in found]
        self._joules[slots] = [each.joules for each in found]
        self._show(slots)
        anew = np.zeros(len(self), np.bool_)
        anew[slots] = True
        heard = [rows for rows, _ in self._kept.values()]
        for rows in sorted([*since, *heard], key=lambda rows: rows.number):
            self._apply(rows.only(anew[rows.slot]))

    def _apply(self, rows: Rows) -> Slots:
        """Work in readings that are newer than what is shown; returns the slots to count anew.

        A reading once more, with the moment and value that are shown, is no news at all. What is
        shown as of a moment that has not come yet was stamped by a clock that is ahead; if that
        clock has been set back, what it says now is what holds.
        """
        before = self.at[rows.slot]
        is_newer = rows.at > before
        again = (rows.at == before) & (rows.watts == self.watts[rows.slot])
        set_back = ~is_newer & ~again & (before > self._clock.now_ms() + AHEAD_MS)
        self._advance(in_order(rows.only(is_newer | set_back)))
        return np.unique(rows.slot[~is_newer & ~again])

    def _advance(self, rows: Rows) -> None:
        """rows: by slot, then by time, no two of a slot at one moment."""
        if not len(rows):
            return
        slot = rows.slot
        is_first = np.append(True, slot[1:] != slot[:-1])
        is_last = np.append(is_first[1:], True)
        prior_at = np.where(is_first, self.at[slot], np.append(0, rows.at[:-1]))
        prior_watts = np.where(is_first, self.watts[slot], np.append(0, rows.watts[:-1]))
        stood_ms = np.clip(rows.at - prior_at, 0, np.where(prior_at > 0, self.hold[slot], 0))
        starts = np.flatnonzero(is_first)
        slots = slot[starts]
        self._joules[slots] += np.add.reduceat(prior_watts * stood_ms, starts) / 1000
        self.at[slots] = rows.at[is_last]
        self.watts[slots] = rows.watts[is_last]
        self._show(slots)

    def _show(self, slots: Slots) -> None:
        self.version += 1
        self.shown[slots] = np.maximum(self.shown[slots], self._joules[slots])
        self.changed[slots] = self.version

    def _rows(self, batch: Batch) -> Rows | None:
        """The believable power readings of a batch; None if it has none."""
        slots = self._slots(batch.samples.series)
        if slots is None:
            return None
        samples = batch.samples
        rows = Rows(next(self._numbers), slots[samples.key], samples.at, samples.value)
        rows = rows.believed(self._clock.now_ms())
        return rows if len(rows) else None

    def _slots(self, series: tuple[Series, ...]) -> Slots | None:
        """The slot of each series, or _NO_SLOT; None if none has power.

        The bus hands out the same tuple for the same series, batch after batch.
        """
        known = self._places.get(id(series))
        if known is None or known[0] is not series:
            if len(self._places) >= _TUPLES_KEPT:
                self._places.pop(next(iter(self._places)))
            known = self._places[id(series)] = (series, self._look_up(series))
        return known[1] if (known[1] != _NO_SLOT).any() else None

    def _look_up(self, series: tuple[Series, ...]) -> Slots:
        """What is heard of for the first time is stale: the store may know a past of it."""
        slots = np.full(len(series), _NO_SLOT, np.intp)
        for place, (resource, meter, hold_ms) in enumerate(series):
            if meter == POWER.name:
                is_new = resource not in self._slot
                slots[place] = slot = self._slot_for(resource, hold_ms)
                if is_new:
                    self._stale.add(slot)
        return slots

    def _slot_for(self, resource: str, hold_ms: int) -> int:
        slot = self._slot.setdefault(resource, len(self.resources))
        if slot == len(self.resources):
            self.resources.append(resource)
            self._grow()
        self.hold[slot] = hold_ms
        return slot

    def _grow(self) -> None:
        if len(self.at) >= len(self.resources):
            return
        for name in ("hold", "at", "watts", "shown", "changed", "_joules"):
            setattr(self, name, grown(getattr(self, name)))
