"""Many more clients than pages can serve, over real sockets, for a few seconds."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from meterhouse.web.asgi import MOST_WAITING, PAGE_THREADS, Front
from meterhouse.web.replies import Receive, Scope, Send, send_json
from meterhouse.web.services.server import free_or_mistake, serve

CLIENTS = 300
PAGE_S = 0.2


class Pages:
    """A WSGI application that is slow, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        with self._lock:
            self.asked += 1
        time.sleep(PAGE_S)
        start("200 OK", [("Content-Length", "4")])
        return [b"page"]


async def lively(scope: Scope, receive: Receive, send: Send) -> None:
    await send_json(send, 200, {"status": "ok"})


@asynccontextmanager
async def serving(front: Front) -> AsyncIterator[int]:
    host, port = free_or_mistake("127.0.0.1", 0)
    listening = asyncio.Event()
    task = asyncio.create_task(serve(front, host, port, listening.set))
    try:
        await asyncio.wait_for(listening.wait(), 10)
        yield port
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def asked(port: int, path: str, patience_s: float) -> int:
    """The status of an answer; 0 if its client left before it came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        line = await asyncio.wait_for(reader.readline(), patience_s)
        return int(line.split()[1])
    except TimeoutError:
        return 0
    finally:
        writer.close()


async def test_nobody_works_for_clients_that_are_gone_and_the_rest_is_told_to_come_back() -> None:
    pages = Pages()
    front = Front(pages, {"healthz": lively})
    async with serving(front) as port:
        crowd = [asyncio.create_task(asked(port, "/", 1.0)) for _ in range(CLIENTS)]
        await asyncio.sleep(0.5)
        began = time.monotonic()
        assert await asked(port, "/healthz", 5) == 200
        assert time.monotonic() - began < 1
        statuses = Counter(await asyncio.gather(*crowd))
        served = pages.asked
        assert await asked(port, "/", 5) == 200  # at once: nobody stands before it
    assert statuses[503] >= CLIENTS - MOST_WAITING - PAGE_THREADS * 6
    assert set(statuses) <= {0, 200, 503}
    assert pages.asked <= served + PAGE_THREADS + 1
    assert front.lane.counts["left"] > 0
