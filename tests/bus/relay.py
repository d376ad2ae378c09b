"""Somebody between two machines who hears every byte, and can cut the line."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Relay:
    """Passes bytes on to a port of loopback. heard: all of them, both ways."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._lines: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.port, self.heard, self.is_cut = 0, bytearray(), False

    def cut(self) -> None:
        """End all connections; new ones are not taken until it is mended."""
        self.is_cut = True
        for line in self._lines:
            line.transport.abort()

    def mend(self) -> None:
        self.is_cut = False

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.append(writer)
        if self.is_cut:
            writer.transport.abort()
            return
        onward, outward = await asyncio.open_connection("127.0.0.1", self._to)
        self._lines.append(outward)
        for source, target in ((reader, outward), (onward, writer)):
            self._tasks.add(asyncio.create_task(self._pass(source, target)))

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while part := await source.read(65536):
                self.heard += part
                target.write(part)
        target.close()

    async def stop(self) -> None:
        self.cut()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)


@asynccontextmanager
async def relaying(address: str) -> AsyncIterator[Relay]:
    """A relay to an address, tcp://127.0.0.1:port."""
    relay = Relay(int(address.rpartition(":")[2]))
    server = await asyncio.start_server(relay.take, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield relay
        finally:
            await relay.stop()
