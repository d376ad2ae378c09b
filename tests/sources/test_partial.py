"""What says nothing is not good: a source that gives a part is partly good, and says of what."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.sources.fakes import Watched, fake, reading_of

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import CURRENT, ENERGY, POWER, Meter
from meterhouse.metering.samples import Columns
from meterhouse.sources import Limits, Named, Outlets, Parts, Reading, lacks
from meterhouse.sources.runner import Outcome, Runner, Status
from meterhouse.sources.runner.belief import Belief, nothing_believed

CLOCK = FixedClock(datetime(2026, 5, 1, tzinfo=UTC))
NAMED = Named("pdu", timedelta(seconds=1), timedelta(seconds=10), CLOCK)
NAN = float("nan")
NAMES = ("a", "b", "b", "")
NUMBERS = st.lists(st.one_of(st.just(NAN), st.floats(0, 1e4)), min_size=4, max_size=4)


@given(watts=NUMBERS, joules=NUMBERS)
def test_no_number_that_was_promised_is_missing_in_silence(
    watts: list[float], joules: list[float]
) -> None:
    reading = Outlets(NAMED, NAMES).reading(
        1000, {POWER: watts, ENERGY: joules}, promised=(POWER, ENERGY)
    )
    missing = [n for numbers in (watts, joules) for n in numbers[:3] if n != n]  # noqa: PLR0124
    assert bool(reading.lacking) == bool(missing)
    assert (nothing_believed(reading) is None) == bool(len(reading.samples))


def test_what_is_lacking_is_named_by_the_outlet() -> None:
    outlets = Outlets(NAMED, NAMES)
    reading = outlets.reading(1000, {POWER: [1, NAN, 2, NAN]}, promised=(POWER,))
    assert reading.lacking == ("no power: b (outlet 2)",)


def test_what_was_said_once_is_missed_from_then_on() -> None:
    outlets = Outlets(NAMED, ["a"])

    def lacking(**numbers: float) -> tuple[str, ...]:
        by_meter: dict[Meter, list[float]] = {
            POWER: [1.0],
            CURRENT: [numbers.get("amperes", NAN)],
        }
        return outlets.reading(1000, by_meter, promised=(POWER,)).lacking

    assert lacking() == ()
    assert lacking(amperes=2.0) == ()
    assert lacking() == ("no current: a",)


def test_those_that_lack_the_same_are_one_line() -> None:
    pairs = [("no power", name) for name in "abcde"] + [("no energy", "a")]
    assert lacks(pairs) == ("no power: a, b, c and 2 more", "no energy: a")
    parts = Parts("pdu")
    parts.failed("unit 3", "no answer")
    assert parts.lacking == ("no answer: unit 3",)


def test_a_number_that_is_not_believed_is_lacking() -> None:
    outlets = Outlets(NAMED, ["a", "b"])
    reading = Belief("pdu", Limits(100.0)).check(outlets.reading(1000, {POWER: [90, 110]}), 1000)
    assert reading.lacking == ("power above its limit: b",)
    assert len(reading.samples) == 1


async def test_a_source_that_gives_a_part_is_partly_good_until_it_gives_all(
    clock: FixedClock,
) -> None:
    async def read(turn: int, named: Named) -> Reading:
        whole = reading_of(named)
        return Reading(whole.samples, lacking=("no energy: outlet",) if turn <= 2 else ())

    meter, _ = fake("meter", reading=read)
    watched = Watched(clock)
    async with watched.tending([meter]):
        await watched.until(lambda: len(watched.runs) >= 2)
        part = watched.runs[0]
        await watched.until_good("meter")
        whole = watched.state("meter")
    assert (part.outcome, part.samples, part.error) == (
        Outcome.PARTIAL,
        1,
        "no energy: outlet",
    )
    assert (whole.status, whole.error, whole.failures) == (Status.GOOD, "", 0)


async def test_a_partly_good_source_shows_it(clock: FixedClock) -> None:
    async def read(turn: int, named: Named) -> Reading:
        return Reading(reading_of(named).samples, lacking=("no energy: outlet",))

    meter, _ = fake("meter", reading=read)
    watched = Watched(clock)
    async with watched.tending([meter]):
        await watched.until(lambda: len(watched.runs) >= 2)
        state = watched.state("meter")
    assert (state.status, state.error) == (Status.PARTIAL, "no energy: outlet")
    assert state.last_good is not None


async def test_a_source_that_gives_nothing_of_what_it_owes_is_bad(clock: FixedClock) -> None:
    async def read(turn: int, named: Named) -> Reading:
        return Reading(Columns(), lacking=("no power: outlet",))

    meter, _ = fake("meter", reading=read)
    done = await Runner(lambda samples, snapshots: None, clock).once(meter)
    assert (done.outcome, done.error) == (Outcome.BAD, "no number is said; no power: outlet")
