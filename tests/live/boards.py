"""A board with its two hands, and a store that counts by the plainest arithmetic there is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

from tests.conftest import NOON

from meterhouse.live.board import Board, Counted
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.metering.periods import to_ms
from meterhouse.metering.samples import Columns, Sample

T0 = to_ms(NOON)
HOLD_MS = 3000
EVER = 2**62
IN_STEP_MS = 5000  # clocks that differ by less are in step

Reading = tuple[str, float, float]
"""Resource, seconds after noon, watts."""


def batch(
    sequence: int, *readings: Reading, publisher: str = "rack", hold_ms: int = HOLD_MS
) -> Batch:
    samples = [Sample(POWER, name, watts, T0 + round(s * 1000)) for name, s, watts in readings]
    columns = Columns.of(samples, hold_ms=hold_ms)
    return Batch(publisher=publisher, epoch=1, sequence=sequence, sent_ms=T0, samples=columns)


def both(sequence: int, name: str, second: float, watts: float, joules: float) -> Batch:
    """A meter that says its power and what its energy counter shows, at one moment."""
    at_ms = T0 + round(second * 1000)
    samples = [Sample(POWER, name, watts, at_ms), Sample(ENERGY, name, joules, at_ms)]
    columns = Columns.of(samples, hold_ms=HOLD_MS)
    return Batch(publisher="rack", epoch=1, sequence=sequence, sent_ms=T0, samples=columns)


def counter(sequence: int, name: str, second: float, joules: float) -> Batch:
    """An energy counter's word alone."""
    samples = [Sample(ENERGY, name, joules, T0 + round(second * 1000))]
    columns = Columns.of(samples, hold_ms=HOLD_MS)
    return Batch(publisher="rack", epoch=1, sequence=sequence, sent_ms=T0, samples=columns)


@dataclass
class Store:
    """What was recorded: of each probe moment (ms) to watts, the last at a moment holds.

    holds: likewise, for how many milliseconds each reading stands
    """

    readings: dict[str, dict[int, float]] = field(default_factory=dict)
    holds: dict[str, dict[int, int]] = field(default_factory=dict)

    def record(self, batch: Batch) -> None:
        samples = batch.samples
        for key, at, watts in zip(samples.key, samples.at.tolist(), samples.value, strict=True):
            resource, meter, hold_ms = samples.series[key]
            if meter == POWER.name:
                self.readings.setdefault(resource, {})[at] = float(watts)
                self.holds.setdefault(resource, {})[at] = hold_ms

    def count(self, resources: Sequence[str], now_ms: int = EVER) -> list[Counted]:
        """What is known of the past."""
        there = [name for name in resources if min(self.readings.get(name, [EVER + 1])) <= now_ms]
        return [self.counted(name, now_ms) for name in there]

    def counted(self, resource: str, now_ms: int = EVER) -> Counted:
        at = [moment for moment in sorted(self.readings[resource]) if moment <= now_ms]
        watts, holds = self.readings[resource], self.holds[resource]
        joules = sum(
            watts[since] * min(until - since, holds[since]) / 1000 for since, until in pairwise(at)
        )
        return Counted(resource, holds[at[-1]], at[-1], watts[at[-1]], joules)


@dataclass
class Site:
    """A board and its store, a minute after noon."""

    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON + timedelta(minutes=1)))
    store: Store = field(default_factory=Store)

    def __post_init__(self) -> None:
        self.board = Board(self.clock)

    def both(self, one: Batch) -> None:
        """Heard as it was published, and recorded then: the usual way."""
        self.board.hear(one)
        self.record(one)

    def record(self, one: Batch) -> None:
        self.store.record(one)
        self.board.recorded(one)

    def count(self) -> None:
        while self.board.has_stale:
            stale = self.board.take_stale()
            self.board.adopt(self.store.count(stale, self.clock.now_ms() + IN_STEP_MS))

    def joules(self, resource: str) -> float:
        slot = self.board.slot_of(resource)
        assert slot is not None
        return float(self.board.shown[slot])

    def newest(self, resource: str) -> tuple[float, float]:
        """Seconds after noon, and watts."""
        slot = self.board.slot_of(resource)
        assert slot is not None
        return (int(self.board.at[slot]) - T0) / 1000, float(self.board.watts[slot])
