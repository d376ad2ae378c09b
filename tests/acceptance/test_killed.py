"""kill -9 at random moments: no acknowledged reading is lost, and none is recorded twice.

A real house (every service, 200 probes at 1 Hz) is killed fifty times, half of them on each
database, at moments spread over its start and its run, and then left alone until it has caught up.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.patience import eventually
from tests.postgres import cluster

KILLS = 25  # on each database
HERE = Path(__file__).parent
Readings = dict[tuple[str, str, int], float]


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite://{folder / 'killed.db'}"
    else:
        with cluster() as address:
            yield address


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_again_and_again_it_loses_nothing_and_doubles_nothing(
    kind: str, tmp_path: Path
) -> None:
    truth = tmp_path / "truth"
    chance = random.Random(kind)
    with database(kind, tmp_path) as address:
        environment = os.environ | {
            "METERHOUSE_DATABASE": address,
            "METERHOUSE_DATA": str(tmp_path),
        }
        for _ in range(KILLS):
            with house(truth, environment) as process:
                if chance.random() < 0.85:
                    wait_for_more(truth, process)
                time.sleep(chance.uniform(0, 1.1))
                process.send_signal(signal.SIGKILL)
        acknowledged = acknowledged_in(truth)
        assert len(acknowledged) > KILLS * 200
        with house(truth, environment) as process:
            eventually(
                lambda: acknowledged.keys() <= stored(environment)[0].keys(),
                "every acknowledged reading in the database",
                process=process,
            )
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        found, totals = stored(environment)
    assert {key: found.get(key) for key in acknowledged} == acknowledged
    assert totals["losses"] == 0
    # What was recorded is what is there: nothing was written a second time.
    assert totals["recorded"] == len(totals["samples"]) == len(found)


@contextmanager
def house(truth: Path, environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(
        [sys.executable, HERE / "tapped_house.py", truth], env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_more(truth: Path, process: "subprocess.Popen[bytes]") -> None:
    before = size_of(truth)
    eventually(lambda: size_of(truth) > before, "a reading in the journal", process=process)


def size_of(truth: Path) -> int:
    return truth.stat().st_size if truth.exists() else 0


def acknowledged_in(truth: Path) -> Readings:
    """What the journal had taken; a line that the kill cut short was not told to anybody."""
    lines = truth.read_text().split("\n")[:-1]
    return {(r, m, at): value for line in lines for r, m, at, value in json.loads(line)}


def stored(environment: dict[str, str]) -> tuple[Readings, dict[str, Any]]:
    answer = subprocess.run(
        [sys.executable, HERE / "stored.py"], env=environment, check=True, capture_output=True
    )
    totals = json.loads(answer.stdout)
    return {(r, m, at): value for r, m, at, value in totals["samples"]}, totals
