"""A program is heard while it runs, and nothing of it is left when nobody listens."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from meterhouse.clients.freeipmi.programs import LONGEST_LINE, run
from meterhouse.metering.errors import Unreachable

ANYWHERE = {"PATH": "/usr/bin:/bin"}


async def heard(script: str, *, limit_s: float = 5.0) -> tuple[bool, list[str]]:
    lines: list[str] = []
    ended = await run(["sh", "-c", script], ANYWHERE, lines.append, limit_s=limit_s)
    return ended, lines


def is_there(pid: str) -> bool:
    """Whether a process runs; one that has ended and was not seen off does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


async def gone(pid: str) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(2):
            while is_there(pid):  # noqa: ASYNC110 - it is not our child, nobody tells us
                await asyncio.sleep(0.01)
    return not is_there(pid)


async def test_what_is_printed_and_what_is_complained_of_is_heard() -> None:
    assert await heard("echo one; echo two >&2; exit 1") == (True, ["one", "two"])


async def test_the_last_word_is_not_believed_if_it_was_cut_short() -> None:
    assert await heard("echo whole; printf 'Current Power : 20'") == (True, ["whole"])


async def test_what_takes_too_long_is_ended_and_what_was_said_is_kept() -> None:
    ended, (pid, child) = await heard("echo $$; sleep 60 & echo $!; wait", limit_s=0.3)
    assert not ended
    assert await gone(pid)
    assert await gone(child)


async def test_cancelling_ends_the_program_and_its_children() -> None:
    lines: asyncio.Queue[str] = asyncio.Queue()
    script = ["sh", "-c", "echo $$; sleep 60 & echo $!; wait"]
    running = asyncio.create_task(run(script, ANYWHERE, lines.put_nowait, limit_s=60))
    pid, child = await lines.get(), await lines.get()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await gone(pid)
    assert await gone(child)


async def test_a_program_that_prints_without_end_is_given_up() -> None:
    with pytest.raises(Unreachable, match="a line is longer than 65,536 bytes"):
        await heard(f"head -c {4 * LONGEST_LINE} /dev/zero | tr '\\0' x")


async def test_a_program_that_is_not_there_says_what_to_install() -> None:
    with pytest.raises(Unreachable, match=r"ipmi-nothing cannot be started .* freeipmi-tools"):
        await run(["ipmi-nothing"], ANYWHERE, print, limit_s=1)
