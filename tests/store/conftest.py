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
class Fastest:
    """How fast a counter can grow, a second; coarse: of one that stood still, at once."""

    most: float
    usual: float
    coarse: float


JOULES = Fastest(1_000_000, 100_000, 3_600_000)
CPU_SECONDS = Fastest(4096, 4096, 0)


@dataclass(frozen=True)
class Plain:
    """What one series did between two moments, by the rules and nothing else."""

    count: int
    minimum: float
    maximum: float
    integral: float
    increase: float
    covered_ms: int


def bridged(
    readings: dict[int, float], start_ms: int, end_ms: int, fastest: Fastest = JOULES
) -> tuple[float, float]:
    """What a counter says of a stretch, in its unit and milliseconds, reading by reading."""
    amount, covered = 0.0, 0.0
    for before, at, added in grown(readings, fastest):
        inside = max(min(at, end_ms) - max(before, start_ms), 0)
        amount += added * inside / (at - before)
        covered += inside
    return amount, covered


def grown(
    readings: dict[int, float], fastest: Fastest = JOULES
) -> Iterator[tuple[int, int, float]]:
    """From when to when a counter is known, and what it added, stretch by stretch."""
    chain = _kept(readings, fastest)
    judged = list(_judged(readings, chain, fastest))
    below = _below(readings, chain, [known for _, known in judged])
    for (before, at), (added, known) in zip(pairwise(chain), judged, strict=True):
        if known and before not in below:
            yield before, at, added


def stood(
    readings: dict[int, float],
    start_ms: int,
    end_ms: int,
    hold_ms: int | Mapping[int, int],
    fastest: Fastest,
) -> int:
    """Milliseconds of a stretch in which readings stand, and are believed."""
    found, moments = 0, sorted(readings)
    for at, following in pairwise([*moments, math.inf]):
        if following < math.inf and not bridged(readings, int(at), int(following), fastest)[1]:
            continue
        hold = hold_ms if isinstance(hold_ms, int) else hold_ms[int(at)]
        until = min(at + hold, following, end_ms)
        found += max(int(until) - max(int(at), start_ms), 0)
    return found


def _kept(readings: dict[int, float], fastest: Fastest) -> list[int]:
    """The moments of readings in no dip and no spike."""
    moments = sorted(readings)
    begun = {at for number, at in enumerate(moments) if _begins_anew(readings, moments, number)}

    def ends(first: int, last: int) -> bool:
        at, until = moments[first], moments[last]
        step = readings[until] - readings[at]
        return (
            until - at <= 30 * MINUTE
            and not any(moments[number] in begun for number in range(first + 1, last + 1))
            and 0 <= step <= fastest.most / 1000 * (until - at)
        )

    pairs = [
        (first, last)
        for first in range(len(moments))
        for last in range(first + 2, min(first + 5, len(moments)))
        if ends(first, last)
    ]
    dips = {
        moments[number]
        for first, last in pairs
        for number in range(first + 1, last)
        if readings[moments[number]] < readings[moments[first]]
    }
    spikes = {
        moments[number]
        for first, last in pairs
        if not dips & {moments[first], moments[last]}
        for number in range(first + 1, last)
        if readings[moments[number]] > readings[moments[last]]
    }
    return [at for at in moments if at not in dips | spikes]


def _begins_anew(readings: dict[int, float], moments: list[int], number: int) -> bool:
    """Whether a counter plainly begins from zero there."""
    if not 2 <= number < len(moments) - 1:
        return False
    earlier, before, at, following = moments[number - 2 : number + 2]
    if max(readings[at], readings[following]) >= readings[before]:
        return False
    if readings[at] >= readings[earlier] or readings[following] <= readings[at]:
        return False
    if following - at > 30 * MINUTE:
        return False
    rates = [_rate(readings, *moments[n - 1 : n + 1]) for n in (number - 1, number - 2) if n > 0]
    likely = 4 * min(rates)
    more = readings[following] - readings[at]
    return likely > 0 and all(
        0 <= shown <= likely * passed
        for shown, passed in ((readings[at], at - before), (more, following - at))
    )


def _rate(readings: dict[int, float], before: int, at: int) -> float:
    return (readings[at] - readings[before]) / (at - before)


def _judged(
    readings: dict[int, float], chain: list[int], fastest: Fastest
) -> Iterator[tuple[float, bool]]:
    """Of each stretch of a chain what it adds, and whether that is known."""
    moments = sorted(readings)
    rates: list[float] = []
    fell_from = math.nan
    for before, at in pairwise(chain):
        passed, step = at - before, readings[at] - readings[before]
        last = [rate for rate in rates[-2:] if 0 <= rate <= fastest.most]
        recent = max(last, default=math.inf)
        rates.append(step * 1000 / passed)
        if step < 0:
            most = min(4 * recent, fastest.usual) / 1000 * passed
            known = 0 <= readings[at] <= most
            anew = _begins_anew(readings, moments, moments.index(at))
            fell_from = math.nan if anew else readings[before]
            yield (readings[at] if known else 0.0), known
            continue
        known = not readings[at] >= fell_from and _rises(step, passed, recent, fastest)
        fell_from = math.nan
        yield (step if known else 0.0), known


def _below(readings: dict[int, float], chain: list[int], known: list[bool]) -> set[int]:
    """Where stretches begin that lie below a level that the counter fell from and is soon at."""
    moments, below = sorted(readings), set[int]()
    for fall in range(len(chain) - 1):
        level, at = readings[chain[fall]], chain[fall + 1]
        rates = [
            _rate(readings, *chain[n - 1 : n + 1])
            for n in (fall, fall - 1)
            if n > 0 and readings[chain[n]] >= readings[chain[n - 1]]
        ]
        depth = level - readings[at]
        if depth <= 0 or known[fall] or not rates or depth > 4 * max(rates) * 4 * HOUR:
            continue
        for begin in chain[fall + 1 : -1]:
            late = moments.index(begin) - moments.index(at) > 32
            if late or readings[begin] >= level:
                break
            below.add(begin)
    return below


def _rises(step: float, passed: int, recent: float, fastest: Fastest) -> bool:
    if recent == 0 and step <= fastest.coarse:
        return True
    rate = step * 1000 / passed
    return rate <= fastest.most and rate <= max(4 * recent, fastest.usual)


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
