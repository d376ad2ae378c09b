"""Work that blocks, done beside the event loop without ever holding up anybody else."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from meterhouse.metering.errors import Unreachable

T = TypeVar("T")

PATIENCE_S = 300.0
MOST_GIVEN_UP = 10  # threads of one source that hang for ever


class Blocking:
    """One source's own thread: ``await blocking(work)`` returns what ``work()`` returns.

    A thread cannot be cut. With ``asyncio.to_thread``, a few devices that hang would use up the
    threads all sources share, and keep the process from ending. Here a source that hangs has one
    thread that hangs, and is told so until that thread is back; nobody else notices. Work that
    has not come back after ``patience_s`` will not: it is given up, and a new thread begun; not
    more than MOST_GIVEN_UP times.
    """

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._busy: object | None = None  # the work that is not back
        self._since_s = 0.0
        self._given_up = 0

    async def __call__(self, work: Callable[[], T]) -> T:
        """Raises Unreachable if earlier work has not come back, else what ``work`` raises."""
        loop = asyncio.get_running_loop()
        if self._busy and not self._gives_up(loop.time()):
            raise Unreachable("what was asked before has not come back yet")
        turn = object()
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
            if self._busy is turn:
                self._busy = None
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, result, error)

        self._busy, self._since_s = turn, loop.time()
        threading.Thread(target=run, daemon=True).start()
        return await answer

    def _gives_up(self, now_s: float) -> bool:
        """Whether the work that hangs is given up now."""
        if now_s - self._since_s < self._patience_s or self._given_up >= MOST_GIVEN_UP:
            return False
        self._given_up += 1
        return True
