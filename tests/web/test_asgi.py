"""What stands in front of the pages: a request is handed on when all of it is here."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from meterhouse.web import asgi
from meterhouse.web.asgi import Message

Start = Any


def echo(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"got " + environ["wsgi.input"].read()]


def asked(*parts: bytes, is_whole: bool = True) -> tuple[int, bytes]:
    """Send a POST in parts and give the answer's status and body."""
    sent: list[Message] = []
    left = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    left[-1]["more_body"] = not is_whole

    async def receive() -> Message:
        if left:
            return left.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
        "http_version": "1.1",
        "scheme": "http",
        "asgi": {"version": "3.0"},
        "root_path": "",
    }
    asyncio.run(_within(asgi.application(echo, {})(scope, receive, send)))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


async def _within(answering: Any) -> None:
    await asyncio.wait_for(answering, 10)


def test_what_comes_in_parts_is_handed_on_whole() -> None:
    assert asked(b"a=", b"1", b"&b=2") == (200, b"got a=1&b=2")


def test_a_request_that_dawdles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "BODY_S", 0.05)
    assert asked(b"a=", is_whole=False)[0] == 408


def test_a_request_that_is_too_long_is_refused_before_it_is_all_here() -> None:
    assert asked(b"a" * (asgi.MOST_BODY_BYTES + 1), is_whole=False)[0] == 413
