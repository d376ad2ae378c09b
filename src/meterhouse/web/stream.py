"""``/live/power/``: what probes draw, as it happens, as server-sent events.

    GET /live/power/?probe=<name or key>&probe=…    none: all that the reader may see

A reader who is slow skips rounds and holds up nobody; one who takes nothing for half a minute is
cut off. What somebody may see is looked at again every minute.
"""

import asyncio
from collections import Counter
from urllib.parse import parse_qsl

from meterhouse.live.events import HEARTBEAT, Events, Watch
from meterhouse.web.readers import Readers, Refusal, credential_in
from meterhouse.web.replies import (
    ONLY_GET,
    Receive,
    Scope,
    Send,
    send_body,
    send_json,
)

PATH = "/live/power/"
MOST_READERS = 5_000
MOST_OF_ONE = 1_000  # with one token or session: nobody can shut out all others
MOST_PROBES = 1_000  # named in one address; who wants more listens to all
HEARTBEAT_S = 15.0
SLOW_S = 30.0
RIGHTS_S = 60.0
RETRY = b"retry: 2000\n\n"
"""Milliseconds after which a browser that lost the stream comes back."""

_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would keep events until it has a page of them
]


class Stream:
    """An ASGI application for all below /live."""

    def __init__(
        self,
        events: Events,
        readers: Readers,
        *,
        most: int = MOST_READERS,
        most_of_one: int = MOST_OF_ONE,
    ) -> None:
        self._events, self._readers = events, readers
        self._most, self._most_of_one = most, most_of_one
        self._open: Counter[bytes] = Counter()  # by the digest of what let its reader in

    @property
    def readers(self) -> int:
        """How many streams are open."""
        return self._open.total()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != PATH:
            await _elsewhere(scope, send)
            return
        if scope["method"] != "GET":
            await send_json(send, 405, {"error": ONLY_GET}, ((b"allow", b"GET"),))
            return
        reader = await self._readers.of(scope["headers"])
        if isinstance(reader, Refusal):
            await send_json(send, reader.status, {"error": reader.error}, reader.headers)
            return
        try:
            words = _words(scope["query_string"])
        except ValueError:
            error = f"at most {MOST_PROBES} probes can be named; without any, all are told"
            await send_json(send, 400, {"error": error})
            return
        credential = credential_in(scope["headers"])
        await self._follow(
            credential.digest if credential else b"",
            _Following(self._events, self._readers, scope, Watch(reader.sight, words)),
            receive,
            send,
        )

    async def _follow(
        self, digest: bytes, following: "_Following", receive: Receive, send: Send
    ) -> None:
        if self.readers >= self._most or self._open[digest] >= self._most_of_one:
            error = {"error": f"{self.readers} streams are open, and no more can be"}
            await send_json(send, 503, error, ((b"retry-after", b"30"),))
            return
        self._open[digest] += 1
        try:
            await _until_gone(following, receive, send)
        finally:
            self._open[digest] -= 1
            self._open += Counter()  # forgets who has none


async def _until_gone(following: "_Following", receive: Receive, send: Send) -> None:
    tasks = [asyncio.create_task(_gone(receive)), asyncio.create_task(following.run(send))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Following:
    """One reader's stream."""

    def __init__(self, events: Events, readers: Readers, scope: Scope, watch: Watch) -> None:
        self._events, self._readers, self._headers = events, readers, scope["headers"]
        self._watch = watch

    async def run(self, send: Send) -> None:
        """Send what happens until the reader is too slow, or may not see it any more."""
        clock = asyncio.get_running_loop().time
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        version = self._events.version
        await _sent(send, RETRY + self._events.state(self._watch))
        said = looked = clock()
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._events.after(version)
            except TimeoutError:
                pass
            if clock() - looked >= RIGHTS_S:
                if not await self._may_go_on():
                    break
                looked = clock()
            before, version = version, self._events.version
            event = self._events.since(self._watch, before)
            if not event and clock() - said < HEARTBEAT_S:
                continue
            await _sent(send, event or HEARTBEAT)
            said = clock()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _may_go_on(self) -> bool:
        reader = await self._readers.of(self._headers)
        if isinstance(reader, Refusal):
            return False
        self._watch = self._watch._replace(sight=reader.sight)
        return True


def _words(query: bytes) -> frozenset[str] | None:
    """The probes that an address names; None: all. Raises ValueError if they are too many."""
    pairs = parse_qsl(query.decode("latin-1"), max_num_fields=MOST_PROBES)
    return frozenset(value for name, value in pairs if name == "probe") or None


async def _sent(send: Send, body: bytes) -> None:
    """Raises TimeoutError if the reader takes nothing: what is cancelled here ends the answer."""
    async with asyncio.timeout(SLOW_S):
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _elsewhere(scope: Scope, send: Send) -> None:
    if scope["path"] + "/" != PATH:
        await send_json(send, 404, {"error": f"there is nothing at this address; {PATH} is"})
        return
    query: bytes = scope["query_string"]
    place = PATH.encode() + (b"?" + query if query else b"")
    await send_body(send, 301, b"", ((b"location", place),))
