"""A file's sources, and what changes in it while they are read."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from meterhouse.metering.errors import Mistake
from meterhouse.sources import Configured
from meterhouse.station.declared import declared

log = logging.getLogger(__name__)

LOOK_S = 1.0
Stamp = tuple[int, int, int]


class SourcesFile:
    """Tells of every change of the file: when it changes on disk, and when ``SIGHUP`` comes.

    A mistake in it is one line of the log, and the sources stay as they are.

    on_change:  called in the event loop with the sources that should be read from now on
    look_s:     seconds between two looks; a change is taken once it has stood for that long, so
                that a file that is being written is not read halfway
    """

    def __init__(
        self, path: Path, on_change: Callable[[Sequence[Configured]], None], look_s: float = LOOK_S
    ) -> None:
        self._path, self._on_change, self._look_s = path, on_change, look_s
        self._hangup = asyncio.Event()

    async def follow(self) -> None:
        """Follow it until this is cancelled."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._hangup.set)
        try:
            await self._look()
        finally:
            loop.remove_signal_handler(signal.SIGHUP)

    async def _look(self) -> None:
        taken = seen = self._stamp()
        while True:
            told = await self._pause()
            now = self._stamp()
            if told or (now == seen and now != taken):
                taken = now
                await self._take()
            seen = now

    async def _pause(self) -> bool:
        """Wait for the next look; returns whether somebody asked for it."""
        try:
            async with asyncio.timeout(self._look_s):
                await self._hangup.wait()
        except TimeoutError:
            return False
        self._hangup.clear()
        return True

    async def _take(self) -> None:
        try:
            sources = await asyncio.to_thread(declared, self._path)
            self._on_change(sources)
        except Mistake as mistake:
            first, *more = str(mistake).splitlines()
            also = f" (and {len(more)} more)" if more else ""
            log.error("%s%s; what is read stays as it was", first, also)  # noqa: TRY400
        else:
            log.warning("%s is read anew: %d sources", self._path, len(sources))

    def _stamp(self) -> Stamp | None:
        """By what a change is known; None while there is no file."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 - follows links, as reading does
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
