"""A board with its two hands, and a store that counts by the plainest arithmetic there is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tests.conftest import NOON

from meterhouse.live.board import Board, Counted
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.metering.periods import to_ms
from meterhouse.metering.samples import Columns, Sample

T0 = to_ms(NOON)
HOLD_MS = 3000

Reading = tuple[str, float, float]
"""Resource, seconds after noon, watts."""


def batch(sequence: int, *readings: Reading, publisher: str = "rack") -> Batch:
    samples = [Sample(POWER, name, watts, T0 + round(s * 1000)) for name, s, watts in readings]
    columns = Columns.of(samples, hold_ms=HOLD_MS)
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
    """What was recorded: of each probe moment (ms) to watts, the last at a moment holds."""

    readings: dict[str, dict[int, float]] = field(default_factory=dict)

    def record(self, batch: Batch) -> None:
        samples = batch.samples
        for key, at, watts in zip(samples.key, samples.at.tolist(), samples.value, strict=True):
            if samples.series[key].meter == POWER.name:
                self.readings.setdefault(samples.series[key].resource, {})[at] = float(watts)

    def count(self, resources: Sequence[str]) -> list[Counted]:
        return [self.counted(name) for name in resources if name in self.readings]

    def counted(self, resource: str) -> Counted:
        at = sorted(self.readings[resource])
        watts = [self.readings[resource][moment] for moment in at]
        joules = sum(
            w * min(until - since, HOLD_MS) / 1000
            for since, until, w in zip(at, at[1:], watts, strict=False)
        )
        return Counted(resource, HOLD_MS, at[-1], watts[-1], joules)


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
            self.board.adopt(self.store.count(self.board.take_stale()))

    def joules(self, resource: str) -> float:
        slot = self.board.slot_of(resource)
        assert slot is not None
        return float(self.board.shown[slot])

    def newest(self, resource: str) -> tuple[float, float]:
        """Seconds after noon, and watts."""
        slot = self.board.slot_of(resource)
        assert slot is not None
        return (int(self.board.at[slot]) - T0) / 1000, float(self.board.watts[slot])
