"""Several recorders, sealers and readers at once, and processes that are killed."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from django.db import connections
from tests.conftest import NOON
from tests.store.conftest import HOLD, HOUR, START

from meterhouse.metering.batches import Batch, Position
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.periods import Period
from meterhouse.metering.samples import Columns, Series
from meterhouse.store import reading, sealing
from meterhouse.store.recorder import Outcome, Recorder

SERIES = tuple(Series(f"osl/node-{number}", "power", HOLD) for number in range(20))
ALL = Period.from_ms(START, START + 100 * HOUR)


def batch(sequence: int) -> Batch:
    """One reading of every node, a second after the batch before."""
    n = len(SERIES)
    at = np.full(n, START + sequence * 1000, np.int64)
    columns = Columns(SERIES, np.arange(n, dtype=np.uint32), at, np.full(n, float(sequence)))
    return Batch(publisher="alice", epoch=1, sequence=sequence, sent_ms=0, samples=columns)


def new_recorder(using: str) -> Recorder:
    return Recorder(lambda _: None, clock=FixedClock(NOON), using=using)


def in_threads(using: str, *works: Callable[[], object]) -> list[object]:
    """Do several things at once, each on a connection of its own; raise what any raises."""

    def work(one: Callable[[], object]) -> object:
        try:
            return one()
        finally:
            connections[using].close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [done.result(60) for done in [pool.submit(work, one) for one in works]]


def test_of_two_recorders_of_one_batch_one_wins(shared: str) -> None:
    ready = threading.Barrier(2)

    def record_all() -> list[Outcome]:
        recorder, outcomes = new_recorder(shared), []
        for sequence in range(1, 40):
            ready.wait(20)
            outcomes.append(recorder.record(batch(sequence)))
        return outcomes

    one, other = in_threads(shared, record_all, record_all)
    assert isinstance(one, list)
    assert isinstance(other, list)
    pairs = [{*pair} for pair in zip(one, other, strict=True)]
    assert pairs == [{Outcome.RECORDED, Outcome.REPEATED}] * 39
    found = reading.read(SERIES[3], ALL, shared)
    assert found.value.tolist() == list(range(1, 40))


def test_nothing_is_missed_while_others_record_and_seal(
    shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "ROWS", 5)
    total, done = 150, threading.Event()
    recorder = new_recorder(shared)
    recorder.record(batch(1))

    def record() -> None:
        mine = new_recorder(shared)
        try:
            for sequence in range(2, total + 1):
                mine.record(batch(sequence))
        finally:
            done.set()

    def seal() -> int:
        sealed = 0
        while not done.is_set():
            sealed += sealing.seal(START, using=shared).samples
        return sealed + sealing.seal(START + 100 * HOUR, using=shared).samples

    def read() -> None:
        while not done.is_set():
            reached = recorder.positions()["alice"].sequence
            found = reading.read(SERIES[7], ALL, shared)
            assert found.value.tolist() == list(range(1, len(found) + 1))
            assert len(found) >= reached
            assert reading.latest([SERIES[7].resource], shared)[0].value >= reached

    results = in_threads(shared, record, seal, seal, read)
    assert sum(one for one in results if isinstance(one, int)) == total * len(SERIES)
    assert reading.read(SERIES[7], ALL, shared).value.tolist() == list(range(1, total + 1))


PROGRAM = """
import sys
import django
django.setup()
from meterhouse.store import sealing
from tests.store.test_crowds import START, batch, new_recorder
sealing.ROWS = 3
recorder = new_recorder("default")
reached = recorder.positions().get("alice")
sequence = reached.sequence if reached else 0
while True:
    sequence += 1
    recorder.record(batch(sequence))
    print(sequence, flush=True)
    sealing.seal(START + sequence * 1000)
"""


def test_a_recorder_that_is_killed_has_lost_and_doubled_nothing(shared: str) -> None:
    settings = connections[shared].settings_dict
    environment = {
        **os.environ,
        "METERHOUSE_DATABASE": address(settings),
        "DJANGO_SETTINGS_MODULE": "meterhouse.web.settings",
    }
    chance = random.Random(7)
    reached = 0
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(chance.randint(1, 25)):
                reached = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            said = process.stdout.read().split()
        reached = int(said[-1]) if said else reached
        position = new_recorder(shared).positions()["alice"]
        # What it said is there; it may have died between the writing and the saying.
        assert position in {Position(1, reached), Position(1, reached + 1)}
        for series in SERIES[:: len(SERIES) - 1]:
            found = reading.read(series, ALL, shared)
            assert found.value.tolist() == list(range(1, position.sequence + 1))


def address(settings: dict[str, object]) -> str:
    if "sqlite" in str(settings["ENGINE"]):
        return f"sqlite://{settings['NAME']}"
    host = str(settings["HOST"]).replace("/", "%2F")
    return f"postgresql://{settings['USER']}@{host}:{settings['PORT']}/{settings['NAME']}"
