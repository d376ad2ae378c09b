"""Real peers as processes: started on a free port of loopback, ended by their id."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.patience import eventually

READY_S = 10.0


def found(program: str, package: str) -> str:
    """Where a program is. In CI a test that lacks its program fails; elsewhere it is skipped."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if path is None:
        said = f"{program} is missing: install Debian's package {package}"
        pytest.fail(said) if os.environ.get("CI") else pytest.skip(said)
    return str(path)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def listens(port: int) -> Callable[[], bool]:
    def asked() -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", port)) == 0

    return asked


@contextmanager
def started(
    command: Sequence[str | Path],
    ready: Callable[[], bool],
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that runs until the block ends. Its output stands in ``log``."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | dict(environment or {}),
        )
    try:
        _await(process, ready, log)
        yield process
    finally:
        process.kill()
        process.wait()


def _await(process: "subprocess.Popen[bytes]", ready: Callable[[], bool], log: Path) -> None:
    try:
        eventually(ready, "it listens", seconds=READY_S, every_s=0.01, process=process)
    except AssertionError as error:
        said = f"{process.args!r}: {error}: {log.read_text()[-2000:]}"
        raise RuntimeError(said) from error
