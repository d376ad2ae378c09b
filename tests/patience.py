"""Waiting for what others do: with a deadline, and with words for what did not come."""

import asyncio
import inspect
import subprocess
import time
from collections.abc import Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")

DEADLINE_S = 10.0  # of what happens in this process
PATIENCE_S = 40.0  # of what another program does, on a busy machine


def eventually(
    true: Callable[[], Answer],
    what: str = "",
    *,
    seconds: float = PATIENCE_S,
    every_s: float = 0.05,
    process: "subprocess.Popen[Any] | None" = None,
) -> Answer:
    """Ask until something is true, and return it.

    what:     for the message, if it does not come
    process:  it must not end meanwhile
    """
    end = time.monotonic() + seconds
    while not (answer := true()):
        ended = process is not None and process.poll() is not None
        assert not ended, f"the program ended before {words(true, what)}"
        assert time.monotonic() < end, f"waited {seconds:g} s in vain for {words(true, what)}"
        time.sleep(every_s)
    return answer


async def until(
    true: Callable[[], object],
    what: str = "",
    *,
    seconds: float = DEADLINE_S,
    every_s: float = 0.002,
) -> None:
    """Let others run until something is true, or what it promises."""
    try:
        async with asyncio.timeout(seconds):
            while not await _answer(true()):  # noqa: ASYNC110 - it knows no event
                await asyncio.sleep(every_s)
    except TimeoutError:
        raise AssertionError(f"waited {seconds:g} s in vain for {words(true, what)}") from None


async def _answer(said: object) -> object:
    return await said if inspect.isawaitable(said) else said


def words(true: Callable[[], object], what: str = "") -> str:
    """What is waited for: as it is called, or else the line that asks for it."""
    if what:
        return what
    try:
        return inspect.getsource(true).strip()
    except (OSError, TypeError):
        return repr(true)
