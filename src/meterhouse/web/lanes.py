"""Lanes: how requests for pages wait for the few threads that answer them.

Each lane has threads of its own and a queue with an end. Who comes when it is full is told to come
back, who leaves while waiting is forgotten, and who has a request in a lane of heavy work waits
until it is done: nobody can take all its threads.
"""

import asyncio
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from a2wsgi import WSGIMiddleware

from meterhouse.web.replies import Message, Receive, Scope, Send

WAIT_S = 20.0  # for a thread; whoever would wait longer is told to come back
TAKE_S = 30.0  # for a client to take a part of its answer


class Turn(Enum):
    """What came of waiting."""

    NOW = "answered"
    FULL = "refused"
    GONE = "left"


@dataclass(eq=False)
class _Waiting:
    of: bytes
    turn: "asyncio.Future[None]"


@dataclass(eq=False)
class Lane:
    """Used in one event loop only.

    pages:        a WSGI application
    threads:      that it may use at once
    most:         requests that may wait for one
    most_of_one:  requests of one client that are worked on at once; None: as many as threads
    """

    pages: Any
    threads: int
    most: int
    most_of_one: int | None = None
    counts: Counter[str] = field(default_factory=Counter)
    _busy: int = 0
    _of: Counter[bytes] = field(default_factory=Counter)
    _waiting: deque[_Waiting] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._behind: Any = WSGIMiddleware(self.pages, workers=self.threads)

    @property
    def waiting(self) -> int:
        """How many requests wait for a thread."""
        return len(self._waiting)

    async def answer(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        leaving: "asyncio.Future[None]",
        of: bytes,
    ) -> Turn:
        """Answer a request when its turn comes; says what came of it, answered only if NOW.

        leaving:  is done once its client has gone
        of:       whose it is; b"" if that is all the same
        """
        turn = await self._enter(leaving, of)
        self.counts[turn.value] += 1
        if turn is Turn.NOW:
            work = asyncio.create_task(self._behind(scope, receive, Taking(send)))
            # Its thread cannot be stopped: the place is free when it ends, not before.
            work.add_done_callback(lambda _: self._leave(of))
            await asyncio.shield(work)
        return turn

    async def _enter(self, leaving: "asyncio.Future[None]", of: bytes) -> Turn:
        if leaving.done():
            return Turn.GONE
        if not self._waiting and self._has_room(of):
            self._begin(of)
            return Turn.NOW
        if len(self._waiting) >= self.most:
            return Turn.FULL
        waiting = _Waiting(of, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._call()
        return await self._turn_of(waiting, leaving)

    async def _turn_of(self, waiting: _Waiting, leaving: "asyncio.Future[None]") -> Turn:
        try:
            await asyncio.wait(
                [waiting.turn, leaving], timeout=WAIT_S, return_when=asyncio.FIRST_COMPLETED
            )
        except asyncio.CancelledError:
            self._give_up(waiting)
            raise
        if leaving.done():
            self._give_up(waiting)
            return Turn.GONE
        if waiting.turn.done():
            return Turn.NOW
        self._waiting.remove(waiting)
        return Turn.FULL

    def _give_up(self, waiting: _Waiting) -> None:
        if waiting.turn.done():
            self._leave(waiting.of)
        else:
            self._waiting.remove(waiting)

    def _has_room(self, of: bytes) -> bool:
        most = self.threads if self.most_of_one is None or not of else self.most_of_one
        return self._busy < self.threads and self._of[of] < most

    def _begin(self, of: bytes) -> None:
        self._busy += 1
        self._of[of] += 1

    def _leave(self, of: bytes) -> None:
        self._busy -= 1
        self._of[of] -= 1
        self._of += Counter()  # forgets who has none
        self._call()

    def _call(self) -> None:
        """Give a turn to each that waits and may begin, those that came first before others."""
        for waiting in [*self._waiting]:
            if self._busy >= self.threads:
                return
            if self._has_room(waiting.of):
                self._waiting.remove(waiting)
                self._begin(waiting.of)
                waiting.turn.set_result(None)


@dataclass
class Taking:
    """Sends to a client, and forgets what one cannot take that has gone or takes nothing: a
    thread must not wait for it.
    """

    send: Send
    is_gone: bool = False

    async def __call__(self, message: Message) -> None:
        if self.is_gone:
            return
        self.is_gone = True
        with suppress(Exception):
            await asyncio.wait_for(self.send(message), TAKE_S)
            self.is_gone = False
