"""Answers given in the event loop: what ASGI calls things, and a whole body sent at once."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

ONLY_GET = "only GET is possible here"
ALLOW: Headers = ((b"allow", b"GET, HEAD"),)


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
