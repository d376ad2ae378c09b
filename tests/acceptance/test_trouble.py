"""A house in trouble: its database refuses, or is away. Reading goes on, and nothing is lost."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from threading import Timer
from urllib.parse import unquote, urlsplit

from tests.acceptance.test_up import METERHOUSE, PATIENCE_S, Running, started
from tests.patience import eventually
from tests.postgres import cluster, programs

RACK = """
[[sources]]
name = "rack"
kind = "dummy"
probes = ["one", "two"]
"""
OUTAGE_S = 8
LONGEST_HOLE_MS = 3000  # of a probe that is read each second, on a busy machine


def house_with_a_rack(data: Path, variables: Mapping[str, str]) -> "subprocess.Popen[str]":
    declared = data / "rack.toml"
    declared.write_text(RACK)
    subprocess.run([*METERHOUSE, "apply", declared], env=variables, check=True, timeout=60)
    return subprocess.Popen(
        [*METERHOUSE, "up", "--port", "0"],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def up(data: Path, database: str) -> Iterator[tuple[Running, Mapping[str, str]]]:
    variables = os.environ | {"METERHOUSE_DATA": str(data), "METERHOUSE_DATABASE": database}
    with house_with_a_rack(data, variables) as process:
        try:
            yield started(process), variables
        finally:
            process.kill()


def times(variables: Mapping[str, str]) -> list[int]:
    """When the probe "one" was read, by what the database holds."""
    stored = [sys.executable, str(Path(__file__).with_name("stored.py"))]
    answer = subprocess.run(stored, env=variables, capture_output=True, check=True, timeout=60)
    said = json.loads(answer.stdout)
    assert said["losses"] == 0
    return sorted(at for name, meter, at, _ in said["samples"] if (name, meter) == POWER_OF_ONE)


POWER_OF_ONE = ("rack/one", "power")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def longest_hole_ms(moments: list[int]) -> int:
    return max(after - before for before, after in pairwise(moments))


def wait_for_a_line(house: Running, words: str) -> None:
    assert house.process.stdout is not None
    deadline = Timer(PATIENCE_S, house.process.kill)  # ends the wait for a line that never comes
    deadline.start()
    try:
        said = iter(house.process.stdout.readline, "")
        assert any(words in line for line in said), f"waited {PATIENCE_S:g} s for {words!r}"
    finally:
        deadline.cancel()


def test_reading_goes_on_while_the_database_refuses_to_note_how_the_sources_do(
    tmp_path: Path,
) -> None:
    path = tmp_path / "meterhouse.db"
    with (
        up(tmp_path, f"sqlite://{path}") as (house, variables),
        closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as database,
    ):
        database.execute("ALTER TABLE web_sourcestatus RENAME TO hidden")
        wait_for_a_line(house, "goes on reading")
        refused = now_ms()
        eventually(lambda: times(variables)[-1] > refused + 2000)
        database.execute("ALTER TABLE hidden RENAME TO web_sourcestatus")
        mended = now_ms()
        noted = "SELECT COALESCE(MAX(last_run_ms), 0) FROM web_sourcestatus"
        eventually(lambda: database.execute(noted).fetchone()[0] > mended)
        assert longest_hole_ms(times(variables)) < LONGEST_HOLE_MS
        assert house.get("/healthz") == (200, '{"status": "ok"}')
        house.stop()


def test_postgresql_may_stop_and_start_under_a_running_house(tmp_path: Path) -> None:
    with cluster() as address:
        folder = Path(unquote(urlsplit(address).hostname or ""))
        with up(tmp_path, address) as (house, variables):
            eventually(lambda: times(variables))
            control(folder, "stop", "-m", "fast")
            eventually(lambda: house.get("/healthz")[0] == 503)
            time.sleep(OUTAGE_S)  # the outage itself: what is read in it must be there after it
            with started_again(folder):
                back = now_ms()
                eventually(lambda: times(variables)[-1] > back)
                assert longest_hole_ms(times(variables)) < LONGEST_HOLE_MS
                eventually(lambda: house.get("/healthz")[0] == 200)
                assert house.get("/login/")[0] == 200
                house.stop()


@contextmanager
def started_again(folder: Path) -> Iterator[None]:
    control(
        folder,
        "start",
        "-l",
        str(folder / "data" / "again.log"),
        "-o",
        f"-k {folder} -c listen_addresses=",
    )
    try:
        yield
    finally:
        control(folder, "stop", "-m", "immediate")


def control(folder: Path, *words: str) -> None:
    subprocess.run(
        [programs() / "pg_ctl", "-w", "-s", "-D", folder / "data", *words],
        user="postgres" if os.geteuid() == 0 else None,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=60,
    )
