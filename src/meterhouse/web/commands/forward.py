"""``meterhouse forward``: on a gateway, between networks that do not see each other."""

import argparse
import asyncio
import logging

from meterhouse.bus.curve import Pair
from meterhouse.bus.endpoints import Endpoint, require_free
from meterhouse.bus.forwarder import Forwarder, Link
from meterhouse.metering.errors import Mistake
from meterhouse.station import logs
from meterhouse.station.until_told import until_told

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--upstream",
        metavar="ADDRESS",
        action="append",
        default=[],
        help="a publisher or another forwarder, tcp://host:port, with #FILE of its public key "
        "if it encrypts; may be repeated",
    )
    parser.add_argument(
        "--kwapi-upstream",
        metavar="ADDRESS",
        action="append",
        default=[],
        help="a driver or forwarder that speaks Kwapi's wire; may be repeated",
    )
    parser.add_argument(
        "--bind", metavar="ADDRESS", required=True, help="tcp://host:port; takes the next port too"
    )
    parser.add_argument(
        "--encrypt",
        metavar="FILE",
        help="secret key of `meterhouse bus-keys`: only those who have the public one connect",
    )


def run(arguments: argparse.Namespace) -> int:
    """Forward until SIGINT or SIGTERM. It knows no house's secret and keeps nothing."""
    if not arguments.upstream and not arguments.kwapi_upstream:
        raise Mistake("forward: give an --upstream, or a --kwapi-upstream")
    logs.to_standard_error()
    upstreams = [Endpoint.at(address) for address in arguments.upstream]
    upstreams += [Endpoint(address) for address in arguments.kwapi_upstream]
    pair = Pair.read(arguments.encrypt) if arguments.encrypt else None
    bound = Endpoint.at(arguments.bind)
    require_free(bound.live, bound.replay)
    forwarder = Forwarder(upstreams, bound.live, bound.replay, pair=pair, on_link=told)
    asyncio.run(until_told(lambda: forwarding(forwarder)))
    counts = ", ".join(f"{count} {word}" for word, count in sorted(forwarder.counts.items()))
    print(f"The forwarder has stopped; passed on: {counts or 'no request'}.", flush=True)
    return 0


def told(address: str, link: Link) -> None:
    """One line when an upstream comes, and one when it goes."""
    log.warning("upstream %s is %s", address, link)


async def forwarding(forwarder: Forwarder) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(forwarder.run())
        await forwarder.ready.wait()
        endpoint = forwarder.endpoint
        print(f"Forwarding at {endpoint.live} (replay at {endpoint.replay})", flush=True)
