"""The lean layer in front of Django: what must answer at once does not go through it.

Ordinary pages run as WSGI in a few threads; ``/healthz``, reads from memory and event streams are
answered here, in the event loop.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

from a2wsgi import WSGIMiddleware

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Answer = Callable[[], tuple[int, Mapping[str, object]]]
Headers = Sequence[tuple[bytes, bytes]]

ONLY_GET = "only GET is possible here"
ALLOW: Headers = ((b"allow", b"GET, HEAD"),)

PAGE_THREADS = 4
MOST_BODY_BYTES = 4 << 20
BODY_S = 10.0


def application(
    pages: Any, answers: Mapping[str, Answer], rooms: Mapping[str, Application] | None = None
) -> Application:
    """Put what is answered from memory in front of a WSGI application.

    answers:  exact path to a callable that gives a status and a JSON object, and never blocks
    rooms:    first part of a path ("v1") to the application that has all below it
    """
    fronts = rooms or {}
    behind: Any = WSGIMiddleware(pages, workers=PAGE_THREADS)

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        room = fronts.get(path.split("/", 2)[1]) if fronts and path.startswith("/") else None
        answer = answers.get(path)
        if room is not None:
            await room(scope, receive, send)
        elif answer is None:
            await _hand_on(behind, scope, receive, send)
        elif scope["method"] in {"GET", "HEAD"}:
            await send_json(send, *answer())
        else:
            await send_json(send, 405, {"error": ONLY_GET}, ALLOW)

    return front


async def _hand_on(behind: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Give a request to a WSGI application once all of it is here."""
    try:
        body = await asyncio.wait_for(_body(receive), BODY_S)
    except TimeoutError:
        await send_json(send, 408, {"error": "the request took too long to arrive"})
        return
    if body is None:
        await send_json(send, 413, {"error": f"a request has at most {MOST_BODY_BYTES} bytes"})
        return
    await behind(scope, _given(body), send)


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


async def send_json(
    send: Send, status: int, body: Mapping[str, object], more: Headers = ()
) -> None:
    await send_body(send, status, json.dumps(body).encode(), more)


async def send_body(
    send: Send,
    status: int,
    body: bytes,
    more: Headers = (),
    *,
    kind: bytes = b"application/json",
) -> None:
    """Answer with a whole body. To HEAD the server sends it without, and the same headers."""
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
