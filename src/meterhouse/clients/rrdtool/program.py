"""The program rrdtool, started for one file at a time."""

import subprocess
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from typing import IO

from meterhouse.clients.rrdtool.dump import Database, Reading
from meterhouse.metering.errors import BadReading, Unreachable

LIMIT_S = 60.0
_PIECE = 1 << 16
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}


def read(path: Path, *, program: str = "rrdtool", limit_s: float = LIMIT_S) -> Database:
    """Everything in a file.

    limit_s:  then the program is ended

    Raises BadReading, one line, if it is no such file, and Unreachable if there is no rrdtool.
    """
    with TemporaryFile() as complaints, _started(program, path, complaints) as process:
        timer = Timer(limit_s, process.kill)
        timer.start()
        try:
            reading = _heard(process)
            status = process.wait()
        finally:
            timer.cancel()
            process.kill()
        if status < 0:
            raise BadReading(f"{program} did not end within {limit_s:g} s")
        if status:
            raise BadReading(_said(complaints) or f"{program} ended with status {status}")
    reading.feed(b"", is_last=True)
    return reading.database()


def _started(program: str, path: Path, complaints: IO[bytes]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(  # noqa: S603 - no shell, and an absolute path is no option
            [program, "dump", "--no-header", str(path.absolute())],
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
        )
    except OSError as error:
        raise Unreachable(
            f"{program} cannot be started ({error.strerror}): install it (Debian: rrdtool)"
        ) from error


def _heard(process: "subprocess.Popen[bytes]") -> Reading:
    reading = Reading()
    while piece := process.stdout.read(_PIECE) if process.stdout else b"":
        reading.feed(piece)
    return reading


def _said(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    text = complaints.read(1000).decode(errors="replace")
    return " ".join(text.split()).removeprefix("ERROR: ")
