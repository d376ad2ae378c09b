"""A service that fails is started again, and said to have failed no more than needed."""

import asyncio
import logging
from collections.abc import Callable, Iterator

import pytest
from django.db.utils import OperationalError

from meterhouse.metering.clock import FixedClock
from meterhouse.station import service
from meterhouse.station.service import Health, keep_running
from meterhouse.web.ready import refusal


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "FIRST_PAUSE_S", 0.0)


def failing(*errors: Exception) -> Callable[[], "asyncio.Future[None]"]:
    """A service that fails with each of these, and then ends."""
    left: Iterator[Exception] = iter(errors)

    async def run() -> None:
        if error := next(left, None):
            raise error

    return run  # type: ignore[return-value]


def kept_running(clock: FixedClock, *errors: Exception) -> Health:
    health = Health("recorder")
    asyncio.run(keep_running(health, failing(*errors), clock, refusal))
    return health


def test_the_same_refusal_is_one_line_once(
    clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    full = [OperationalError("disk is full") for _ in range(3)]
    health = kept_running(clock, *full, OperationalError("disk I/O error"))
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert "recorder failed" in caplog.messages[0]
    assert "disk is full" in caplog.messages[0]
    assert "I/O" in caplog.messages[1]
    assert not any(record.exc_info for record in caplog.records)
    assert health.failures == 4


def test_a_mistake_of_the_program_is_told_with_its_traceback_each_time(
    clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    kept_running(clock, ZeroDivisionError("oh"), ZeroDivisionError("oh"))
    assert [bool(record.exc_info) for record in caplog.records] == [True, True]


def test_health_names_what_lies_inside_a_group(clock: FixedClock) -> None:
    health = kept_running(clock, ExceptionGroup("unhandled errors", [OSError(28, "No space")]))
    assert health.error == "OSError: [Errno 28] No space"
    assert health.status == "stopped"


async def test_a_service_that_fails_while_it_is_stopped_is_not_started_again(
    clock: FixedClock,
) -> None:
    begun: list[asyncio.Event] = []

    async def run() -> None:
        begun.append(asyncio.Event())
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise TimeoutError("it does not clean up in time")

    started = asyncio.Event()
    health = Health("web")
    running = asyncio.create_task(keep_running(health, run, clock))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (len(begun), health.status) == (1, "stopped")
