"""Drivers in one network, the house in another that has no route to it, a gateway between."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance import networks as kernel
from tests.acceptance.networks import DRIVERS, GATEWAY_HERE, Networks, running
from tests.acceptance.test_killed import acknowledged_in, stored
from tests.patience import eventually

PATIENCE_S = 60
CUT_S = 4
WATCH_S = 5
SUBSCRIBERS = 12
PORT = 8401
UPSTREAM = f"tcp://{DRIVERS}:{PORT}"
STRANGER = f"tcp://{DRIVERS}:9000"
GATEWAY = f"tcp://{GATEWAY_HERE}:{PORT}"
METERHOUSE = (sys.executable, "-m", "meterhouse.cli")
METERS = """
[[sources]]
name = "rack"
kind = "dummy"
probes = 200
interval = "200ms"
"""


@pytest.fixture
def networks() -> Iterator[Networks]:
    """Where there can be none, CI fails and others pass it over."""
    with ExitStack() as stack:
        try:
            made = stack.enter_context(kernel.networks())
        except kernel.Missing as missing:
            give_up = pytest.fail if os.environ.get("CI") else pytest.skip
            give_up(str(missing))
        yield made


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """The house's own key, as an operator copies it beside the meters."""
    path = tmp_path / "house" / "bus.key"
    path.parent.mkdir()
    path.write_text("k" * 64)
    return path


@contextmanager
def drivers(networks: Networks, folder: Path, key: Path) -> Iterator["subprocess.Popen[str]"]:
    (folder / "meters.toml").write_text(METERS)
    words = (folder / "meters.toml", folder / "journal", UPSTREAM, key, folder / "truth")
    program = (sys.executable, "-m", "tests.acceptance.tapped_station", *map(str, words))
    with running(networks.inside("drivers", *program), folder / "drivers.log") as process:
        yield process


@contextmanager
def gateway(networks: Networks, folder: Path) -> Iterator[None]:
    words = ("forward", "--upstream", UPSTREAM, "--upstream", STRANGER, "--bind", GATEWAY)
    with running(networks.inside("gateway", *METERHOUSE, *words), folder / "gateway.log"):
        yield


@contextmanager
def house(networks: Networks, folder: Path, key: Path) -> Iterator["subprocess.Popen[str]"]:
    words = ("up", "--data", str(key.parent), "--follow", GATEWAY)
    environment = ("env", "-u", "METERHOUSE_DATABASE")
    program = networks.inside("house", *environment, *METERHOUSE, *words)
    with running(program, folder / "house.log") as process:
        yield process


def environment(key: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "METERHOUSE_DATABASE"}
    return kept | {"METERHOUSE_DATA": str(key.parent)}


def asked(key: Path, query: str) -> list[Any]:
    """What the house's database answers; nothing while it is not there yet."""
    path = key.parent / "meterhouse.db"
    if not path.exists():
        return []
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        try:
            return database.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []


def recorded(key: Path) -> int:
    query = "SELECT samples FROM store_position WHERE publisher = 'drivers'"
    return sum(samples for (samples,) in asked(key, query))


def is_counted(key: Path) -> bool:
    """Whether recorder and live readers have counted what is old, and what is forged."""
    rows = asked(key, "SELECT part, counts FROM web_partcounts")
    counts = {part: json.loads(words) for part, words in rows}
    return all(
        counts.get(part, {}).get(reason, 0) > 1
        for part in ("recorder", "live")
        for reason in ("repeated", "signature")
    )


@pytest.mark.timeout(240)
def test_a_cut_link_loses_nothing_and_nothing_false_is_stored(
    networks: Networks, tmp_path: Path, key: Path
) -> None:
    assert not networks.has_route("house", DRIVERS)
    assert not networks.has_route("drivers", GATEWAY_HERE)
    stranger = (sys.executable, "-m", "tests.acceptance.stranger", UPSTREAM, STRANGER)
    with house(networks, tmp_path, key), gateway(networks, tmp_path):
        with drivers(networks, tmp_path, key) as collector:
            eventually(lambda: recorded(key) > 1000, "what is read", seconds=PATIENCE_S)
            networks.set_link("down")
            time.sleep(CUT_S)
            before = recorded(key)
            time.sleep(1)
            assert recorded(key) == before  # the link really is cut
            networks.set_link("up")
            eventually(lambda: recorded(key) > before + 1000, "the link", seconds=PATIENCE_S)
            with running(networks.inside("drivers", *stranger), tmp_path / "stranger.log"):
                eventually(lambda: is_counted(key), "a count of forgeries", seconds=PATIENCE_S)
            taken = len(acknowledged_in(tmp_path / "truth"))
            eventually(lambda: recorded(key) >= taken, "all of it", seconds=PATIENCE_S)
            states = asked(key, "SELECT sources FROM web_publisherstatus WHERE sources != '[]'")
            assert json.loads(states[0][0])[0]["status"] == "good"
            collector.terminate()
            collector.wait(PATIENCE_S)
            truth = acknowledged_in(tmp_path / "truth")
        # What was published while the collector stopped lies in its journal for the next time.
        with drivers(networks, tmp_path, key):
            eventually(lambda: recorded(key) > len(truth), "what was kept", seconds=PATIENCE_S)
    truth = acknowledged_in(tmp_path / "truth")
    found, totals = stored(environment(key))
    ours = {series: value for series, value in found.items() if series[0].startswith("rack/")}
    assert ours.items() <= truth.items()  # nothing false, and nothing of the stranger
    assert totals["losses"] == 0
    assert totals["recorded"] == len(totals["samples"]) == len(found)  # nothing twice
    last = max(at for _, _, at in ours)
    assert {series for series in truth if series[2] <= last} == set(ours)  # nothing missing


@pytest.mark.timeout(120)
def test_a_probe_that_many_watch_crosses_the_link_once(
    networks: Networks, tmp_path: Path, key: Path
) -> None:
    with gateway(networks, tmp_path), drivers(networks, tmp_path, key):
        upstream_1, downstream_1 = watched(networks, tmp_path, key, 1)
        upstream_n, downstream_n = watched(networks, tmp_path, key, SUBSCRIBERS)
    assert upstream_1 > 10_000  # something was watched
    assert upstream_n < 1.2 * upstream_1
    assert downstream_n > 0.7 * SUBSCRIBERS * downstream_1


def watched(networks: Networks, folder: Path, key: Path, count: int) -> tuple[int, int]:
    """Bytes over the link to the drivers, and to the house, while so many subscribers watch."""
    words = (sys.executable, "-m", "tests.acceptance.subscribers", str(count), GATEWAY, str(key))
    log = folder / f"subscribers-{count}.log"
    with running(networks.inside("house", *words), log) as process:
        time.sleep(3)  # they are all there
        before = networks.received("gateway", "there"), networks.received("house", "gateway")
        time.sleep(WATCH_S)
        after = networks.received("gateway", "there"), networks.received("house", "gateway")
        assert process.stdin is not None
        process.stdin.close()
        process.wait(PATIENCE_S)
    heard = json.loads(log.read_text())
    assert len(heard) == count
    assert min(heard) > WATCH_S
    return after[0] - before[0], after[1] - before[1]
