"""How requests wait for threads: in order, not without end, and not for clients that have gone."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from tests.bus.house import until

from meterhouse.web import lanes
from meterhouse.web.lanes import Lane, Taking, Turn
from meterhouse.web.replies import Message

PATIENCE_S = 10


class Pages:
    """A WSGI application whose answers wait until they are let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.begun: list[str] = []

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        self.begun.append(environ["PATH_INFO"])
        assert self.let_go.wait(PATIENCE_S)
        start("200 OK", [])
        return [b"page"]


@pytest.fixture
def pages() -> Iterator[Pages]:
    one = Pages()
    yield one
    one.let_go.set()


class Client:
    """Asks for one page, and may leave."""

    def __init__(self, lane: Lane, name: str, of: bytes = b"") -> None:
        self.sent: list[Message] = []
        self.leaving: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        scope = {
            "type": "http",
            "method": "GET",
            "path": name,
            "query_string": b"",
            "headers": [],
            "http_version": "1.1",
        }
        self.turn = asyncio.create_task(
            lane.answer(scope, self._receive, self._send, leaving=self.leaving, of=of)
        )

    async def _receive(self) -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    async def what(self) -> Turn:
        return await asyncio.wait_for(self.turn, PATIENCE_S)


async def test_who_has_left_costs_nothing_and_the_queue_has_an_end(pages: Pages) -> None:
    lane = Lane(pages, threads=1, most=3)
    first = Client(lane, "/first")
    await until(lambda: pages.begun)
    waiting = [Client(lane, f"/{number}") for number in range(3)]
    await until(lambda: lane.waiting == 3)
    assert await Client(lane, "/one-too-many").what() is Turn.FULL
    for client in waiting[:2]:
        client.leaving.set_result(None)
        assert await client.what() is Turn.GONE
        assert client.sent == []
    pages.let_go.set()
    assert [await first.what(), await waiting[2].what()] == [Turn.NOW, Turn.NOW]
    assert pages.begun == ["/first", "/2"]
    assert lane.counts == {"answered": 2, "refused": 1, "left": 2}


async def test_who_left_before_it_began_is_not_worked_for(pages: Pages) -> None:
    lane = Lane(pages, threads=1, most=3)
    client = Client(lane, "/")
    client.leaving.set_result(None)
    assert await client.what() is Turn.GONE
    assert pages.begun == []


async def test_one_login_has_one_heavy_request_at_a_time(pages: Pages) -> None:
    lane = Lane(pages, threads=2, most=9, most_of_one=1)
    mine = [Client(lane, f"/mine/{number}", b"login 1") for number in range(3)]
    await until(lambda: lane.waiting == 2)
    other = Client(lane, "/other", b"login 2")
    await until(lambda: len(pages.begun) == 2)
    assert pages.begun == ["/mine/0", "/other"]
    pages.let_go.set()
    assert [await each.what() for each in (*mine, other)] == [Turn.NOW] * 4
    assert pages.begun[2:] == ["/mine/1", "/mine/2"]


async def test_nobody_waits_without_end(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "WAIT_S", 0.02)
    lane = Lane(pages, threads=1, most=9)
    first = Client(lane, "/")
    await until(lambda: pages.begun)
    assert await Client(lane, "/later").what() is Turn.FULL
    pages.let_go.set()
    assert await first.what() is Turn.NOW


async def test_a_place_is_free_when_its_thread_ends_and_not_before(pages: Pages) -> None:
    lane = Lane(pages, threads=1, most=9)
    first = Client(lane, "/first")
    await until(lambda: pages.begun)
    first.turn.cancel()
    second = Client(lane, "/second")
    third = Client(lane, "/third")
    await until(lambda: lane.waiting == 2)
    third.turn.cancel()
    await until(lambda: lane.waiting == 1)
    assert pages.begun == ["/first"]
    pages.let_go.set()
    assert await second.what() is Turn.NOW
    assert await Client(lane, "/fourth").what() is Turn.NOW
    assert pages.begun == ["/first", "/second", "/fourth"]


async def test_who_takes_nothing_holds_up_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "TAKE_S", 0.01)
    asked = 0

    async def never(message: Message) -> None:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()

    taking = Taking(never)
    await taking({"type": "http.response.start"})
    await taking({"type": "http.response.body"})
    assert (asked, taking.is_gone) == (1, True)
