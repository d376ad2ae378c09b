"""The lean layer in front of Django: what must answer at once does not go through it.

Ordinary pages run as WSGI in a few threads; ``/healthz`` and, later, reads from memory and
event streams are answered here, in the event loop.
"""

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


def application(pages: Any, answers: Mapping[str, Answer]) -> Application:
    """Put exact paths, answered as JSON from memory, in front of a WSGI application.

    answers:  path to a callable that gives a status and a JSON object, and never blocks
    """
    behind = WSGIMiddleware(pages, workers=PAGE_THREADS)

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = answers.get(scope["path"])
        if answer is None:
            await behind(scope, _coroutine(receive), send)  # type: ignore[arg-type]
        elif scope["method"] in {"GET", "HEAD"}:
            await _send_json(send, *answer())
        else:
            await _send_json(send, 405, {"error": "only GET is possible here"})

    return front


def _coroutine(receive: Receive) -> Receive:
    """The same, but as a coroutine: granian gives a future, which a2wsgi cannot send to its
    threads, and then no form can be posted.
    """

    async def receiving() -> Message:
        return await receive()

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
