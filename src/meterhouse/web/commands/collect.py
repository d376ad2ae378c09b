"""``meterhouse collect``: beside the meters for ever, or once for a scheduler."""

import argparse
from pathlib import Path

from meterhouse.metering.errors import Mistake

DEFAULT_BIND = "tcp://127.0.0.1:8401"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE.toml", nargs="?", help="its [[sources]] are read, and its changes"
    )
    parser.add_argument(
        "--bind",
        metavar="ADDRESS",
        default=DEFAULT_BIND,
        help="where a house finds what was read: tcp://host:port, and the next port "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--key", metavar="FILE", help="the house's bus.key (default: bus.key in the data folder)"
    )
    parser.add_argument(
        "--encrypt",
        metavar="FILE",
        help="secret key of `meterhouse bus-keys`: only those who have the public one connect",
    )
    parser.add_argument(
        "--publisher", metavar="NAME", help="unique in the house (default: this host's name)"
    )
    parser.add_argument(
        "--kwapi",
        metavar="ADDRESS",
        help="publish power on Kwapi's own wire too, for its plug-ins: tcp://host:port",
    )
    parser.add_argument(
        "--kwapi-secret", metavar="FILE", help="holds Kwapi's metering_secret, which signs that"
    )
    parser.add_argument("--once", action="store_true", help="read the house's sources once")
    parser.add_argument("--source", metavar="NAME", help="with --once: only this one")


def run(arguments: argparse.Namespace) -> int:
    if bool(arguments.file) is bool(arguments.once):
        raise Mistake("collect: give a file of sources to read for ever, or --once")
    if arguments.once:
        from meterhouse.web.services.once import collect_once  # noqa: PLC0415 - needs Django

        return collect_once(Path(arguments.data).absolute(), arguments.source)
    from meterhouse.station.collect import Wanted, collect  # noqa: PLC0415 - needs no Django

    data = Path(arguments.data).absolute()
    return collect(
        Wanted(
            file=Path(arguments.file).absolute(),
            data=data,
            bind=arguments.bind,
            key=Path(arguments.key) if arguments.key else data / "bus.key",
            encrypt=arguments.encrypt,
            publisher=arguments.publisher,
            kwapi=arguments.kwapi,
            kwapi_secret=arguments.kwapi_secret,
        )
    )
