"""The ``meterhouse`` command. Each subcommand loads only what it needs."""

import argparse
import sys

from meterhouse import __version__


def main() -> None:
    parser = argparse.ArgumentParser(prog="meterhouse", description=__doc__)
    parser.add_argument("--version", action="version", version=f"meterhouse {__version__}")
    parser.parse_args()
    sys.exit(0)
