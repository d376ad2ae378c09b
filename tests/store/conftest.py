"""A store to record into, and the same rules worked out slowly and plainly beside it."""

import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import connection, connections
from tests.conftest import NOON

from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import METERS, POWER, Kind, Meter
from meterhouse.metering.periods import to_ms
from meterhouse.metering.samples import Columns, Sample, Series
from meterhouse.store.recorder import Outcome, Recorder

START = to_ms(NOON)
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
HOLD = 5000
NODE = "osl/node-1"
POWER_OF_NODE = Series(NODE, "power", HOLD)


@dataclass
class House:
    """A publisher and the recorder of its batches."""

    recorder: Recorder
    sequence: int = 0
    samples: list[Sample] = field(default_factory=list)

    def tell(
        self,
        readings: Sequence[tuple[int, float]],
        *,
        resource: str = NODE,
        meter: Meter = POWER,
        hold_ms: int = HOLD,
    ) -> Outcome:
        """Record readings (milliseconds after START, value) as the next batch."""
        told = [Sample(meter, resource, value, START + at) for at, value in readings]
        return self.send(Columns.of(told, hold_ms=hold_ms))

    def send(self, columns: Columns) -> Outcome:
        self.sequence += 1
        return self.recorder.record(
            Batch(
                publisher="alice",
                epoch=1,
                sequence=self.sequence,
                sent_ms=START,
                samples=columns,
            )
        )


@pytest.fixture
def house() -> House:
    return House(Recorder(lambda _: None, clock=FixedClock(NOON + timedelta(days=100))))


def empty_the_store() -> None:
    """Between examples of one test; pytest empties it between tests."""
    with connection.cursor() as cursor:
        for table in ("series", "position", "loss", "refusal", "head", "block", "hold"):
            cursor.execute(f"DELETE FROM store_{table}")  # noqa: S608 - the names above


@pytest.fixture
def shared(tmp_path: Path, transactional_db: None) -> Iterator[str]:
    """A database for several threads: SQLite's in memory, as tests have it, is for one."""
    if connection.vendor != "sqlite":
        yield "default"
        return
    path, in_memory = tmp_path / "shared.db", connections["default"]
    with closing(sqlite3.connect(path)) as file:
        in_memory.connection.backup(file)
        file.execute("PRAGMA journal_mode=WAL")  # as it is after the first start
    settings = connections.settings["default"]
    before = settings["NAME"]
    settings["NAME"] = str(path)
    del connections["default"]  # the next one is made from the settings
    try:
        yield "default"
    finally:
        connections["default"].close()
        settings["NAME"] = before
        connections["default"] = in_memory


@dataclass(frozen=True)
class Plain:
    """What one series did between two moments, by the rules and nothing else."""

    count: int
    minimum: float
    maximum: float
    integral: float
    increase: float
    covered_ms: int


def bridged(readings: dict[int, float], start_ms: int, end_ms: int) -> tuple[float, float]:
    """Joules and milliseconds that an energy counter says of a stretch, step by step."""
    moments, joules, covered, distrusted = sorted(readings), 0.0, 0.0, False
    for before, at in pairwise(moments):
        step, most = readings[at] - readings[before], 1e6 * (at - before) / 1000
        added = readings[at] if step < 0 else step
        believed = 0 <= added <= most
        inside = max(min(at, end_ms) - max(before, start_ms), 0)
        if believed and not distrusted:
            joules += added * inside / (at - before)
            covered += inside
        distrusted = step < 0 and not believed
    return joules, covered


def plainly(
    readings: dict[int, float],
    start_ms: int,
    end_ms: int,
    *,
    hold_ms: int | Mapping[int, int],
    kind: Kind,
) -> Plain:
    """readings: from moment to value; hold_ms: of all of them, or from moment to that of each."""
    moments = sorted(readings)
    count, integral, increase, covered, stood = 0, 0.0, 0.0, 0, []
    for number, at in enumerate(moments):
        following = moments[number + 1] if number + 1 < len(moments) else math.inf
        hold = hold_ms if isinstance(hold_ms, int) else hold_ms[at]
        until = min(at + hold, following, end_ms)
        span = int(until - max(at, start_ms))
        inside = start_ms <= at < end_ms
        if span > 0:
            integral += readings[at] * span / 1000
            covered += span
        if inside or span > 0:
            stood.append(readings[at])
        if inside:
            count += 1
            before = readings[moments[number - 1]] if number else None
            increase += _growth(before, readings[at], kind)
    low, high = (min(stood), max(stood)) if stood else (math.nan, math.nan)
    return Plain(count, low, high, integral, increase, covered)


def _growth(before: float | None, value: float, kind: Kind) -> float:
    if kind is Kind.DELTA:
        return value
    if kind is Kind.GAUGE or before is None:
        return 0
    return value - before if value >= before else max(value, 0)


def kind_of(meter: str) -> Kind:
    return METERS[meter].kind
