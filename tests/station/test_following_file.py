"""Changes of a collector's file are taken while it runs; its mistakes are not."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from tests.patience import until

from meterhouse.sources import Configured
from meterhouse.station.following_file import SourcesFile

LOOK_S = 0.02
DEADLINE_S = 10.0


def text(*names: str, probes: object = 1) -> str:
    return "".join(
        f'[[sources]]\nname = "{name}"\nkind = "dummy"\nprobes = {probes}\n' for name in names
    )


@asynccontextmanager
async def followed(path: Path, *, look_s: float = LOOK_S) -> AsyncIterator[list[list[str]]]:
    """The names that were told, change by change."""
    told: list[list[str]] = []

    def on_change(sources: Sequence[Configured]) -> None:
        told.append([source.name for source in sources])

    task = asyncio.create_task(SourcesFile(path, on_change, look_s).follow())
    await asyncio.sleep(3 * LOOK_S)
    try:
        yield told
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_change_on_disk_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "meters.toml"
    path.write_text(text("rack"))
    async with followed(path) as told:
        path.write_text(text("rack", "bench"))
        await until(lambda: told)
    assert told == [["rack", "bench"]]


async def test_a_file_that_is_replaced_is_followed(tmp_path: Path) -> None:
    path, draft = tmp_path / "meters.toml", tmp_path / "draft"
    path.write_text(text("rack"))
    async with followed(path) as told:
        draft.write_text(text("bench"))
        draft.rename(path)
        await until(lambda: told)
    assert told == [["bench"]]


async def test_a_file_that_is_being_written_is_not_read_halfway(tmp_path: Path) -> None:
    path = tmp_path / "meters.toml"
    path.write_text(text("rack"))
    async with followed(path, look_s=0.2) as told:
        for count in range(1, 30):
            path.write_text(text(*(f"rack-{number}" for number in range(count))))
            await asyncio.sleep(0.01)
        await until(lambda: told)
        assert len(told[-1]) == 29


async def test_a_hangup_reads_it_anew_at_once(tmp_path: Path) -> None:
    path = tmp_path / "meters.toml"
    path.write_text(text("rack"))
    async with followed(path, look_s=60) as told:
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: told)
    assert told == [["rack"]]


async def test_a_mistake_is_one_line_and_the_next_good_file_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "meters.toml"
    path.write_text(text("rack"))
    async with followed(path) as told:
        path.write_text(text("rack", "bench", probes='"x"'))
        await until(lambda: caplog.records)
        path.unlink()
        await until(lambda: len(caplog.records) > 1)
        path.write_text(text("bench"))
        await until(lambda: told)
    errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 2
    assert errors[0].startswith('meters.toml: [[sources]] "rack" (line 1): key ')
    assert errors[0].endswith("(and 1 more); what is read stays as it was")
    assert errors[1] == "meters.toml: No such file or directory; what is read stays as it was"
    assert told == [["bench"]]
