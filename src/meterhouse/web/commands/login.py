"""``meterhouse login``: who may look at the pages, and at what."""

import argparse
import getpass
import sys

from meterhouse.web import ready


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the login's name; a new one is made if there is none")
    parser.add_argument(
        "--everything", action="store_true", help="a new login may see and do everything"
    )
    parser.add_argument(
        "--generate", action="store_true", help="print a new password instead of asking for one"
    )
    grants = parser.add_argument_group("what it may see, in addition to what it was granted")
    grants.add_argument("--institution", metavar="KEY", action="append", default=[])
    grants.add_argument("--project", metavar="KEY", action="append", default=[])
    grants.add_argument("--user", metavar="KEY", help="the user of the inventory that it is")
    grants.add_argument("--withdraw", action="store_true", help="take back all grants first")


def run(arguments: argparse.Namespace) -> int:
    ready.require_current()
    from meterhouse.web import logins  # noqa: PLC0415 - models need Django made ready

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


def _give_password(arguments: argparse.Namespace) -> None:
    from meterhouse.web import logins  # noqa: PLC0415

    password = logins.generated_password() if arguments.generate else _asked()
    is_first = arguments.name == logins.FIRST and not logins.anybody_sees_everything()
    everything = arguments.everything or is_first
    made = logins.set_password(arguments.name, password, everything=everything)
    print(f"login {arguments.name} {'made' if made else 'has a new password'}")
    if made and is_first and not arguments.everything:
        print("it is the first one: it may see and do everything")
    if arguments.generate:
        print(f"password: {password}")


def _asked() -> str:
    """The password from the terminal, or the first line of a pipe; never a command line."""
    if sys.stdin.isatty():
        return getpass.getpass("New password: ")
    return sys.stdin.readline().rstrip("\n")
