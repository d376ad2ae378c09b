"""A collector beside the meters: without Django, restarted by itself, and told of elsewhere."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from tests.bus.cast import SECRET
from tests.bus.house import QUICK, sockets, until

from meterhouse.bus.endpoints import Endpoint
from meterhouse.bus.follow import Delivery, Follower
from meterhouse.bus.journal import Journal
from meterhouse.bus.messages import Told
from meterhouse.metering.clock import SystemClock
from meterhouse.sources.runner import Status
from meterhouse.station.declared import declared
from meterhouse.station.station import Station
from meterhouse.station.telling import unpack

# As on a machine where Django is not installed.
PROGRAM = (
    "import sys; sys.modules['django'] = None; from meterhouse.cli import main; "
    "sys.argv[0] = 'meterhouse'; main()"
)
METERHOUSE = (sys.executable, "-c", PROGRAM)
PATIENCE_S = 30


def text(*names: str, probes: object = 2) -> str:
    return "".join(
        f'[[sources]]\nname = "{name}"\nkind = "dummy"\nprobes = {probes}\ninterval = "100ms"\n'
        for name in names
    )


@asynccontextmanager
async def stationed(folder: Path, file: Path) -> AsyncIterator[Station]:
    with Journal(folder / "journal", "osl-dc1", SystemClock()) as journal:
        station = Station(
            file=file,
            sources=declared(file),
            journal=journal,
            secret=SECRET,
            endpoint=Endpoint.ipc(sockets(), "bus"),
            clock=SystemClock(),
            tell_every_s=0.05,
        )
        task = asyncio.create_task(station.run())
        try:
            yield station
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_what_it_reads_and_how_its_sources_do_arrives_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "meters.toml"
    file.write_text(text("rack"))
    heard: list[Told] = []
    async with stationed(tmp_path, file) as station:
        follower = Follower([station.endpoint], SECRET, {}, pace=QUICK, on_told=heard.append)
        async with follower, asyncio.timeout(PATIENCE_S):
            delivery = await anext(follower)
            await delivery.acknowledge()
            await until(lambda: heard and "samples" in unpack(heard[-1].what).counts["bus"])
    said = unpack(heard[-1].what)
    assert [(source.name, source.status) for source in said.sources] == [("rack", Status.GOOD)]
    assert said.counts["bus"]["samples"] > 0
    assert set(said.counts) == {"bus", "journal", "gathering", "process"}


async def test_one_wattmeter_is_added_changed_and_removed_and_no_other_notices(
    tmp_path: Path,
) -> None:
    file = tmp_path / "meters.toml"
    file.write_text(text("rack", "bench"))
    async with stationed(tmp_path, file) as station:

        def samples(name: str) -> int:
            return {state.name: state.samples for state in station.states()}.get(name, -1)

        await until(lambda: samples("rack") > 0)
        before = samples("rack")
        file.write_text(text("rack", "new") + text("bench", probes=3))
        await until(lambda: samples("new") > 0)
        assert samples("rack") >= before  # counted on: it was not opened again
        file.write_text(text("rack"))
        await until(lambda: samples("bench") == samples("new") == -1)
        assert samples("rack") > before
        assert station.states()[0].reopenings == 0


@contextmanager
def running(*words: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [*METERHOUSE, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said_until(process: "subprocess.Popen[str]", word: str) -> str:
    assert process.stdout is not None
    said = ""
    while word not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    return said


def refused(*words: str) -> str:
    answer = subprocess.run(
        [*METERHOUSE, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert answer.returncode == 2, answer
    assert answer.stderr.count("\n") == 1
    return answer.stderr


def test_collect_runs_without_django_until_it_is_told_to_stop(tmp_path: Path) -> None:
    file, key = tmp_path / "meters.toml", tmp_path / "bus.key"
    file.write_text(text("rack"))
    key.write_text("k" * 64)
    at = f"ipc://{sockets()}/bus"
    words = ("collect", str(file), "--data", str(tmp_path / "d"), "--key", str(key))
    with running(*words, "--bind", at, "--publisher", "osl-dc1") as process:
        assert "osl-dc1 reads 1 sources and publishes at ipc://" in said_until(process, "\n")
        assert "in use" in refused(*words, "--bind", at, "--publisher", "another")
        time.sleep(0.5)
        file.write_text(text("rack", probes='"x"'))
        os.kill(process.pid, signal.SIGHUP)
        assert "key 'probes'" in said_until(process, "stays as it was")
        process.terminate()
        assert "batches wait for the house" in said_until(process, "has stopped")
        assert process.wait(PATIENCE_S) == 0
    assert list((tmp_path / "d/journal/osl-dc1").glob("*.journal"))


async def test_what_is_encrypted_from_end_to_end_is_followed(tmp_path: Path) -> None:
    """Collector, forwarder and follower, each as people start it, with a pair for each link."""
    file, key = tmp_path / "meters.toml", tmp_path / "bus.key"
    file.write_text(text("rack"))
    key.write_text("k" * 64)
    for name in ("dc1", "gateway"):
        with running("bus-keys", str(tmp_path / name)) as process:
            assert f"#{tmp_path / name}.public" in said_until(process, "whoever connects there")
            assert process.wait(PATIENCE_S) == 0
        assert "File exists" in refused("bus-keys", str(tmp_path / name))
    first, second = (f"ipc://{sockets()}/bus" for _ in range(2))
    collect = ("collect", str(file), "--data", str(tmp_path / "d"), "--key", str(key))
    forward = ("forward", "--upstream", f"{first}#{tmp_path / 'dc1.public'}", "--bind", second)
    with (
        running(*collect, "--bind", first, "--encrypt", str(tmp_path / "dc1")),
        running(*forward, "--encrypt", str(tmp_path / "gateway")),
    ):
        at = Endpoint.at(f"{second}#{tmp_path / 'gateway.public'}")
        async with Follower([at], b"k" * 64, {}) as follower, asyncio.timeout(PATIENCE_S):
            assert isinstance(await anext(follower), Delivery)
    wrong = str(tmp_path / "dc1.public")
    assert "the wrong one of the two" in refused(*collect, "--bind", first, "--encrypt", wrong)
    assert "the wrong one of the two" in refused(*forward, "--encrypt", wrong)


def test_what_is_wrong_at_the_start_is_one_line(tmp_path: Path) -> None:
    file, key = tmp_path / "meters.toml", tmp_path / "bus.key"
    words = ("collect", str(file), "--data", str(tmp_path))
    assert "No such file" in refused(*words)
    file.write_text(text("rack"))
    assert "copy the house's bus.key there" in refused(*words)
    key.write_text("short")
    assert "is not a key" in refused(*words)
    key.write_text("k" * 64)
    assert "is no address" in refused(*words, "--bind", "here")
    assert "give a file of sources" in refused("collect")
    assert "give a file of sources" in refused("collect", str(file), "--once")


def test_forward_needs_no_key_says_where_it_is_and_stops_when_told(tmp_path: Path) -> None:
    at = f"ipc://{sockets()}/forwarder"
    words = ("forward", "--upstream", f"ipc://{sockets()}/bus", "--bind", at)
    with running(*words) as process:
        assert f"Forwarding at {at}.live" in said_until(process, "\n")
        assert "in use" in refused(*words)
        process.terminate()
        assert "The forwarder has stopped" in said_until(process, "stopped")
        assert process.wait(PATIENCE_S) == 0
    assert "is no address" in refused("forward", "--upstream", "x", "--bind", at)
    assert "give an --upstream" in refused("forward", "--bind", at)
