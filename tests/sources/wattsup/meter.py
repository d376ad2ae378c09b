"""The meter's side of a line: it waits to be told to send, then sends a record each turn.

It speaks as protocol 4.42 says, a little faster than once a second, so that tests need not wait.
"""

import asyncio
import os
import subprocess
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.sources.programs import found, started

RECORD = "#d,-,18,{watts},2301,442,{wh},0,0,0,0,0,0,0,0,0,95,0,0,500,1017;\r\n"
HEADER = "#h,-,18,W,V,A,WH,Cost,WH/Mo,Cost/Mo,Wmax,Vmax,Amax,Wmin,Vmin,Amin,PF,DC,PC,Hz,VA;\r\n"
TURN_S = 0.05


def plain(turn: int) -> bytes:
    """96.5 W, and one tenth of a watt-hour more each turn."""
    header = HEADER if turn == 0 else ""
    return (header + RECORD.format(watts=965, wh=turn)).encode()


@dataclass
class Meter:
    """Sends what ``says`` of each turn once it was told to log externally."""

    says: Callable[[int], bytes]
    heard: bytes = b""

    async def run(self, write: Callable[[bytes], object]) -> None:
        turn = 0
        while True:
            if b"#L,W,3,E," in self.heard:
                write(self.says(turn))
                turn += 1
            await asyncio.sleep(TURN_S)


@dataclass
class Cable:
    """A pair of pseudo-terminals: the near end is what the source opens."""

    near: Path
    far: Path
    process: "subprocess.Popen[bytes]"


@contextmanager
def cable(folder: Path) -> Iterator[Cable]:
    near, far = folder / "ttyUSB0", folder / "far"
    ends = [f"pty,raw,echo=0,link={end}" for end in (near, far)]
    ready = lambda: near.exists() and far.exists()  # noqa: E731 - a condition
    with started([found("socat", "socat"), *ends], ready, folder / "log") as process:
        yield Cable(near, far, process)


@asynccontextmanager
async def plugged(line: Cable, meter: Meter) -> AsyncIterator[None]:
    """The meter at the far end of a cable."""
    fd = os.open(line.far, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(fd)
    loop = asyncio.get_running_loop()

    def hear() -> None:
        try:
            meter.heard += os.read(fd, 256)
        except OSError:
            loop.remove_reader(fd)

    loop.add_reader(fd, hear)
    talking = asyncio.create_task(meter.run(lambda record: os.write(fd, record)))
    try:
        yield
    finally:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        loop.remove_reader(fd)
        os.close(fd)


@asynccontextmanager
async def bridged(meter: Meter) -> AsyncIterator[str]:
    """The meter behind a serial-to-TCP bridge; yields its device."""
    talks: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.current_task())
        meter.heard += await reader.read(256)
        talking = asyncio.create_task(meter.run(writer.write))
        await reader.read()
        talking.cancel()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await asyncio.wait_for(asyncio.gather(*filter(None, talks)), 5)
