"""A counter gives no more than it counted, whatever happened to it, its clock, its readers."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import NOON
from tests.store.conftest import HOUR, MINUTE, NODE, START, House, empty_the_store

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import CPU_TIME, ENERGY, Meter
from meterhouse.store import reading, sealing
from meterhouse.store.recorder import Recorder

pytestmark = pytest.mark.django_db
LAWS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SECOND = 1000
FIRST = 2 * HOUR  # after START, where a history begins


@dataclass(frozen=True)
class History:
    """Batches of readings in the order they were told, and what the counter truly counted."""

    batches: list[list[tuple[int, float]]]
    grown: float

    @property
    def last_ms(self) -> int:
        return max(at for batch in self.batches for at, _ in batch)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """A counter that is read some times by one reader or two; undisturbed ones restart."""
    random = Random(draw(st.integers(0, 2**32)))
    what = draw(st.sampled_from(["nothing", "glitches", "set back", "two readers"]))
    interval = draw(st.sampled_from([SECOND, 10 * SECOND, MINUTE, 10 * MINUTE]))
    moments = [FIRST + interval * number for number in range(draw(st.integers(3, 120)))]
    restarts = {random.choice(moments) for _ in range(draw(st.integers(0, 2)))}
    gap = sorted(random.choices(moments, k=2)) if draw(st.booleans()) else [0, 0]
    value = draw(st.sampled_from([0.0, 5e3, 1e6])) if what == "nothing" else 2e9
    watts = draw(st.sampled_from([1.0, 200.0, 3000.0]))
    grown, told = 0.0, []
    for number, at in enumerate(moments):
        if at in restarts and what == "nothing":
            value = 0.0
        step = watts * random.uniform(0.2, 1.8) * interval / 1000 if number else 0.0
        value, grown = value + step, grown + step
        if not gap[0] < at < gap[1]:
            told.append((at, value))
    told = disturbed(random, what, told, interval)
    if draw(st.booleans()):
        random.shuffle(told)  # what comes late
    size = draw(st.integers(1, 40))
    return History([told[n : n + size] for n in range(0, len(told), size)], grown)


def disturbed(
    random: Random, what: str, told: list[tuple[int, float]], interval: int
) -> list[tuple[int, float]]:
    first = random.randrange(len(told))
    if what == "glitches":
        for number in {first, (first + 9) % len(told)} - {0, len(told) - 1}:
            at, value = told[number]
            told[number] = at, random.choice([0.0, value * random.random(), value + 1e10])
    elif what == "set back":
        back = random.choice([500, interval * 3 + 300, interval * 20 + 100])
        told = [(at - back if n >= first else at, value) for n, (at, value) in enumerate(told)]
    elif what == "two readers":
        ahead, every = random.choice([200, interval * 3 + 200]), random.choice([2, 10])
        told = [(at + ahead if n % every else at, value) for n, (at, value) in enumerate(told)]
    return told


def play(history: History, sealed: list[int], meter: Meter) -> House:
    empty_the_store()
    house = House(Recorder(lambda _: None, clock=FixedClock(NOON + timedelta(days=100))))
    for number, batch in enumerate(history.batches):
        house.tell(batch, meter=meter, hold_ms=30_000)
        for hours in sealed[number : number + 1]:
            sealing.seal(START + FIRST + hours * HOUR)
    return house


def sums(cuts: list[int], meter: Meter) -> tuple[list[float], list[int]]:
    spans = [(NODE, START + first, START + last) for first, last in pairwise(cuts)]
    found = reading.increases(spans, meter.name)
    return found.increase.tolist(), found.covered_ms.tolist()


@LAWS
@given(
    histories(),
    st.lists(st.integers(0, 30), max_size=8),
    st.lists(st.integers(0, 30 * HOUR), max_size=5),
    st.sampled_from([ENERGY, CPU_TIME]),
)
def test_a_counter_gives_no_more_than_it_counted_in_any_windows_sealed_or_not(
    history: History, sealed: list[int], cuts: list[int], meter: Meter
) -> None:
    play(history, sealed, meter)
    edges = sorted({0, *cuts, 40 * HOUR})
    answers = []
    for _ in range(2):
        parts, covered = sums(edges, meter)
        (whole,), (known,) = sums([0, 40 * HOUR], meter)
        assert sum(parts) == pytest.approx(whole, abs=1e-6)
        assert sum(covered) == known
        lengths = [last - first for first, last in pairwise(edges)]
        assert all(0 <= ms <= most for ms, most in zip(covered, lengths, strict=True))
        assert min(parts) >= 0
        assert whole <= history.grown + 0.01
        answers.append((parts, covered))
        sealing.seal(START + 60 * HOUR)
    before, after = answers
    assert before[0] == pytest.approx(after[0], abs=2e-3)
    assert before[1] == after[1]
