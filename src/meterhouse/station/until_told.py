"""A program that runs until somebody stops it: Ctrl-C, or SIGTERM from a service manager."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress


async def until_told(run: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run until SIGINT or SIGTERM, then stop in order."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    running = asyncio.create_task(run())
    waiting = asyncio.create_task(told.wait())
    await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
    if told.is_set():
        running.cancel()
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await running
