"""``meterhouse login``: who may look at the pages, and at what."""

import argparse
import getpass
import sys
from collections.abc import Callable
from datetime import datetime

from meterhouse.metering.clock import SystemClock
from meterhouse.web import ready


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the login's name; a new one is made if there is none")
    parser.add_argument(
        "--everything", action="store_true", help="a new login may see and do everything"
    )
    parser.add_argument(
        "--generate", action="store_true", help="print a new password instead of asking for one"
    )
    ends = parser.add_mutually_exclusive_group()
    ends.add_argument(
        "--close", action="store_true", help="nobody comes in with it; its tokens and sessions end"
    )
    ends.add_argument("--reopen", action="store_true", help="it may come in again")
    ends.add_argument("--delete", action="store_true", help="forget it with its rights and tokens")
    ends.add_argument(
        "--end", action="store_true", help="end its tokens and sessions; it may come in again"
    )
    ends.add_argument(
        "--not-everything", action="store_true", help="it sees what it is granted, and no more"
    )
    grants = parser.add_argument_group("what it may see, in addition to what it was granted")
    grants.add_argument("--institution", metavar="KEY", action="append", default=[])
    grants.add_argument("--project", metavar="KEY", action="append", default=[])
    grants.add_argument("--user", metavar="KEY", help="the user of the inventory that it is")
    grants.add_argument("--withdraw", action="store_true", help="take back all grants first")


def run(arguments: argparse.Namespace) -> int:
    ready.require_current()
    from meterhouse.web import logins  # noqa: PLC0415 - models need Django made ready

    if said := _ended(arguments):
        print(f"login {arguments.name} {said}")
        return 0
    granting = bool(
        arguments.institution or arguments.project or arguments.user or arguments.withdraw
    )
    if arguments.generate or not (granting and logins.exists(arguments.name)):
        _give_password(arguments)
    if arguments.withdraw:
        print(f"{logins.withdraw(arguments.name)} grants taken back")
    logins.grant(
        arguments.name,
        institutions=arguments.institution,
        projects=arguments.project,
        user=arguments.user,
    )
    seen = [*arguments.institution, *arguments.project, *filter(None, [arguments.user])]
    if seen:
        print(f"login {arguments.name} may see {', '.join(seen)}")
    return 0


def _ended(arguments: argparse.Namespace) -> str:
    """Close, reopen, delete or narrow a login if that was asked for; says what was done."""
    from meterhouse.web import endings  # noqa: PLC0415

    acts: dict[str, Callable[[], str]] = {
        "close": lambda: f"closed: {endings.close(login, now=_now())}",
        "delete": lambda: f"deleted: {endings.delete(login, now=_now())}",
        "end": lambda: f"has none left: {endings.end(login, now=_now())}",
        "reopen": lambda: endings.reopen(login),
        "not_everything": lambda: endings.take_everything(login),
    }
    asked = next((word for word in acts if getattr(arguments, word)), "")
    if not asked:
        return ""
    login = endings.named(arguments.name)
    return acts[asked]()


def _now() -> datetime:
    return SystemClock().now()


def _give_password(arguments: argparse.Namespace) -> None:
    from meterhouse.web import endings, logins  # noqa: PLC0415

    password = logins.generated_password() if arguments.generate else _asked()
    is_first = arguments.name == logins.FIRST and not logins.anybody_sees_everything()
    everything = arguments.everything or is_first
    if logins.set_password(arguments.name, password, everything=everything):
        print(f"login {arguments.name} made")
        if is_first and not arguments.everything:
            print("it is the first one: it may see and do everything")
    else:
        ended = endings.end(endings.named(arguments.name), now=_now())
        print(f"login {arguments.name} has a new password; {ended}")
    if arguments.generate:
        print(f"password: {password}")


def _asked() -> str:
    """The password from the terminal, or the first line of a pipe; never a command line."""
    if sys.stdin.isatty():
        return getpass.getpass("New password: ")
    return sys.stdin.readline().rstrip("\n")
