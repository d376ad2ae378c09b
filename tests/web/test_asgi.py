"""What stands in front of the pages: when a request is handed on, and when it is not."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from tests.web.lean import Answer, ask

from meterhouse.web import asgi
from meterhouse.web.asgi import Front
from meterhouse.web.replies import Application, Message, Receive, Scope, Send, send_json

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
    asyncio.run(_within(Front(echo)(scope, receive, send)))
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


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send_json(send, 200, {"hello": scope["path"]})


def answer(front: Application, address: str, **headers: str) -> Answer:
    return asyncio.run(ask(front, address, **headers))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8400", 200),
        ("localhost", 200),
        ("[::1]:8400", 200),
        ("Meter.Example", 200),
        ("elsewhere.example", 400),
        ("a b", 400),
        ("", 400),
    ],
)
def test_rooms_answer_under_the_names_of_this_house_only(host: str, status: int) -> None:
    hosts = ["127.0.0.1", "localhost", "[::1]", "meter.example"]
    front = Front(echo, {"v1": hello}, hosts=hosts)
    assert answer(front, "/v1/probes/", Host=host).status == status
    assert answer(front, "/v1/probes/").status == 400
    assert answer(Front(echo, {"v1": hello}), "/v1/probes/").status == 200


def test_who_came_by_https_is_told_to_come_by_nothing_else() -> None:
    front = Front(echo, {"v1": hello}, https=True, hsts_s=60)
    secure = answer(front, "/v1/", X_Forwarded_Proto="https")
    assert secure.headers["strict-transport-security"] == "max-age=60"
    assert "strict-transport-security" not in answer(front, "/v1/").headers
    plain = answer(Front(echo, {"v1": hello}), "/v1/", X_Forwarded_Proto="https")
    assert "strict-transport-security" not in plain.headers


def test_heavy_pages_scrapes_and_others_have_lanes_of_their_own() -> None:
    front = Front(echo)
    assert front.lane_of("/reports/") is front.lane_of("/api/v1/report") is front.heavy
    assert front.lane_of("/metrics") is front.scrapes
    assert front.lane_of("/") is front.lane_of("/projects/") is front.lane


@pytest.mark.parametrize(("path", "kind"), [("/", "text/plain"), ("/api/v1/users", "json")])
def test_who_comes_when_all_is_full_is_told_to_come_back(path: str, kind: str) -> None:
    front = Front(echo)
    front.lane.threads = front.lane.most = 0
    refused, headers, body = full(front, path)
    assert refused == 503
    assert headers[b"retry-after"] == b"5"
    assert kind in headers[b"content-type"].decode()
    assert "come back" in body.decode()


def full(front: Front, path: str) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "headers": []}
    asyncio.run(_within(front(scope, receive, send)))
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def test_what_is_no_request_is_let_be() -> None:
    asyncio.run(_within(Front(echo)({"type": "lifespan"}, None, None)))  # type: ignore[arg-type]
