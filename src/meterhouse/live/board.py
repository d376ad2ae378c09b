"""The newest power of every probe and its running energy, in memory, as columns.

A reading stands until the next one, at most its hold: when the next one comes, what the last one
stood for is added. So the energy shown beside a reading is what the probe had used until then, and
it is the same sum that the store would give, without asking it for every reading. Where a probe
has an energy counter, that counts: power is added up from the counter's newest reading on only,
and gives way to what the counter says next.

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

from meterhouse.live.rows import Chain, Rows, grown, in_order
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import Clock
from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.metering.samples import Series
from meterhouse.store.bridging import PROBE_W
from meterhouse.store.screening import IN_STEP_MS

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Slots = NDArray[np.intp]

MOST_KEPT = 1_000_000  # samples heard and not recorded yet; the oldest are then counted anew
_TUPLES_KEPT = 1_024
_NO_SLOT = -1
_UNKNOWN = -1
_COLUMNS = (
    *("hold", "at", "watts", "shown", "changed"),
    *("_anchor", "_since", "_counter_at", "_counter", "_fell", "_due", "_ahead"),
)

Number = tuple[str, int, int]
"""Publisher, epoch and sequence of a batch."""


class Counted(NamedTuple):
    """What the store knows of one probe.

    at_ms:   its newest reading
    joules:  its energy up to then
    counter: of its energy counter the newest reading, None if it has none
    """

    resource: str
    hold_ms: int
    at_ms: int
    watts: float
    joules: float
    counter: "Counter | None" = None


class Counter(NamedTuple):
    """A reading of a counter, in joules, and (``anchor``) the probe's energy up to then."""

    at_ms: int
    value: float
    anchor: float


class _Heard(NamedTuple):
    """What a batch says of probes.

    number: grows with every batch, in the order they came
    ahead:  slots and moments of what lies in the future; it is counted when its moment comes
    """

    number: int
    power: Rows
    counters: Rows
    ahead: tuple[Slots, Ints]

    @property
    def size(self) -> int:
        return len(self.power) + len(self.counters)


class _Places(NamedTuple):
    """The slot of each series of a batch, by what it measures, or _NO_SLOT; and its hold."""

    series: tuple[Series, ...]
    power: Slots
    counters: Slots
    hold: Ints


class Board:
    """Slots, one a probe, in the order they came. ``version`` grows whenever a slot changes.

    resources: the whole key of each slot's probe
    hold:      int64[n], for how long the newest reading stands (milliseconds);
               -1: as long as the next one
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
        self._anchor = np.zeros(0)  # joules up to the counter's newest reading
        self._since = np.zeros(0)  # joules by power after it; all of them where there is none
        self._counter_at = np.zeros(0, np.int64)
        self._counter = np.zeros(0)
        self._fell = np.zeros(0, np.bool_)  # whether the counter was lower than before then
        self._due = np.zeros(0, np.int64)  # when something of the future is to be counted; 0: none
        self._ahead = np.zeros(0, np.int64)  # the last moment of the future that was recorded
        self._stale: set[int] = set()
        self._places: dict[int, _Places] = {}
        self._numbers = count()
        self._kept: OrderedDict[Number, tuple[_Heard, Slots]] = OrderedDict()
        self._kept_samples = 0
        self._reached: dict[str, tuple[int, int]] = {}
        self._recording: list[_Heard] | None = None

    def __len__(self) -> int:
        return len(self.resources)

    def slot_of(self, resource: str) -> int | None:
        return self._slot.get(resource)

    def restore(self, saved: Iterable[Counted]) -> None:
        """Begin with what was shown before a restart. All of it is stale until it is counted."""
        self.adopt(saved)
        self.hold[: len(self)] = _UNKNOWN  # nobody kept it
        self._stale.update(range(len(self)))

    def hear(self, batch: Batch) -> None:
        """Take a batch that the bus brought, perhaps before it is recorded."""
        number = (batch.publisher, batch.epoch, batch.sequence)
        if number in self._kept or number[1:] <= self._reached.get(batch.publisher, (0, 0)):
            return
        heard = self._heard(batch)
        if heard is None:
            return
        self._kept[number] = (heard, self._apply(heard))
        self._kept_samples += heard.size
        while self._kept_samples > MOST_KEPT:
            _, (oldest, _) = self._kept.popitem(last=False)
            self._kept_samples -= oldest.size

    def recorded(self, batch: Batch) -> None:
        """Take a batch that the store has now, whether it was heard or not."""
        number = (batch.publisher, batch.epoch, batch.sequence)
        self._reached[batch.publisher] = number[1:]
        kept = self._kept.pop(number, None)
        if kept is None:
            heard = self._heard(batch)
            if heard is None:
                return
            late = self._apply(heard)
        else:
            heard, late = kept
            self._kept_samples -= heard.size
        self._stale.update(late.tolist())
        self._await(*heard.ahead)
        if self._recording is not None:
            self._recording.append(heard)

    @property
    def has_stale(self) -> bool:
        self._look_ahead()
        return bool(self._stale)

    def _await(self, slots: Slots, at: Ints) -> None:
        """Note what was recorded of the future: it is counted when its moment comes."""
        self._due[slots[self._due[slots] == 0]] = at.max(initial=0)
        np.minimum.at(self._due, slots, at)
        np.maximum.at(self._ahead, slots, at)

    def _look_ahead(self) -> None:
        """Make stale of what the moment has come, and what the clock, set back, knows no more."""
        now_ms = self._clock.now_ms() + IN_STEP_MS
        come = np.flatnonzero((self._due > 0) & (self._due <= now_ms))
        more = self._ahead[come] > now_ms
        self._due[come] = np.where(more, now_ms + 1000, 0)
        gone = np.flatnonzero(np.maximum(self.at, self._counter_at) > now_ms)
        self.at[gone] = self._counter_at[gone] = 0
        self._stale.update(come.tolist(), gone.tolist())

    def take_stale(self) -> list[str]:
        """The probes to be counted anew, each once. What is recorded from now on is worked in
        when ``adopt`` is given the result, as it may or may not be in it.
        """
        self._look_ahead()
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
        slots = np.array([self._slot_for(each.resource) for each in found], np.intp)
        if not len(slots):
            return
        counters = [each.counter or Counter(0, 0.0, 0.0) for each in found]
        self.hold[slots] = [each.hold_ms for each in found]
        self.at[slots] = [each.at_ms for each in found]
        self.watts[slots] = [each.watts for each in found]
        self._anchor[slots] = [counter.anchor for counter in counters]
        self._since[slots] = [each.joules for each in found] - self._anchor[slots]
        self._counter_at[slots] = [counter.at_ms for counter in counters]
        self._counter[slots] = [counter.value for counter in counters]
        self._show(slots)
        anew = np.zeros(len(self), np.bool_)
        anew[slots] = True
        waiting = [heard for heard, _ in self._kept.values()]
        for heard in sorted([*since, *waiting], key=lambda heard: heard.number):
            power, said = heard.power, heard.counters
            self._apply(
                heard._replace(
                    power=power.only(anew[power.slot]),
                    counters=said.only(anew[said.slot]),
                )
            )

    def _apply(self, heard: _Heard) -> Slots:
        """Work in readings that are newer than what is shown; returns the slots to count anew."""
        power, late = self._news(heard.power, self.at, self.watts)
        counters, late_too = self._news(heard.counters, self._counter_at, self._counter)
        self._advance(in_order(power))
        unsure = self._take_counters(in_order(counters))
        if len(power) or len(counters):
            self._show(np.unique(np.concatenate([power.slot, counters.slot])))
        return np.unique(np.concatenate([late, late_too, unsure]))

    def _news(self, rows: Rows, at: Ints, value: Floats) -> tuple[Rows, Slots]:
        """The readings that are newer than the newest, and the slots of the others.

        A reading once more, with the moment and value that are shown, is no news at all.
        """
        before = at[rows.slot]
        is_newer = rows.at > before
        again = (rows.at == before) & (rows.value == value[rows.slot])
        return rows.only(is_newer), rows.slot[~is_newer & ~again]

    def _advance(self, rows: Rows) -> None:
        """Add what power readings stood for. rows: as ``in_order`` gives them."""
        if not len(rows):
            return
        chain = Chain.of(rows, self.at, self.watts)
        # What the counter has counted already is not added once more.
        begins = np.maximum(chain.before_at, self._counter_at[rows.slot])
        before = chain.before_of(rows.hold, self.hold)
        hold = np.where(before == _UNKNOWN, rows.hold, before)
        ends = np.minimum(rows.at, chain.before_at + hold)
        stood_ms = np.where(chain.before_at > 0, np.maximum(ends - begins, 0), 0)
        self._since[chain.slots] += chain.sums(chain.before * stood_ms) / 1000
        self.at[chain.slots] = rows.at[chain.last]
        self.watts[chain.slots] = rows.value[chain.last]
        self.hold[chain.slots] = rows.hold[chain.last]

    def _take_counters(self, rows: Rows) -> Slots:
        """Let energy counters speak. rows: as ``in_order`` gives them, those of power are in.

        Returns the slots whose counter says what cannot be: the store knows more around it.
        """
        if not len(rows):
            return np.empty(0, np.intp)
        chain = Chain.of(rows, self._counter_at, self._counter)
        slots, first = chain.slots, chain.before_at == 0
        grown = rows.value - chain.before
        fell = ~first & (grown < 0)
        grown = np.where(fell, rows.value, grown)  # it was restarted from zero
        good = (grown >= 0) & (grown <= PROBE_W / 1000 * (rows.at - chain.before_at))
        counts = chain.sums(np.where(good & ~first, grown, 0.0))
        # Whether a fall was a glitch shows the reading after it, and the store judges it.
        is_sure = (chain.sums(np.where(good & ~first, 0.0, 1.0)) == 0) & ~self._fell[slots]
        self._fell[slots] = chain.sums(fell * 1.0) > 0
        before, last_at = self._counter_at[slots], rows.at[chain.last]
        # Of what power added since the counter's last word, only what came after this one stays.
        passed = np.maximum(self.at[slots] - before, 1)
        after = np.clip((self.at[slots] - last_at) / passed, 0.0, 1.0)
        after = np.where(before > 0, after, 0.0)
        stays = self._since[slots] * after
        by_power = self._since[slots] - stays
        self._anchor[slots] += np.where(is_sure, counts, by_power)
        self._since[slots] = stays
        self._counter_at[slots] = last_at
        self._counter[slots] = rows.value[chain.last]
        unsure: Slots = slots[~is_sure]
        return unsure

    def _show(self, slots: Slots) -> None:
        self.version += 1
        joules = self._anchor[slots] + self._since[slots]
        self.shown[slots] = np.maximum(self.shown[slots], joules)
        self.changed[slots] = self.version

    def _heard(self, batch: Batch) -> _Heard | None:
        """The believable readings of probes in a batch; None if it has none."""
        samples = batch.samples
        places = self._slots(samples.series)
        if places is None:
            return None
        now_ms, key = self._clock.now_ms(), samples.key
        power, counters = (
            Rows(slots[key], samples.at, samples.value, places.hold[key]).believed(now_ms)
            for slots in (places.power, places.counters)
        )
        power, later = power.split(now_ms)
        counters, too = counters.split(now_ms)
        ahead = np.append(later.slot, too.slot), np.append(later.at, too.at)
        heard = _Heard(next(self._numbers), power, counters, ahead)
        return heard if heard.size or len(ahead[0]) else None

    def _slots(self, series: tuple[Series, ...]) -> _Places | None:
        """Where the series of a batch belong; None if none is of a probe.

        The bus hands out the same tuple for the same series, batch after batch.
        """
        known = self._places.get(id(series))
        if known is None or known.series is not series:
            if len(self._places) >= _TUPLES_KEPT:
                self._places.pop(next(iter(self._places)))
            known = self._places[id(series)] = self._look_up(series)
        is_any = (known.power != _NO_SLOT).any() or (known.counters != _NO_SLOT).any()
        return known if is_any else None

    def _look_up(self, series: tuple[Series, ...]) -> _Places:
        """What is heard of for the first time is stale: the store may know a past of it."""
        places = _Places(
            series,
            np.full(len(series), _NO_SLOT, np.intp),
            np.full(len(series), _NO_SLOT, np.intp),
            np.fromiter((one.hold_ms for one in series), np.int64, len(series)),
        )
        columns = {POWER.name: places.power, ENERGY.name: places.counters}
        for place, (resource, meter, _) in enumerate(series):
            if meter in columns:
                is_new = resource not in self._slot
                slot = self._slot_for(resource)
                columns[meter][place] = slot
                if is_new:
                    self._stale.add(slot)
        return places

    def _slot_for(self, resource: str) -> int:
        slot = self._slot.setdefault(resource, len(self.resources))
        if slot == len(self.resources):
            self.resources.append(resource)
            self._grow()
        return slot

    def _grow(self) -> None:
        if len(self.at) >= len(self.resources):
            return
        for name in _COLUMNS:
            setattr(self, name, grown(getattr(self, name)))
