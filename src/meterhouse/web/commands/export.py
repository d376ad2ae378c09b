"""``meterhouse export``: the estate as a file that declares it."""

import argparse
from pathlib import Path

from meterhouse.metering.errors import Mistake
from meterhouse.web import ready


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="default: standard output")


def run(arguments: argparse.Namespace) -> int:
    ready.require_current()
    from meterhouse.web.declaring import export  # noqa: PLC0415 - models need Django

    text = export(Path(arguments.data).absolute())
    if arguments.output is None:
        print(text, end="")
        return 0
    try:
        Path(arguments.output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Mistake(f"{arguments.output}: {error.strerror}") from error
    return 0
