"""The lean layer in front of Django: what must answer at once does not go through it.

Ordinary pages run as WSGI in a few threads; ``/healthz`` and, later, reads from memory and
event streams are answered here, in the event loop.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from a2wsgi import WSGIMiddleware

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Answer = Callable[[], tuple[int, Mapping[str, object]]]

PAGE_THREADS = 4
MOST_BODY_BYTES = 4 << 20
BODY_S = 10.0


def application(pages: Any, answers: Mapping[str, Answer]) -> Application:
    """Put exact paths, answered as JSON from memory, in front of a WSGI application.

    answers:  path to a callable that gives a status and a JSON object, and never blocks
    """
    behind: Any = WSGIMiddleware(pages, workers=PAGE_THREADS)

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = answers.get(scope["path"])
        if answer is None:
            await _hand_on(behind, scope, receive, send)
        elif scope["method"] in {"GET", "HEAD"}:
            await _send_json(send, *answer())
        else:
            await _send_json(send, 405, {"error": "only GET is possible here"})

    return front


async def _hand_on(behind: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Give a request to a WSGI application once all of it is here."""
    try:
        body = await asyncio.wait_for(_body(receive), BODY_S)
    except TimeoutError:
        await _send_json(send, 408, {"error": "the request took too long to arrive"})
        return
    if body is None:
        await _send_json(send, 413, {"error": f"a request has at most {MOST_BODY_BYTES} bytes"})
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


async def _send_json(send: Send, status: int, body: Mapping[str, object]) -> None:
    text = json.dumps(body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(text)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
