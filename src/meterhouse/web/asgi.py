"""The lean layer in front of Django: what must answer at once does not go through it.

Ordinary pages run as WSGI in a few threads, heavy ones in others; ``/healthz``, reads from memory
and event streams are answered here, in the event loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http.request import split_domain_port, validate_host

from meterhouse.web.lanes import Lane, Turn
from meterhouse.web.replies import (
    Application,
    Headers,
    Message,
    Receive,
    Scope,
    Send,
    send_body,
    send_json,
)

PAGE_THREADS = 4
MOST_WAITING = 100  # requests for pages; a browser opens six at once
HEAVY_THREADS = 2
MOST_HEAVY_WAITING = 20
HEAVY = ("/reports/", "/usage/", "/api/v1/report")
"""What adds up usage: minutes of work, if somebody asks for years."""

OF_METRICS = "/metrics"
MOST_BODY_BYTES = 4 << 20
BODY_S = 10.0
BACK_S = b"5"
BUSY = "too many requests wait for an answer; come back in a few seconds"

Whose = Callable[[Headers], Awaitable[bytes]]


@dataclass(eq=False)
class Front:
    """An ASGI application: rooms that answer by themselves, and behind them a WSGI application.

    rooms:  first part of a path ("v1") to the application that has all below it
    whose:  who asks, by the headers; equal for all requests of one login
    hosts:  names that requests may be for, as Django's ALLOWED_HOSTS; None: any
    https:  whether a proxy in front says in X-Forwarded-Proto that it speaks HTTPS
    hsts_s: for how long a browser then is to ask by HTTPS only
    """

    pages: Any
    rooms: Mapping[str, Application] = field(default_factory=dict)
    whose: Whose | None = None
    hosts: Sequence[str] | None = None
    https: bool = False
    hsts_s: int = 0

    def __post_init__(self) -> None:
        self.lane = Lane(self.pages, PAGE_THREADS, MOST_WAITING)
        self.heavy = Lane(self.pages, HEAVY_THREADS, MOST_HEAVY_WAITING, most_of_one=1)
        self.scrapes = Lane(self.pages, 1, 4)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        room = self.rooms.get(path.split("/", 2)[1]) if path.startswith("/") else None
        if room is None:
            await self._hand_on(scope, receive, send)
        elif not self._is_for_us(scope):
            error = {"error": "this house has another name; METERHOUSE_HOSTS says which"}
            await send_json(send, 400, error)
        else:
            await room(scope, receive, self._strict(scope, send))

    def lane_of(self, path: str) -> Lane:
        if path.startswith(HEAVY):
            return self.heavy
        return self.scrapes if path == OF_METRICS else self.lane

    def _is_for_us(self, scope: Scope) -> bool:
        if self.hosts is None:
            return True
        host = _header(scope, b"host").decode("latin-1").lower()
        return validate_host(split_domain_port(host)[0], self.hosts)

    def _strict(self, scope: Scope, send: Send) -> Send:
        """Says to browsers that came by HTTPS to come by nothing else, as pages do."""
        if not self.https or _header(scope, b"x-forwarded-proto") != b"https":
            return send
        rule = (b"strict-transport-security", f"max-age={self.hsts_s}".encode())

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], rule]
            await send(message)

        return sending

    async def _hand_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give a request to the pages once all of it is here, and it is its turn."""
        try:
            body = await asyncio.wait_for(_body(receive), BODY_S)
        except TimeoutError:
            await send_json(send, 408, {"error": "the request took too long to arrive"})
            return
        if body is None:
            error = {"error": f"a request has at most {MOST_BODY_BYTES} bytes"}
            await send_json(send, 413, error)
            return
        lane = self.lane_of(scope["path"])
        of = await self.whose(scope["headers"]) if self.whose and lane is self.heavy else b""
        leaving = asyncio.create_task(_gone(receive))
        try:
            turn = await lane.answer(scope, _given(body), send, leaving=leaving, of=of)
        finally:
            leaving.cancel()
        if turn is Turn.FULL:
            await _come_back(scope, send)


def _header(scope: Scope, name: bytes) -> bytes:
    found: bytes = dict(scope["headers"]).get(name, b"")
    return found


async def _come_back(scope: Scope, send: Send) -> None:
    more: Headers = ((b"retry-after", BACK_S),)
    if scope["path"].startswith("/api/"):
        await send_json(send, 503, {"error": "busy", "detail": BUSY}, more)
    else:
        text = f"{BUSY}\n".capitalize().encode()
        await send_body(send, 503, text, more, kind=b"text/plain; charset=utf-8")


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(receive: Receive) -> bytes | None:
    """The whole of a request; None if it is too long, or if nobody waits for an answer.

    It is read here, where waiting costs nothing: a few senders that dawdle would otherwise hold
    every thread that pages have.
    """
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _given(body: bytes) -> Receive:
    """What a request is received from once its body is here."""

    async def receiving() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receiving
