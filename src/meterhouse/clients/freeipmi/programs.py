"""A program that is started, heard line by line, and gone when nobody listens any more."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence

from meterhouse.metering.errors import Unreachable

LONGEST_LINE = 64 * 1024  # bytes
MOST_LINES = 1_000_000
LAST_WORDS_S = 5.0


async def run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    hear: Callable[[str], None],
    *,
    limit_s: float,
) -> bool:
    """Run a program to its end and hand over what it prints, errors among it, line by line.

    arguments: no secrets: every user of the machine can see them
    limit_s:   then it is ended, and False is returned

    It and all it has started are killed when its time is over, when this is cancelled, and when
    ``hear`` raises. Raises Unreachable if the program is not there or prints without end.
    """
    process = await _started(arguments, environment)
    try:
        async with asyncio.timeout(limit_s):
            await _hear_all(process, hear)
            await process.wait()
    except TimeoutError:
        return False
    finally:
        await _ended(process)
    return True


async def _started(
    arguments: Sequence[str], environment: Mapping[str, str]
) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *arguments,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=LONGEST_LINE,
            start_new_session=True,
        )
    except OSError as error:
        raise Unreachable(
            f"{arguments[0]} cannot be started ({error.strerror}): install FreeIPMI's programs "
            "(Debian: freeipmi-tools)"
        ) from error


async def _hear_all(process: asyncio.subprocess.Process, hear: Callable[[str], None]) -> None:
    printed = process.stdout or asyncio.StreamReader()
    for _ in range(MOST_LINES):
        try:
            line = await printed.readline()
        except ValueError as error:  # asyncio's word for a line that is too long
            raise Unreachable(f"a line is longer than {LONGEST_LINE:,} bytes") from error
        if not line.endswith(b"\n"):  # all is said, or the last word was cut short
            return
        hear(line.decode("utf-8", "replace").rstrip())
    raise Unreachable(f"more than {MOST_LINES:,} lines were printed")


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Kill it with its whole group, unless it has ended, and see it off."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(process.wait()), LAST_WORDS_S)
