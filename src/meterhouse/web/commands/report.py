"""``meterhouse report``: usage of a period as a file."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import Period
from meterhouse.web import ready

FORMATS = ("csv", "json", "pdf")
DEFAULT_LENGTH = timedelta(days=30)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    axes = ["institution", "project", "user", "resource"]
    parser.add_argument("--by", choices=axes, default="project")
    parser.add_argument("--from", dest="start", metavar="DATE", help="2026-05-01, or with a time")
    parser.add_argument("--to", dest="end", metavar="DATE", help="the first moment not counted")
    parser.add_argument("--institution", metavar="KEY", help="only its part")
    parser.add_argument("--project", metavar="KEY", help="only it and what is below it")
    parser.add_argument(
        "--format", choices=FORMATS, help="default: as FILE ends; csv for any other"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="default: standard output")


def run(arguments: argparse.Namespace) -> int:
    now = SystemClock().now()
    period = parse_period(arguments.start, arguments.end, now=now)
    chosen = format_for(arguments.format, arguments.output)
    ready.require_current()
    from meterhouse.inventory.scope import Scope  # noqa: PLC0415 - models need Django
    from meterhouse.reports import formats  # noqa: PLC0415
    from meterhouse.usage.statement import Axis, statement  # noqa: PLC0415

    report = statement(
        period,
        by=Axis(arguments.by),
        institution=arguments.institution,
        project=arguments.project,
        scope=Scope.all(),
        now=now,
    )
    with _opened(arguments.output) as out:
        formats()[chosen].write(report, out)
    return 0


def format_for(asked: str | None, output: str | None) -> str:
    """The format that was asked for, or that a file's name says. Raises Mistake if they differ."""
    ending = Path(output or "").suffix.lower().removeprefix(".")
    said = ending if ending in FORMATS else None
    if asked and said and asked != said:
        raise Mistake(f"{output} would hold {asked}: leave out --format, or name it .{asked}")
    return asked or said or "csv"


def parse_period(start: str | None, end: str | None, *, now: datetime) -> Period:
    """The period that was asked for; the last 30 days where nothing was. Raises Mistake."""
    last = _moment(end, "--to") if end else now
    first = _moment(start, "--from") if start else last - DEFAULT_LENGTH
    if first >= last:
        raise Mistake(f"--from {first:%Y-%m-%d %H:%M} must be before --to {last:%Y-%m-%d %H:%M}")
    return Period(first, last)


def _moment(text: str, option: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise Mistake(
            f"{option} {text!r} is no date; write 2026-05-01 or 2026-05-01T12:00"
        ) from error


@contextmanager
def _opened(name: str | None) -> Iterator[BinaryIO]:
    """Standard output, a device, or a file that appears only when it is whole. Raises Mistake."""
    if name is None or name == "-":
        if sys.stdout is None:
            raise Mistake("there is no standard output: name a file with -o")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with Path(name).open("wb") if _is_device(name) else _whole(Path(name).resolve()) as out:
            yield out
    except OSError as error:
        raise Mistake(f"{name}: {error.strerror}") from error


def _is_device(name: str) -> bool:
    """Such as /dev/null or a pipe: to be written to, never to be replaced by a file."""
    path = Path(name)
    return path.exists() and not path.is_file() and not path.is_dir()


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    draft = path.with_name(f".meterhouse-{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
