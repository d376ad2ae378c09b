"""The source that docs/adding-a-source.md makes is made, and reads a meter on a real socket."""

import asyncio
import re
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import BadReading
from meterhouse.metering.samples import Series
from meterhouse.sources import Configured
from meterhouse.sources.configuration import decode
from meterhouse.sources.runner import Outcome, Runner

PAGE = Path(__file__).parents[2] / "docs/adding-a-source.md"


def shown(language: str) -> str:
    (block,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return str(block)


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    file = tmp_path / "wattmeter_of_the_docs.py"
    file.write_text(shown("python"))
    spec = spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    sys.modules[file.stem] = made  # dataclasses look their module up
    spec.loader.exec_module(made)
    return made


@asynccontextmanager
async def meter(answer: bytes) -> AsyncIterator[int]:
    """A meter that answers each line; yields its port."""
    talks: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.current_task())
        while await reader.readline():
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.wait_for(asyncio.gather(*filter(None, talks)), 5)


def configured(module: ModuleType, port: int) -> Configured:
    (table,) = tomllib.loads(shown("toml"))["sources"]
    assert (table.pop("name"), table.pop("kind")) == ("rack-7", module.SOURCE.name)
    config = decode(table | {"host": "127.0.0.1", "port": port}, module.Config)
    kind = module.SOURCE
    return Configured("rack-7", kind, config, kind.interval, kind.timeout)


async def test_the_source_of_the_docs_reads_a_meter(module: ModuleType, clock: FixedClock) -> None:
    async with meter(b"W 212.4\n") as port, configured(module, port).open(clock) as source:
        reading = await source.read()
    assert reading.samples.series == (Series("rack-7/node-1", "power", 10_000),)
    assert list(reading.samples.value) == [212.4]
    assert [snapshot.kind for snapshot in reading.snapshots] == ["outlet"]


@pytest.mark.parametrize(
    ("answer", "outcome"), [(b"?!\n", Outcome.BAD), (b"", Outcome.UNREACHABLE)]
)
async def test_the_source_of_the_docs_says_what_went_wrong(
    module: ModuleType, clock: FixedClock, answer: bytes, outcome: Outcome
) -> None:
    runner = Runner(lambda samples, snapshots: None, clock)
    async with meter(answer) as port:
        made = configured(module, port)
        quick = Configured(made.name, made.kind, made.config, made.interval, made.interval / 10)
        assert (await runner.once(quick)).outcome is outcome


@pytest.mark.parametrize("answer", [b"W\n", b"W x\n", b"A 1.0\n", b"\n"])
def test_the_parser_of_the_docs_drops_what_is_garbled(module: ModuleType, answer: bytes) -> None:
    with pytest.raises(BadReading):
        module.parse(answer)
