"""Work that blocks, done beside the event loop without ever holding up anybody else."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from meterhouse.metering.errors import Unreachable

T = TypeVar("T")


class Blocking:
    """One source's own thread: ``await blocking(work)`` returns what ``work()`` returns.

    A thread cannot be cut. With ``asyncio.to_thread``, a few devices that hang would use up the
    threads all sources share, and keep the process from ending. Here a source that hangs has one
    thread that hangs, and is told so until that thread is back; nobody else notices.
    """

    def __init__(self) -> None:
        self._busy = False

    async def __call__(self, work: Callable[[], T]) -> T:
        """Raises Unreachable if earlier work has not come back, else what ``work`` raises."""
        if self._busy:
            raise Unreachable("what was asked before has not come back yet")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: BaseException | None) -> None:
            if answer.done():  # cancelled meanwhile
                return
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(result)  # type: ignore[arg-type]

        def run() -> None:
            result, error = None, None
            try:
                result = work()
            except BaseException as raised:  # noqa: BLE001 - handed over to whoever waits
                error = raised
            self._busy = False
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, result, error)

        self._busy = True
        threading.Thread(target=run, daemon=True).start()
        return await answer
