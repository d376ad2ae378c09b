"""``meterhouse bus-keys``: the keys that encrypt the bus between two machines."""

import argparse
from pathlib import Path

from meterhouse.bus.curve import make


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="where the secret key is put")


def run(arguments: argparse.Namespace) -> int:
    file = Path(arguments.file).absolute()
    public = make(file)
    print(f"{file} stays on the machine that binds: --encrypt {file}")
    print(f"{public} goes to whoever connects there: tcp://host:port#{public}")
    return 0
