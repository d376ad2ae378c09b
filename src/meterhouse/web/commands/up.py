"""``meterhouse up``: everything in one process."""

import argparse
import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path

from meterhouse.metering.clock import SystemClock
from meterhouse.web import logs, ready
from meterhouse.web.services.server import free_or_mistake, url_of

DEFAULT_PORT = 8400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes any free one")


def run(arguments: argparse.Namespace) -> int:
    place = free_or_mistake(arguments.host, arguments.port)
    ready.migrate()
    from meterhouse.web.services import first_start  # noqa: PLC0415 - models need Django

    first_start.declare_starter(Path(arguments.data).absolute(), SystemClock())
    return live(arguments, place)


def live(
    arguments: argparse.Namespace,
    place: tuple[str, int],
    also: Mapping[str, Callable[[], Awaitable[None]]] | None = None,
) -> int:
    """Run a prepared house at an address and port until Ctrl-C or SIGTERM."""
    from meterhouse.web import logins  # noqa: PLC0415 - models need Django
    from meterhouse.web.services.house import House  # noqa: PLC0415

    logs.to_standard_error()
    # What has to be told of the first login, until it was told.
    untold = list(filter(None, [logins.make_first()]))
    host, port = place

    def tell_password() -> None:
        while untold:
            name, password = untold.pop()
            print(f"Log in as {name} with the password {password}  (shown once)", flush=True)

    def announce() -> None:
        print(f"Meterhouse is at {url_of(host, port)}", flush=True)
        tell_password()

    house = House(
        data=Path(arguments.data).absolute(),
        host=host,
        port=port,
        clock=SystemClock(),
        publisher=socket.gethostname(),
        also=also or {},
        announce=announce,
    )
    try:
        asyncio.run(until_told(house.run))
    finally:
        tell_password()  # stopped before it could be asked for: the login is there all the same
    print("Meterhouse has stopped; starting it again goes on from here.", flush=True)
    return 0


async def until_told(run: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run until SIGINT or SIGTERM, then stop in order."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    running = asyncio.create_task(run())
    waiting = asyncio.create_task(told.wait())
    await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
    if told.is_set():
        running.cancel()
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await running
