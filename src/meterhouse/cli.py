"""The ``meterhouse`` command. A subcommand is a module, loaded only when it is asked for."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn, Protocol

from meterhouse import __version__
from meterhouse.metering.errors import Mistake, printable

COMMANDS = {
    "up": "run everything in one process: collector, bus, recorder, web",
    "demo": "the same with a simulated estate and 30 days of history",
    "apply": "declare institutions, projects, users, shares and sources from a file",
    "export": "write what is declared back as such a file",
    "collect": "read sources: those of a file, beside the meters; or once, for a scheduler",
    "bus-keys": "make the keys that encrypt the bus between two machines",
    "forward": "pass the bus on, between networks that do not see each other",
    "import-kwapi": "turn a drivers.conf of Kwapi into tables of sources",
    "import-rrd": "bring along the history that Kwapi kept in RRD files",
    "report": "usage by institution, project, user or resource as CSV, JSON or PDF",
    "doctor": "check this installation and say what to do",
    "migrate": "bring the database up to this version",
    "login": "make a login for the pages, or give it a new password",
}


class Command(Protocol):
    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it and return the exit status. Raises Mistake."""
        ...


def main(argv: Sequence[str] | None = None) -> NoReturn:
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0].startswith("-"):
        _overview().parse_args(words or ["--help"])
        sys.exit(0)
    try:
        status = _run(words[0], words[1:])
        print(end="", flush=True)  # also if there is no standard output
        sys.exit(status)
    except Mistake as mistake:
        print(printable(f"meterhouse: {mistake}"), file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # `meterhouse report … | head`
        _forget_output()
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        said = _refusal(error)
        if not said:
            raise
        print(printable(f"meterhouse: {said}"), file=sys.stderr)
        _forget_output()
        sys.exit(1)


def _refusal(error: Exception) -> str:
    """What the disk or the database refuses, in one line; "" for a mistake of this program."""
    if "django" in sys.modules:
        from meterhouse.web.ready import refusal
    else:
        from meterhouse.station.service import refusal

    return refusal(error)


def _forget_output() -> None:
    """What could not be written must not be tried again, and complained about, at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(name: str, words: Sequence[str]) -> int:
    if name not in COMMANDS:
        raise Mistake(f"there is no command {name!r}; there are: {', '.join(COMMANDS)}")
    command: Command = import_module(f"meterhouse.web.commands.{name.replace('-', '_')}")
    parser = argparse.ArgumentParser(prog=f"meterhouse {name}", description=COMMANDS[name])
    parser.add_argument(
        "--data",
        metavar="DIR",
        default=os.environ.get("METERHOUSE_DATA", "data"),
        help="folder of everything that is kept (default: %(default)s)",
    )
    command.add_arguments(parser)
    arguments = parser.parse_args(words)
    os.environ["METERHOUSE_DATA"] = arguments.data
    return command.run(arguments)


def _overview() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    parser = argparse.ArgumentParser(
        prog="meterhouse",
        usage="meterhouse COMMAND [OPTIONS]",
        description="Meters what clouds use and draw, and who owned it.",
        epilog="\n".join(f"  {name:{width}}  {what}" for name, what in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"meterhouse {__version__}")
    return parser


if __name__ == "__main__":
    main()
