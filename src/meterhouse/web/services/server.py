"""The web server, in this process's own event loop."""

import asyncio
import socket
from collections.abc import Callable

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from meterhouse.metering.errors import Mistake
from meterhouse.web.asgi import Application


def free_or_mistake(host: str, port: int) -> int:
    """The port to listen on; 0 asks for any that is free. Raises Mistake if it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Mistake(
                f"port {port} on {host} cannot be had ({error.strerror}): "
                "another program has it; give another with --port"
            ) from error
        return int(probe.getsockname()[1])


async def serve(
    application: Application, host: str, port: int, on_listening: Callable[[], None]
) -> None:
    """Answer requests until this is cancelled; tell once they can be asked."""
    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())
    try:
        await _listening(host, port, serving)
        on_listening()
        await asyncio.shield(serving)
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait_for(serving, timeout=10)


async def _listening(host: str, port: int, serving: "asyncio.Task[None]") -> None:
    """Wait until somebody answers at the port, or the server has ended."""
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
