"""``meterhouse login``: who may look at the pages."""

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


def run(arguments: argparse.Namespace) -> int:
    ready.require_current()
    from meterhouse.web import logins  # noqa: PLC0415 - models need Django made ready

    password = logins.generated_password() if arguments.generate else _asked()
    made = logins.set_password(arguments.name, password, everything=arguments.everything)
    print(f"login {arguments.name} {'made' if made else 'has a new password'}")
    if arguments.generate:
        print(f"password: {password}")
    return 0


def _asked() -> str:
    """The password from the terminal, or the first line of a pipe; never a command line."""
    if sys.stdin.isatty():
        return getpass.getpass("New password: ")
    return sys.stdin.readline().rstrip("\n")
