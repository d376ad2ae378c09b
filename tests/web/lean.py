"""Asking what stands in front of Django, without a socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from meterhouse.web.replies import Application, Message


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def scope_of(address: str, method: str, headers: dict[str, str]) -> dict[str, Any]:
    path, _, query = address.partition("?")
    return {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
    }


async def ask(
    application: Application, address: str, *, method: str = "GET", **headers: str
) -> Answer:
    """headers: by name, with _ for -."""
    async with opened(application, address, method=method, **headers) as stream:
        await stream.ended.wait()
    return Answer(stream.status, stream.headers, b"".join(stream.parts))


@dataclass
class Stream:
    """An answer that may still come. ``take`` set to False: the reader takes nothing more."""

    parts: list[bytes] = field(default_factory=list)
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    may_take: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    _read: int = 0

    def __post_init__(self) -> None:
        self.may_take.set()

    async def receive(self) -> Message:
        await self.leaving.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self.may_take.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            pairs = message["headers"]
            self.headers = {name.decode(): text.decode() for name, text in pairs}
        elif message.get("body"):
            self.parts.append(message["body"])

    async def event(self, name: str) -> Any:
        """The data of the next event of this name."""
        found = await self.part(f"event: {name}\n".encode())
        return json.loads(found.rpartition(b"data: ")[2])

    async def part(self, holding: bytes) -> bytes:
        """The next part that holds this."""
        async with asyncio.timeout(10):
            while True:
                while self._read < len(self.parts):
                    self._read += 1
                    if holding in self.parts[self._read - 1]:
                        return self.parts[self._read - 1]
                await asyncio.sleep(0.001)


@asynccontextmanager
async def opened(
    application: Application, address: str, *, method: str = "GET", **headers: str
) -> AsyncIterator[Stream]:
    stream = Stream()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    scope = scope_of(address, method, named)

    async def answer() -> None:
        try:
            await application(scope, stream.receive, stream.send)
        finally:
            stream.ended.set()

    answering = asyncio.create_task(answer())
    try:
        yield stream
        stream.leaving.set()
        await asyncio.wait_for(answering, 10)
    finally:
        answering.cancel()
