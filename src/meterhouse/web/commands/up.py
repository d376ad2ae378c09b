"""``meterhouse up``: everything in one process."""

import argparse
import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from meterhouse.bus.endpoints import Endpoint
from meterhouse.metering.clock import SystemClock
from meterhouse.station import logs
from meterhouse.station.kwapi_out import KwapiWire
from meterhouse.station.until_told import until_told
from meterhouse.web import ready
from meterhouse.web.services.server import free_or_mistake, url_of

DEFAULT_PORT = 8400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes any free one")
    parser.add_argument(
        "--follow",
        metavar="ADDRESS",
        action="append",
        default=[],
        help="record what is published elsewhere too: a collector or forwarder, "
        "tcp://host:port, with #FILE of its public key if it encrypts; may be repeated "
        "(also: METERHOUSE_FOLLOW)",
    )
    parser.add_argument(
        "--kwapi",
        metavar="ADDRESS",
        help="publish power on Kwapi's own wire too, for its plug-ins: tcp://host:port",
    )
    parser.add_argument(
        "--kwapi-secret", metavar="FILE", help="holds Kwapi's metering_secret, which signs that"
    )


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
        follow=followed(arguments.follow),
        kwapi=KwapiWire.wanted(arguments.kwapi, arguments.kwapi_secret),
        also=also or {},
        announce=announce,
    )
    try:
        asyncio.run(until_told(house.run))
    finally:
        tell_password()  # stopped before it could be asked for: the login is there all the same
    print("Meterhouse has stopped; starting it again goes on from here.", flush=True)
    return 0


def followed(asked: Sequence[str]) -> list[Endpoint]:
    """Where publishers elsewhere are, as asked for and as the settings say. Raises Mistake."""
    from django.conf import settings  # noqa: PLC0415 - Django must be ready first

    return [Endpoint.at(address) for address in dict.fromkeys([*settings.FOLLOW, *asked])]
