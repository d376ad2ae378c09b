"""The web server, in this process's own event loop."""

import asyncio
import errno
import resource
import socket
from collections.abc import Callable

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from meterhouse.metering.errors import Mistake
from meterhouse.web.replies import Application


def free_or_mistake(host: str, port: int) -> tuple[str, int]:
    """The address and port to listen on; port 0 asks for any that is free. Raises Mistake."""
    if not 0 <= port < 2**16:
        raise Mistake(f"there is no port {port}; give one up to 65535 with --port")
    try:
        ((family, _, _, _, address), *_) = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise Mistake(f"--host {host} is no address of this machine") from error
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise Mistake(_refused(host, port, error)) from error
        return str(address[0]), int(probe.getsockname()[1])


def _refused(host: str, port: int, error: OSError) -> str:
    why = {
        errno.EADDRINUSE: "another program has it; give another with --port",
        errno.EACCES: "ports below 1024 are for root; give a higher one with --port",
        errno.EADDRNOTAVAIL: "that is no address of this machine; give another with --host",
    }.get(error.errno or 0, "give another with --port")
    return f"port {port} on {host} cannot be had ({error.strerror}): {why}"


def url_of(address: str, port: int) -> str:
    """Where a browser finds it."""
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}/"


STOP_S = 3.0
BACKLOG = 1024
MOST_REQUESTS = 8_000
"""At once; each open event stream is one, and without this it would be as many as the backlog."""


async def serve(
    application: Application, host: str, port: int, on_listening: Callable[[], None]
) -> None:
    """Answer requests until this is cancelled; tell once they can be asked."""
    _allow_connections()
    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=MOST_REQUESTS,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())
    try:
        await _listening(host, port, serving)
        on_listening()
        await asyncio.shield(serving)
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        # Requests under way may end; senders that dawdle are not waited for.
        await asyncio.wait([serving], timeout=STOP_S)
        serving.cancel()


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


def _allow_connections() -> None:
    """As many open files as this process may have: a shell's usual 1024 are few for streams."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_REQUESTS + 1024
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
