"""``meterhouse migrate``: the database as this version wants it."""

import argparse

from meterhouse.web import ready


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing but --data."""


def run(arguments: argparse.Namespace) -> int:
    ready.prepare()
    before = ready.pending_migrations()
    ready.migrate()
    print(f"{len(before)} migrations applied" if before else "the database is up to date")
    return 0
