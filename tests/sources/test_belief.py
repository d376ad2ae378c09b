"""One number that cannot be is dropped and counted; all others of its reading are kept."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sources.fakes import Watched, fake, reading_of

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.samples import Columns, Series
from meterhouse.metering.snapshots import Resource, Snapshot
from meterhouse.sources import Limits, Named, Reading
from meterhouse.sources.runner import Outcome, Status
from meterhouse.sources.runner.belief import MOST_REMEMBERED, Belief
from meterhouse.sources.runner.standing import MOST_REASONS, OTHER

NOW_MS = 1_000_000
NODES = ("node-1", "node-2", "node-3")


def series(meter: str, nodes: Sequence[str] = NODES) -> tuple[Series, ...]:
    return tuple(Series(f"rack/{node}", meter, 10_000) for node in nodes)


def read(
    values: Sequence[float], of: tuple[Series, ...], refused: Mapping[str, int] | None = None
) -> Reading:
    count = len(values)
    columns = Columns(
        of, np.arange(count, dtype=np.uint32), np.full(count, NOW_MS), np.array(values, np.float64)
    )
    return Reading(columns, refused=refused or {})


def believed(reading: Reading, limits: Limits | None = None) -> tuple[list[float], dict[str, int]]:
    found = Belief("rack", limits or Limits()).check(reading, NOW_MS)
    return found.samples.value.tolist(), dict(found.refused)


def test_what_can_be_is_handed_on_untouched() -> None:
    reading = read([0.0, 212.4, 100_000.0], series("power"))
    assert Belief("rack", Limits()).check(reading, NOW_MS) is reading


@pytest.mark.parametrize(
    ("garbage", "reason"),
    [
        (math.nan, "not a number"),
        (math.inf, "not a number"),
        (-math.inf, "not a number"),
        (-0.1, "negative"),
        (100_000.1, "above its limit"),
    ],
)
def test_one_number_that_cannot_be_costs_no_other(garbage: float, reason: str) -> None:
    assert believed(read([1.0, garbage, 3.0], series("power"))) == ([1.0, 3.0], {reason: 1})


def test_the_rest_keeps_its_series_and_its_moments() -> None:
    samples = Belief("rack", Limits()).check(read([-1, 2, 3], series("power")), NOW_MS).samples
    assert [samples.series[key].resource for key in samples.key] == ["rack/node-2", "rack/node-3"]
    assert samples.at.tolist() == [NOW_MS, NOW_MS]


def test_a_fall_that_is_no_restart_is_counted_and_kept() -> None:
    """3 kW at most: 3.0 kWh, then 2.9 kWh a minute later; 10 kJ after that is a restart."""
    belief, of = Belief("rack", Limits(3000.0)), series("energy", NODES[:1])
    answers = []
    for minute, joules in enumerate((10.8e6, 10.44e6, 10.45e6, 10_000.0)):
        reading = read([joules], of)
        reading.samples.at[:] = NOW_MS + minute * 60_000
        found = belief.check(reading, NOW_MS + 600_000)
        answers.append((found.samples.value.tolist(), dict(found.refused)))
    fell = {"counter fell, and did not begin from zero": 1}
    assert answers == [([10.8e6], {}), ([10.44e6], fell), ([10.45e6], {}), ([10_000.0], {})]


def test_a_probe_may_have_its_own_limit() -> None:
    limits = Limits(500.0, {"node-2": 900.0, "node-3": 90.0})
    assert believed(read([501.0, 899.0, 91.0], series("power")), limits) == (
        [899.0],
        {"above its limit": 2},
    )


def test_an_energy_counter_has_no_limit_and_is_never_negative() -> None:
    counters = read([7.2e12, -1.0, 0.0], series("energy"))
    assert believed(counters) == ([7.2e12, 0.0], {"negative": 1})


def test_what_may_be_below_zero_is_left_alone() -> None:
    assert believed(read([-12.5, -48.0, 1e9], series("temperature"))) == ([-12.5, -48.0, 1e9], {})


def test_what_the_driver_refused_is_counted_with_it() -> None:
    reading = read([-1.0, 2.0], series("power"), {"negative": 2, "half a packet": 1})
    assert believed(reading) == ([2.0], {"negative": 3, "half a packet": 1})


def test_limits_are_worked_out_anew_for_other_series_and_not_kept_for_ever() -> None:
    belief = Belief("rack", Limits(10.0))
    tuples = [series("power", (f"node-{number}",)) for number in range(3 * MOST_REMEMBERED)]
    for names in tuples + tuples:
        assert not len(belief.check(read([11.0], names), NOW_MS).samples)
    assert len(belief._bounds) <= MOST_REMEMBERED


@given(st.lists(st.floats(), max_size=30))
def test_every_number_is_either_kept_or_counted(values: list[float]) -> None:
    names = series("power", tuple(map(str, range(len(values)))))
    kept, refused = believed(read(values, names), Limits(1000.0))
    assert len(kept) + sum(refused.values()) == len(values)
    assert kept == [value for value in values if 0 <= value <= 1000]


async def test_what_was_not_believed_is_counted_by_reason_and_never_published(
    clock: FixedClock,
) -> None:
    async def reading(turn: int, named: Named) -> Reading:
        bad = [math.nan, -1.0, 501.0, 502.0][turn - 1 : turn]
        names = tuple(Series(f"rack/{node}", "power", 10_000) for node in ("node-1", "node-2"))
        found = read([bad[0] if bad else 7.0, 212.4], names)
        return replace(found, refused={"half a packet": 1} if turn == 1 else {})

    meter, _ = fake("rack", reading=reading)
    watched = Watched(clock)
    async with watched.tending([replace(meter, limits=Limits(500.0))]):
        await watched.until_good("rack", 6)
        state = watched.state("rack")
    values = [float(value) for samples, _ in watched.published for value in samples.value]
    assert state.refused == {
        "not a number": 1,
        "negative": 1,
        "above its limit": 2,
        "half a packet": 1,
    }
    assert (state.status, state.bad_readings, state.samples) == (Status.GOOD, 0, len(values))
    assert values[:4] == [212.4] * 4
    assert [run.refused for run in watched.runs[:5]] == [2, 1, 1, 1, 0]


async def test_a_reading_of_which_nothing_is_believed_is_bad_but_what_it_lists_is_kept(
    clock: FixedClock,
) -> None:
    async def reading(turn: int, named: Named) -> Reading:
        node = Resource(id="rack/outlet", kind="outlet", name="outlet")
        listed = Snapshot(source="rack", kind="outlet", at_ms=1, complete=True, objects=(node,))
        return replace(reading_of(named, 1e6 if turn == 1 else 1.0), snapshots=(listed,))

    meter, script = fake("rack", reading=reading)
    watched = Watched(clock)
    async with watched.tending([meter]):
        await watched.until_good("rack")
        state = watched.state("rack")
    assert watched.runs[0].outcome is Outcome.BAD
    assert watched.runs[0].error == (
        "no number that was read can be believed: 1 above its limit; power above its limit: outlet"
    )
    assert (state.bad_readings, state.reopenings, script.opened) == (1, 0, 1)
    assert len(watched.published[0][1]) == 1
    assert not len(watched.published[0][0])


async def test_a_meter_that_only_sends_garbage_is_opened_again(clock: FixedClock) -> None:
    async def reading(turn: int, named: Named) -> Reading:
        return reading_of(named, -1.0 if turn <= 3 else 1.0)

    meter, script = fake("rack", reading=reading)
    watched = Watched(clock)
    async with watched.tending([meter]):
        await watched.until_good("rack")
        state = watched.state("rack")
    assert script.opened == 2
    assert state.refused == {"negative": 3}


async def test_read_once_says_that_nothing_could_be_believed(clock: FixedClock) -> None:
    async def reading(turn: int, named: Named) -> Reading:
        return reading_of(named, math.nan)

    run = await Watched(clock).runner.once(fake("rack", reading=reading)[0])
    assert (run.outcome, run.refused) == (Outcome.BAD, 1)


async def test_a_driver_with_ever_new_reasons_cannot_fill_the_memory(clock: FixedClock) -> None:
    async def reading(turn: int, named: Named) -> Reading:
        return replace(reading_of(named), refused={f"line {turn}": 1})

    meter, _ = fake("rack", reading=reading)
    watched = Watched(clock)
    async with watched.tending([meter]):
        await watched.until_good("rack", MOST_REASONS + 5)
        refused = watched.state("rack").refused
    assert len(refused) == MOST_REASONS + 1
    assert refused[OTHER] >= 5
