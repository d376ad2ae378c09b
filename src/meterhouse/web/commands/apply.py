"""``meterhouse apply``: the estate as a file declares it."""

import argparse
from pathlib import Path

from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import printable
from meterhouse.web import ready


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE.toml")
    parser.add_argument("--dry-run", action="store_true", help="only print what would change")


def run(arguments: argparse.Namespace) -> int:
    """Print the difference, then make it so. Raises Mistake, and nothing is applied."""
    ready.migrate()
    from meterhouse.web.declaring import declare, disputes  # noqa: PLC0415 - models need Django

    path, data = Path(arguments.file), Path(arguments.data).absolute()
    now = SystemClock().now()
    difference = declare(path, data, now=now, dry_run=True)
    for line in difference.lines:
        print(printable(line))
    for note in difference.notes:
        print(printable(f"note: {note}"))
    for warning in disputes(path, now=now) if difference else ():
        print(printable(f"warning: {warning}"))
    if not difference:
        print("nothing to change")
    elif arguments.dry_run:
        print(f"{len(difference.lines)} changes, not applied (--dry-run)")
    else:
        applied = declare(path, data, now=now)
        print(f"{len(applied.lines)} changes applied")
    return 0
