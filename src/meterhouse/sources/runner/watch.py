"""Finds who holds up the event loop: code that blocks in it stops every source, and says nothing.

Nobody inside the loop can see it, so a thread beside it looks: it asks the loop for an answer once
a second, and when none comes it looks which task is at work, and at which line of its code.
"""

import asyncio
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from traceback import extract_stack
from types import TracebackType
from typing import Any, Self

Found = Callable[["asyncio.Task[Any] | None", str], None]


class Watch:
    """Watches the running loop while it is entered.

    every_s:    how often it asks
    limit_s:    how long the loop may be silent
    on_blocked: called in the watching thread, once each time, with the task at work (None if it
                is none) and the place in its code
    """

    def __init__(self, every_s: float, limit_s: float, on_blocked: Found) -> None:
        self._every_s, self._limit_s, self._on_blocked = every_s, limit_s, on_blocked
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._look, name="watch", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()

    def _look(self) -> None:
        while not self._ended.wait(self._every_s):
            answered = threading.Event()
            try:
                self._loop.call_soon_threadsafe(answered.set)
            except RuntimeError:  # the loop has ended
                return
            if answered.wait(self._limit_s) or self._ended.is_set():
                continue
            self._on_blocked(asyncio.current_task(self._loop), self._place())
            while not answered.wait(self._every_s) and not self._ended.is_set():
                pass

    def _place(self) -> str:
        """The line of a source's own code that is at work, or else the innermost."""
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001 - nothing else tells it
        lines = extract_stack(frame)[::-1] if frame else []
        own = [each for each in lines if "/sources/" in each.filename]
        own = [each for each in own if "/sources/runner/" not in each.filename] or lines
        return f"{Path(own[0].filename).name}:{own[0].lineno}" if own else "an unknown place"
