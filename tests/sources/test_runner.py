import asyncio
import logging
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import numpy as np
import pytest
from tests.conftest import NOON
from tests.sources.fakes import (
    DEADLINE_S,
    HURRIED,
    MS,
    Config,
    Watched,
    fake,
    hang,
    nothing,
    reading_of,
    well,
)

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import BadReading, Mistake, Unreachable
from meterhouse.metering.periods import to_ms
from meterhouse.metering.samples import Columns, Series
from meterhouse.metering.secrets import Secret
from meterhouse.metering.snapshots import Snapshot
from meterhouse.sources import Blocking, Named, Reading
from meterhouse.sources.blocking import MOST_GIVEN_UP
from meterhouse.sources.runner import Outcome, Patience, Status
from meterhouse.sources.runner.errors import hide, secrets

NEXT_DAY = to_ms(NOON + timedelta(days=1))

Step = Callable[..., Awaitable[Any]]


@pytest.fixture
def watched(clock: FixedClock) -> Watched:
    return Watched(clock)


def raising(error: BaseException, *, times: int = sys.maxsize) -> Step:
    """A step that raises so many times, and is well from then on."""

    async def read(turn: int, named: Named | None = None) -> Any:
        if turn <= times:
            raise error
        return await well(turn, named)

    return read


async def test_what_a_source_reads_is_published_again_and_again(watched: Watched) -> None:
    meter, _ = fake("meter")
    async with watched.tending([meter]):
        await watched.until_good("meter", 3)
    samples, _ = watched.published[0]
    assert samples.series == (Series("meter/outlet", "power", 10_000),)
    assert list(samples.value) == [212.4]
    assert watched.runner.states() == []  # it was stopped


async def test_a_good_source_is_shown_with_its_counts(watched: Watched, clock: FixedClock) -> None:
    meter, _ = fake("meter")
    async with watched.tending([meter]):
        await watched.until_good("meter", 2)
        state = watched.state("meter")
    assert (state.kind, state.status, state.error) == ("fake", Status.GOOD, "")
    assert state.last_run == state.last_good == clock.now()
    assert (state.samples, state.failures, state.reopenings, state.lost) == (2, 0, 0, 0)


async def test_a_source_that_cannot_be_opened_at_first_is_tried_until_it_can(
    watched: Watched,
) -> None:
    async def opening(turn: int) -> None:
        if turn < 4:
            raise Unreachable("no such device")

    meter, script = fake("meter", opening=opening)
    async with watched.tending([meter]):
        await watched.until_good("meter")
        state = watched.state("meter")
    assert script.opened == 4
    assert watched.outcomes("meter")[:4] == [Outcome.UNREACHABLE] * 3 + [Outcome.GOOD]
    assert (state.reopenings, state.failures) == (3, 3)


@pytest.mark.parametrize(
    "bad",
    [
        fake("bad", opening=hang)[0],
        fake("bad", reading=hang)[0],
        fake("bad", opening=raising(OSError("no tty")))[0],
        fake("bad", reading=raising(Unreachable("unplugged")))[0],
        fake("bad", reading=raising(BadReading("#d,-,18")))[0],
        fake("bad", reading=raising(ZeroDivisionError()))[0],
        fake("bad", reading=raising(asyncio.CancelledError()))[0],
        fake("bad", reading=raising(SystemExit(1)))[0],
        fake("bad", reading=raising(Unreachable("x")), closing=raising(OSError("y")))[0],
    ],
    ids=[
        "hangs at opening",
        "hangs at reading",
        "raises at opening",
        "unreachable",
        "nonsense",
        "a bug",
        "lets a cancellation out",
        "calls exit",
        "raises at closing",
    ],
)
async def test_a_bad_source_stops_no_other(watched: Watched, bad: Any) -> None:
    good, _ = fake("good")
    async with watched.tending([bad, good]):
        await watched.until(lambda: len(watched.outcomes("bad")) >= 4)
        await watched.until_good("good", 4)
    assert watched.good("good") == len(watched.outcomes("good"))


@pytest.mark.parametrize("step", ["opening", "reading"])
async def test_a_hang_is_cut_when_its_time_is_over(watched: Watched, step: str) -> None:
    async def hang_once(turn: int, named: Named | None = None) -> Any:
        return await (hang(turn) if turn == 1 else well(turn, named))

    meter, _ = fake("meter", timeout=20 * MS, **{step: hang_once})  # type: ignore[arg-type]
    async with watched.tending([meter]):
        await watched.until_good("meter")
    assert watched.runs[0].outcome is Outcome.UNREACHABLE
    assert watched.runs[0].error == f"{step} took longer than 0.02 s (`timeout`)"


async def test_a_source_that_ignores_its_end_is_shown_stuck_and_not_run_twice(
    watched: Watched,
) -> None:
    release = asyncio.Event()

    async def stubborn(turn: int, named: Named) -> Reading:
        while turn == 1 and not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue  # the fault under test
        return reading_of(named)

    meter, script = fake("meter", reading=stubborn, timeout=10 * MS)
    good, _ = fake("good")
    async with watched.tending([meter, good]):
        await watched.until(lambda: Outcome.STUCK in watched.outcomes("meter"))
        assert watched.state("meter").status is Status.STUCK
        await watched.until_good("good", 3)
        assert watched.outcomes("meter") == [Outcome.STUCK]
        release.set()
        await watched.until_good("meter")
        assert watched.state("meter").status is Status.GOOD
    assert script.most_at_once == 1


async def test_a_source_that_ignores_being_stopped_does_not_keep_the_others_open(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    release = asyncio.Event()

    async def stubborn(turn: int, named: Named) -> Reading:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue  # the fault under test
        return reading_of(named)

    meter, _ = fake("meter", reading=stubborn, timeout=10 * MS)
    good, script = fake("good")
    async with watched.tending([meter, good]):
        await watched.until_good("good")
    assert script.closed == 1
    assert "source meter does not stop and is left" in caplog.text
    release.set()
    tasks = [task for task in asyncio.all_tasks() if task.get_name() == "source meter"]
    async with asyncio.timeout(10):
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_work_that_blocks_in_a_thread_holds_up_nobody_and_is_not_asked_twice(
    watched: Watched,
) -> None:
    release = threading.Event()
    calls = []

    async def blocking(turn: int, named: Named) -> Reading:
        def wait() -> None:
            calls.append(turn)
            release.wait(10)

        await named.blocking(wait)
        return reading_of(named)

    meter, _ = fake("meter", reading=blocking, timeout=10 * MS)
    good, _ = fake("good")
    async with watched.tending([meter, good]):
        await watched.until(lambda: len(watched.outcomes("meter")) >= 3)
        await watched.until_good("good", 3)
        assert calls == [1]
        assert "has not come back" in watched.state("meter").error
        release.set()
        await watched.until_good("meter")


async def test_a_bad_reading_is_dropped_and_the_device_stays_open(watched: Watched) -> None:
    meter, script = fake("meter", reading=raising(BadReading("#d,-,18"), times=1))
    async with watched.tending([meter]):
        await watched.until_good("meter")
        state = watched.state("meter")
    assert script.opened == 1
    assert (state.bad_readings, state.failures, state.reopenings) == (1, 1, 0)
    assert watched.runs[0].error == "#d,-,18"


async def test_a_device_that_only_talks_nonsense_is_opened_again(watched: Watched) -> None:
    meter, script = fake("meter", reading=raising(BadReading("#d,-,18"), times=3))
    async with watched.tending([meter]):
        await watched.until_good("meter")
    assert script.opened == 2
    assert watched.runs[3].error == "3 bad readings in a row, the last: #d,-,18"


def columns(value: float = 1.0, at_ms: int = 1, key: int = 0) -> Reading:
    series = (Series("meter/outlet", "power", 10_000),)
    keys, at = np.array([key], np.uint32), np.array([at_ms], np.int64)
    return Reading(Columns(series, keys, at, np.array([value])))


def snapshot(source: str = "meter", at_ms: int = 1) -> Reading:
    listed = Snapshot(source=source, kind="node", at_ms=at_ms, complete=True, objects=())
    return Reading(snapshots=(listed,))


@pytest.mark.parametrize(
    ("garbage", "outcome", "said"),
    [
        (None, Outcome.FAILED, "TypeError: read() returned NoneType, not a Reading"),
        (columns(key=1), Outcome.BAD, "belongs to no series"),
        (columns(float("nan")), Outcome.BAD, "can be believed: 1 not a number"),
        (columns(at_ms=0), Outcome.BAD, "time"),
        (columns(at_ms=NEXT_DAY), Outcome.BAD, "time"),
        (snapshot("another"), Outcome.BAD, "'another''s instead of"),
        (snapshot(at_ms=NEXT_DAY), Outcome.BAD, "time"),
    ],
    ids=["no reading", "no series", "no number", "no time", "future", "not its own", "futures"],
)
async def test_garbage_goes_no_further(
    watched: Watched, garbage: Any, outcome: Outcome, said: str
) -> None:
    async def read(turn: int, named: Named) -> Any:
        return garbage

    meter, _ = fake("meter", reading=read)
    async with watched.tending([meter]):
        await watched.until(lambda: bool(watched.runs))
    assert watched.runs[0].outcome is outcome
    assert said in watched.runs[0].error
    assert not watched.published


async def test_going_and_coming_back_are_logged_once_each(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    meter, _ = fake("meter", reading=raising(Unreachable("unplugged"), times=5))
    async with watched.tending([meter]):
        await watched.until_good("meter", 2)
    said = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert said == [(logging.WARNING, "source is failing"), (logging.WARNING, "source is back")]
    assert caplog.records[0].error == "unplugged"  # type: ignore[attr-defined]


async def test_pauses_grow_and_start_anew_after_a_good_reading(clock: FixedClock) -> None:
    asked = []

    class Asked(Patience):
        def pause(self, failures: int, chance: Random) -> float:
            asked.append(failures)
            return 0.0

    async def read(turn: int, named: Named) -> Reading:
        if turn in {1, 2, 3, 5}:
            raise Unreachable("down")
        return reading_of(named)

    watched = Watched(clock, patience=Asked())
    async with watched.tending([fake("meter", reading=read)[0]]):
        await watched.until_good("meter", 2)
    assert asked == [1, 2, 3, 1]


async def test_a_source_that_fails_is_shown_with_when_it_is_tried_again(
    clock: FixedClock,
) -> None:
    an_hour = timedelta(hours=1)
    watched = Watched(clock, patience=Patience(first=an_hour, ceiling=an_hour))
    async with watched.tending([fake("meter", reading=raising(Unreachable("down")))[0]]):
        await watched.until(lambda: bool(watched.runs))
        await asyncio.sleep(0)
        state = watched.state("meter")
    assert (state.status, state.error) == (Status.FAILING, "down")
    assert state.next_run is not None
    assert timedelta(minutes=45) <= state.next_run - clock.now() <= an_hour


async def test_a_reading_that_cannot_be_published_is_kept_and_published_later(
    clock: FixedClock,
) -> None:
    full = True
    watched = Watched(clock, refuse=lambda: full)
    meter, script = fake("meter")
    async with watched.tending([meter]):
        await watched.until(lambda: len(watched.runs) >= 3)
        assert watched.state("meter").status is Status.FAILING
        assert watched.runs[0].error == "could not publish: OSError: journal is full"
        assert script.reads == 1
        full = False
        await watched.until_good("meter")
        assert script.opened == 1
    assert len(watched.published) == watched.good("meter")


async def test_a_reading_given_up_is_counted_as_lost(
    clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    watched = Watched(clock, refuse=lambda: True)
    meter, _ = fake("meter")
    async with watched.tending([meter]):
        await watched.until(lambda: bool(watched.runs))
        standing = watched.runner._tended["meter"][0].standing
    assert standing.state().lost == 1
    assert "before its last reading was published" in caplog.text


async def test_an_empty_reading_is_good_and_not_published(watched: Watched) -> None:
    async def empty(turn: int, named: Named) -> Reading:
        return Reading()

    meter, _ = fake("meter", reading=empty)
    async with watched.tending([meter]):
        await watched.until_good("meter", 2)
    assert not watched.published


async def test_sources_come_change_and_go_and_the_others_notice_nothing(
    watched: Watched,
) -> None:
    stays, staying = fake("stays")
    goes, going = fake("goes")
    changes, changing = fake("changes")
    async with watched.tending([stays, goes, changes]):
        for name in ("stays", "goes", "changes"):
            await watched.until_good(name)
        comes, _ = fake("comes")
        changed = replace(changes, config=Config(answer=42))
        watched.runner.change([replace(stays), changed, comes])
        for name in ("comes", "changes", "stays"):
            await watched.until_good(name)
        assert [state.name for state in watched.runner.states()] == ["changes", "comes", "stays"]
    assert (staying.opened, going.opened, changing.opened) == (1, 1, 2)
    assert going.closed == 1
    assert changing.most_at_once == 1


async def test_a_source_switched_off_is_shown_and_not_read(watched: Watched) -> None:
    off, script = fake("off", enabled=False)
    on, _ = fake("on")
    async with watched.tending([off, on]):
        await watched.until_good("on", 2)
        assert watched.state("off").status is Status.DISABLED
        watched.runner.change([replace(off, enabled=True), on])
        await watched.until_good("off")
    assert script.opened == 1


async def test_two_sources_of_one_name_are_refused(watched: Watched) -> None:
    with pytest.raises(Mistake, match="same name"):
        await watched.runner.run([fake("meter")[0], fake("meter")[0]])


async def test_a_listener_that_fails_stops_nothing(
    clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    watched = Watched(clock)
    told = watched.runner._around.on_run

    def fail(run: Any) -> None:
        told(run)
        raise RuntimeError("no database")

    watched.runner._around = replace(watched.runner._around, on_run=fail)
    async with watched.tending([fake("meter")[0]]):
        await watched.until_good("meter", 3)
    assert "a run could not be told" in caplog.text


async def test_no_secret_stands_in_an_error(watched: Watched) -> None:
    config = Config(password=Secret("hunter 2"))
    said = "401 for https://osl:pa55@rapi:5080/2/?key=hunter%202 with hunter 2\nand more"
    meter, _ = fake("meter", reading=raising(Unreachable(said)), config=config)
    async with watched.tending([meter]):
        await watched.until(lambda: bool(watched.runs))
    assert watched.runs[0].error == "401 for https://…@rapi:5080/2/?key=… with … and more"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("expired at 10.0.0.1:5080 by p", "expired at 10.0.0.1:5080 by …"),
        ("user=p&x", "user=…&x"),
    ],
)
def test_a_short_secret_does_not_stand_out_by_its_dots(said: str, shown: str) -> None:
    assert hide(said, Config(password=Secret("p"))) == shown


def test_secrets_are_found_wherever_a_configuration_keeps_them() -> None:
    config = ({"a": [Config(password=Secret("one")), {Secret("two")}]}, Secret(""), "three")
    assert sorted(secrets(config)) == ["one", "two"]


async def test_a_source_that_gives_up_by_itself_is_not_said_to_be_cut(watched: Watched) -> None:
    meter, _ = fake("meter", reading=raising(TimeoutError("no answer from the bus")))
    run = await watched.runner.once(meter)
    assert run.error.startswith("TimeoutError: no answer from the bus (")


async def test_an_unexpected_error_names_its_place(watched: Watched) -> None:
    grouped = ExceptionGroup("unhandled", [KeyError("watts")])
    meter, _ = fake("meter", reading=raising(grouped))
    async with watched.tending([meter]):
        await watched.until(lambda: bool(watched.runs))
    assert watched.runs[0].error.startswith("KeyError: 'watts'")
    broken, _ = fake("broken", reading=raising(ValueError("no number")))
    run = await watched.runner.once(broken)
    assert run.error.startswith("ValueError: no number (test_runner.py:")


async def test_once_opens_reads_publishes_and_closes(watched: Watched) -> None:
    meter, script = fake("meter")
    run = await watched.runner.once(meter)
    assert (run.outcome, run.samples, run.error) == (Outcome.GOOD, 1, "")
    assert (script.opened, script.reads, script.closed) == (1, 1, 1)
    assert len(watched.published) == 1


@pytest.mark.parametrize(
    ("reading", "outcome"),
    [
        (hang, Outcome.UNREACHABLE),
        (raising(BadReading("?")), Outcome.BAD),
        (raising(KeyError("?")), Outcome.FAILED),
    ],
    ids=["hang", "nonsense", "bug"],
)
async def test_once_says_what_went_wrong(
    watched: Watched, reading: Step, outcome: Outcome
) -> None:
    meter, script = fake("meter", reading=reading, timeout=10 * MS)
    assert (await watched.runner.once(meter)).outcome is outcome
    assert script.closed == 1


async def test_once_says_that_it_could_not_publish(clock: FixedClock) -> None:
    watched = Watched(clock, refuse=lambda: True)
    assert (await watched.runner.once(fake("meter")[0])).outcome is Outcome.UNPUBLISHED


async def test_a_close_that_hangs_is_cut(watched: Watched) -> None:
    meter, _ = fake("meter", closing=hang, timeout=10 * MS)
    run = await watched.runner.once(meter)
    assert (run.outcome, run.error) == (
        Outcome.UNREACHABLE,
        "closing took longer than 0.01 s (`timeout`)",
    )


async def test_a_source_without_an_interval_is_read_as_fast_as_it_answers(
    watched: Watched,
) -> None:
    meter, _ = fake("meter", interval=timedelta(0), closing=nothing)
    async with watched.tending([meter]):
        await watched.until_good("meter", 50)


async def test_who_sleeps_in_the_event_loop_is_found_and_named(
    clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def sleeping(turn: int, named: Named) -> Reading:
        if turn == 1:
            time.sleep(1.2)  # noqa: ASYNC251 - the fault under test
        return reading_of(named)

    bad, _ = fake("bad", reading=sleeping, timeout=timedelta(seconds=5))
    good, _ = fake("good")
    watched = Watched(clock, patience=replace(HURRIED, held=500 * MS))
    async with watched.tending([bad, good]):
        await watched.until_good("bad", 2)
        await watched.until_good("good", 2)
        assert (watched.state("bad").blocked, watched.state("good").blocked) == (1, 0)
    (said,) = [record for record in caplog.records if "holds up all others" in record.message]
    assert said.__dict__["source"] == "bad"
    assert said.__dict__["place"].startswith("test_runner.py:")


async def test_what_holds_up_the_loop_and_is_no_source_is_named_too(
    clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    watched = Watched(clock, patience=replace(HURRIED, held=500 * MS))
    async with watched.tending([fake("good")[0]]):
        await watched.until_good("good")
        time.sleep(1.2)  # noqa: ASYNC251 - the fault under test
        await watched.until_good("good", 2)
        assert watched.state("good").blocked == 0
    (said,) = [
        record for record in caplog.records if "the event loop is held up" in record.message
    ]
    assert said.__dict__["place"].startswith("test_runner.py:")


async def test_a_source_that_floods_costs_its_own_samples_and_nobody_elses(
    watched: Watched,
) -> None:
    many = 600_000
    flood = columns()
    samples = Columns(
        flood.samples.series, np.zeros(many, np.uint32), np.ones(many, np.int64), np.ones(many)
    )

    async def reading(turn: int, named: Named) -> Reading:
        return Reading(samples)

    bad, _ = fake("meter", reading=reading, timeout=timedelta(seconds=5))
    good, _ = fake("good")
    async with watched.tending([bad, good]):
        await watched.until(lambda: watched.state("meter").bad_readings >= 3)
        await watched.until_good("good", 5)
        state = watched.state("meter")
    assert state.refused["too many at once"] >= 3 * many
    assert "600000 too many at once" in state.error
    assert state.reopenings > 0
    assert watched.good("good") == len(watched.outcomes("good"))


async def test_a_thread_that_hangs_for_ever_is_given_up_and_the_source_goes_on(
    watched: Watched,
) -> None:
    release = threading.Event()
    blocking = Blocking(patience_s=0.05)
    turns: list[int] = []

    def work() -> None:
        turns.append(1)
        if len(turns) == 1:
            release.wait(DEADLINE_S)

    async def reading(turn: int, named: Named) -> Reading:
        await blocking(work)
        return reading_of(named)

    meter, _ = fake("meter", reading=reading, timeout=20 * MS)
    try:
        async with watched.tending([meter]):
            await watched.until_good("meter", 2)
            state = watched.state("meter")
    finally:
        release.set()
    assert state.status is Status.GOOD
    assert len(turns) > 2


async def test_threads_are_not_given_up_without_end() -> None:
    release = threading.Event()
    blocking = Blocking(patience_s=0.0)
    hanging = [
        asyncio.create_task(blocking(lambda: release.wait(DEADLINE_S)))
        for _ in range(MOST_GIVEN_UP + 2)
    ]
    try:
        done, left = await asyncio.wait(hanging, timeout=0.2)
        assert [type(task.exception()) for task in done] == [Unreachable]
        assert len(left) == MOST_GIVEN_UP + 1
    finally:
        release.set()
        await asyncio.wait(hanging)
