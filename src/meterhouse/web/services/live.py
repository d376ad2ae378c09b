"""The live service: keeps the board, from the bus, the recorder and the store.

It hears every batch as it is published, and is told by the recorder which were written. Energy is
counted from the store once at a start, and again for what came late; what is shown is written down
every minute, so that it never falls, whatever happens to this process.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from django.db import close_old_connections

from meterhouse.bus.endpoints import Endpoint
from meterhouse.bus.listen import Listener
from meterhouse.live.answers import Answers
from meterhouse.live.board import Board
from meterhouse.live.counting import counted
from meterhouse.live.events import Events
from meterhouse.live.keeping import Keeping
from meterhouse.live.probes import Probes, probes
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import Clock
from meterhouse.station.service import one_line

Done = TypeVar("Done")

log = logging.getLogger(__name__)

ROUND_S = 0.1  # between two rounds of events, at least
LOOK_S = 0.25
COUNT_S = 1.0
REST = 4  # times as long as a count took before the next: at most a fifth of a core
KEEP_S = 60.0
NAME_S = 60.0  # how soon a new name is seen; a new probe's at once
MOVE_ON_ROUNDS = 60  # of keeping: what the store will not keep for ever is seen to every hour


class Live:
    """Everything that is shown live, and what feeds it.

    silent_ms:  a probe that says nothing for so long is not shown
    """

    def __init__(
        self, endpoints: Sequence[Endpoint], secret: bytes, clock: Clock, silent_ms: int
    ) -> None:
        self._endpoints, self._secret = endpoints, secret
        self._clock = clock
        self.board = Board(clock)
        self.answers = Answers(self.board, clock, silent_ms)
        self.events = Events(self.answers)
        self._keeping = Keeping()
        self._is_loaded = self._is_counted = False
        self._troubles: set[str] = set()
        self.counts: Mapping[str, int] = {}  # what was heard, and not believed, by word

    async def run(self) -> None:
        """Keep the board until this is cancelled; what is shown by then is written down."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen())
                group.create_task(self._announce())
                group.create_task(self._count())
                group.create_task(self._name())
                group.create_task(self._keep())
        finally:
            with suppress(Exception):  # it was tried every minute, and said then
                await self._write()

    def recorded(self, batch: Batch) -> None:
        """To be told of every batch once it is written."""
        self.board.recorded(batch)

    async def _listen(self) -> None:
        async with Listener(self._endpoints, self._secret) as listener:
            self.counts = listener.counts
            async for batch in listener:
                self.board.hear(batch)

    async def _announce(self) -> None:
        while True:
            self.events.announce()
            await asyncio.sleep(ROUND_S)

    async def _count(self) -> None:
        """At first what was shown before, then all that the store knows, then what came late."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await self._attempt("cannot count energy from the store", self._count_stale)
            await asyncio.sleep(max(COUNT_S, REST * (loop.time() - began)))

    async def _load(self) -> None:
        if not self._is_loaded:
            self.board.restore(await _aside(self._keeping.load))
            self._is_loaded = True

    async def _count_stale(self) -> None:
        await self._load()
        if self._is_counted and not self.board.has_stale:
            return
        stale = self.board.take_stale()
        wanted = stale if self._is_counted else None
        try:
            found = await _aside(
                lambda: counted(wanted, self._keeping.bases, self._clock.now_ms())
            )
        except BaseException:
            self.board.give_back(stale)
            raise
        self.board.adopt(found)
        self._is_counted = True

    async def _name(self) -> None:
        """A probe that was not heard before is named at once, or as soon as it is recorded."""
        time = asyncio.get_running_loop().time
        known, pause, due = -1, LOOK_S, 0.0
        while True:
            has_grown = len(self.board) > known
            if has_grown or time() >= due:
                known, pause = len(self.board), LOOK_S if has_grown else min(2 * pause, NAME_S)
                await self._attempt("cannot read what probes are called", self._read_names)
                due = time() + (pause if self.answers.lacks_names else NAME_S)
            await asyncio.sleep(LOOK_S)

    async def _read_names(self) -> None:
        found: Probes = await _aside(probes)
        self.answers.name(found)

    async def _keep(self) -> None:
        rounds = 0
        while True:
            await asyncio.sleep(KEEP_S)
            if self._is_loaded:
                if rounds % MOVE_ON_ROUNDS == 0:
                    await self._attempt("cannot sum up old energy", self._move_on)
                rounds += 1
                await self._attempt("cannot write down running energy", self._write)

    async def _move_on(self) -> None:
        await _aside(self._keeping.move_on)

    async def _write(self) -> None:
        if self._is_loaded:
            version, rows = self._keeping.due(self.board)
            await _aside(lambda: self._keeping.write(version, rows))

    async def _attempt(self, what: str, act: Callable[[], Awaitable[None]]) -> bool:
        """Whether it went well. What goes wrong is said once: the readings are shown meanwhile."""
        try:
            await act()
        except Exception as error:  # noqa: BLE001
            if what not in self._troubles:
                log.error("%s, and goes on showing readings: %s", what, one_line(error))  # noqa: TRY400
            self._troubles.add(what)
            return False
        self._troubles.discard(what)
        return True


async def _aside(act: Callable[[], Done]) -> Done:
    def acting() -> Done:
        close_old_connections()  # a database that was away has left this thread a dead one
        return act()

    return await asyncio.to_thread(acting)
