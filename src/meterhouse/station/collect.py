"""The standing collector as a program: everything is looked at before it begins."""

import asyncio
import socket
from dataclasses import dataclass
from pathlib import Path

from meterhouse.bus.curve import Pair
from meterhouse.bus.endpoints import Endpoint, require_free
from meterhouse.bus.journal import Journal
from meterhouse.metering.clock import SystemClock
from meterhouse.station import logs
from meterhouse.station.declared import declared
from meterhouse.station.keyfile import read_key
from meterhouse.station.kwapi_out import KwapiWire
from meterhouse.station.station import Station
from meterhouse.station.until_told import until_told


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for; publisher None: the host's name. encrypt: the file of a secret key."""

    file: Path
    data: Path
    bind: str
    key: Path
    publisher: str | None
    encrypt: str | None = None
    kwapi: str | None = None
    kwapi_secret: str | None = None


def collect(wanted: Wanted) -> int:
    """Read until SIGINT or SIGTERM. Raises Mistake or Mistakes before anything was read."""
    logs.to_standard_error()
    clock = SystemClock()
    sources = declared(wanted.file)
    secret = read_key(wanted.key)
    pair = Pair.read(wanted.encrypt) if wanted.encrypt else None
    endpoint = Endpoint.at(wanted.bind)
    require_free(endpoint.live, endpoint.replay)
    kwapi = KwapiWire.wanted(wanted.kwapi, wanted.kwapi_secret)
    publisher = wanted.publisher or socket.gethostname()

    def announce(at: Endpoint) -> None:
        print(
            f"{publisher} reads {len(sources)} sources and publishes at {at.live} "
            f"(replay at {at.replay})",
            flush=True,
        )

    folder = wanted.data / "journal" / publisher
    with Journal(folder, publisher, clock) as journal:
        station = Station(
            file=wanted.file,
            sources=sources,
            journal=journal,
            secret=secret,
            endpoint=endpoint,
            pair=pair,
            clock=clock,
            kwapi=kwapi,
            announce=announce,
            memory=wanted.data / "memory",
        )
        asyncio.run(until_told(station.run))
        waiting = journal.last - journal.state.acknowledged
    print(f"{publisher} has stopped; {waiting} batches wait for the house.", flush=True)
    return 0
