"""The store: 1 Hz power of 1,000 probes, recorded in batches of 1,000, each made durable.

The same samples go into plain rows, VictoriaMetrics and Prometheus in the same run. Servers that
run by themselves are charged their own CPU time from the first sample until they have stopped,
and whoever sends to them his, apart from it.
"""

import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import _databases, _peers

PROBES = 1000
SECONDS = 2 * 3600 + 300  # to five minutes past midnight: hours and a day get closed
ROWS_SECONDS = 400  # plain rows are slow: so much of it tells their speed
DAY_S = 86_400
HOLD_MS = 5000
SECRET = b"bench"

Floats = NDArray[np.float64]
Figures = list[tuple[str, str]]


@dataclass
class Load:
    """What is recorded: for each second the power of every probe, and before it one probe's day.

    Levels that now and then step, with a noise of 0.5 to 2 W of each probe's own, shown in tenths
    of a watt: what wattmeters and servers show.
    """

    start_s: int
    names: list[str] = field(default_factory=lambda: [f"osl/node-{n:04}" for n in range(PROBES)])
    seconds: list[Floats] = field(default_factory=list)

    def __post_init__(self) -> None:
        random = np.random.default_rng(1)
        level, noise = random.uniform(80, 300, PROBES), random.uniform(0.5, 2, PROBES)
        for _ in range(SECONDS):
            level += (random.random(PROBES) < 0.002) * random.normal(0, 30, PROBES)
            self.seconds.append(np.round(level + random.normal(0, noise), 1))
        steps = (random.random(DAY_S) < 0.002) * random.normal(0, 30, DAY_S)
        self.day = np.round(150 + np.cumsum(steps) % 200 + random.normal(0, 1, DAY_S), 1)

    @property
    def samples(self) -> int:
        return PROBES * len(self.seconds)

    @property
    def day_start_s(self) -> int:
        return self.start_s - DAY_S


def run() -> Figures:
    midnight = (int(time.time()) - 600) // DAY_S * DAY_S
    load = Load(midnight - 2 * 3600)
    with _databases.sqlite() as (alias, path):
        ours = meterhouse(load, alias, "SQLite", lambda: 0.0)
        ours.figures += on_sqlite(path, load)
    figures = [*ours.figures, *on_postgresql(load), *plain_rows(load)]
    for name in _peers.PROGRAMS:
        figures += peer(load, name, ours)
    return figures


def cpu_s() -> float:
    """Seconds of CPU, user and system, of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def rate(samples: int, seconds: float) -> str:
    return f"{samples / seconds / 1e6:.2f} M samples/CPU-s"


@dataclass
class Ours:
    rate: float
    figures: Figures


def meterhouse(load: Load, alias: str, name: str, server_s: Callable[[], float]) -> Ours:
    """Record everything, sealing every minute as the keeper does, then ask."""
    from meterhouse.bus import envelope  # noqa: PLC0415 - after Django is set up
    from meterhouse.store import sealing  # noqa: PLC0415
    from meterhouse.store.recorder import Recorder  # noqa: PLC0415

    recorder = Recorder(lambda _: None, using=alias)
    record_day(recorder, load, alias)
    before_s = server_s()
    messages, send_s = timed(lambda: [envelope.seal(one, SECRET) for one in batches(load)])
    received, take_s = timed(lambda: [envelope.unseal(one, SECRET) for one in messages])
    record_s = seal_s = 0.0
    for number, batch in enumerate(received):
        record_s += timed(partial(recorder.record, batch))[1]
        if number % 60 == 59:
            now_ms = (load.start_s + number) * 1000
            seal_s += timed(partial(sealing.seal, now_ms, using=alias))[1]
    seal_s += timed(partial(sealing.seal, (load.start_s + SECONDS) * 1000, using=alias))[1]
    total_s = record_s + seal_s + server_s() - before_s
    n = load.samples
    database = f", with PostgreSQL's own {rate(n, server_s() - before_s)}" if server_s() else ""
    return Ours(
        n / total_s,
        [
            (f"{name}: recorder and sealing together", rate(n, total_s)),
            (
                f"{name}: of these, recorder; sealing",
                f"{rate(n, record_s)}; {rate(n, seal_s)}{database}",
            ),
            (
                f"{name}: publisher signs and packs; recorder's side checks, unpacks",
                f"{rate(n, send_s)}; {rate(n, take_s)}",
            ),
            *queries(load, alias, name),
        ],
    )


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = cpu_s()
    result = work()
    return result, cpu_s() - began


def batches(load: Load) -> Iterator[Any]:
    from meterhouse.metering.batches import Batch  # noqa: PLC0415
    from meterhouse.metering.samples import Columns, Series  # noqa: PLC0415

    series = tuple(Series(name, "power", HOLD_MS) for name in load.names)
    key = np.arange(PROBES, dtype=np.uint32)
    for number, values in enumerate(load.seconds):
        at = np.full(PROBES, (load.start_s + number) * 1000, np.int64)
        yield Batch(
            publisher="bench",
            epoch=1,
            sequence=number + 1,
            sent_ms=int(at[0]),
            samples=Columns(series, key, at, values),
        )


def record_day(recorder: Any, load: Load, alias: str) -> None:
    """A day of one probe before everything else, for the queries."""
    from meterhouse.metering.batches import Batch  # noqa: PLC0415
    from meterhouse.metering.samples import Columns, Series  # noqa: PLC0415
    from meterhouse.store import sealing  # noqa: PLC0415

    series = (Series("osl/day", "power", HOLD_MS),)
    at = (load.day_start_s + np.arange(DAY_S, dtype=np.int64)) * 1000
    for hour, first in enumerate(range(0, DAY_S, 3600)):
        part = slice(first, first + 3600)
        columns = Columns(series, np.zeros(3600, np.uint32), at[part], load.day[part])
        recorder.record(
            Batch(publisher="day", epoch=1, sequence=hour + 1, sent_ms=0, samples=columns)
        )
    sealing.seal(load.start_s * 1000 + 600_000, using=alias)


def queries(load: Load, alias: str, name: str) -> Figures:
    from meterhouse.metering.periods import Period  # noqa: PLC0415
    from meterhouse.metering.samples import Series  # noqa: PLC0415
    from meterhouse.store import reading  # noqa: PLC0415

    day = Period.from_ms(load.day_start_s * 1000, load.start_s * 1000)
    odd = Period.from_ms(day.start_ms + 12_345, day.end_ms)
    end_ms = (load.start_s + SECONDS) * 1000
    live = Period.from_ms(end_ms - 3_600_000, end_ms)
    five, series = timedelta(minutes=5), Series("osl/day", "power", HOLD_MS)
    probe = Series(load.names[7], "power", HOLD_MS)
    spans = [(one, load.start_s * 1000 + 1234, end_ms - 1_800_000) for one in load.names]
    found = reading.buckets(series, day, five, alias)
    assert len(found) == 288
    assert np.allclose(found.mean, load.day.reshape(288, 300).mean(axis=1))
    return [
        (
            f"{name}: 5-minute averages of a day at 1 Hz; of a day that begins at an odd second",
            ms(lambda: reading.buckets(series, day, five, alias))
            + "; "
            + ms(lambda: reading.buckets(series, odd, five, alias)),
        ),
        (
            f"{name}: 10-second averages of the same day, from every reading",
            ms(lambda: reading.buckets(series, day, timedelta(seconds=10), alias)),
        ),
        (
            f"{name}: 5-minute averages of the last hour, its end still in the head",
            ms(lambda: reading.buckets(probe, live, five, alias)),
        ),
        (f"{name}: latest reading of 1,001 series", ms(lambda: reading.latest(None, alias))),
        (
            f"{name}: energy of 1,000 probes over a span that begins and ends inside a minute",
            ms(lambda: reading.integrals(spans, "power", alias), times=5),
        ),
    ]


def ms(work: Callable[[], Any], times: int = 30) -> str:
    """The median of some repetitions, after one that warms up."""
    work()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return f"{statistics.median(took) * 1000:.2f} ms"


def on_sqlite(path: Path, load: Load) -> Figures:
    """Bytes at rest, once what waits in the head is sealed as well."""
    from meterhouse.store import codec, sealing  # noqa: PLC0415

    sealing.seal((load.start_s + SECONDS + 7200) * 1000, using="bench")
    n = load.samples + DAY_S
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (used,) = database.execute(
            "SELECT SUM(pgsize) FROM dbstat WHERE name LIKE '%store%'"
        ).fetchone()
    database.close()
    at = (load.start_s + np.arange(7200)) * 1000 + np.random.default_rng(2).integers(0, 10, 7200)
    jittered = len(next(codec.encode_ints(at, [0, len(at)]))) / len(at)
    return [
        ("Moments that jitter by 10 ms instead of none", f"{jittered:.2f} bytes/sample more"),
        (
            "SQLite: at rest, with minutes, hours and indexes; the whole file, with free pages",
            f"{used / n:.2f} bytes/sample; {path.stat().st_size / n:.2f}",
        ),
    ]


def on_postgresql(load: Load) -> Figures:
    try:
        from tests.postgres import cluster, programs  # noqa: PLC0415

        programs()
    except Exception as missing:  # noqa: BLE001 - pytest's own error for what is not installed
        return [("PostgreSQL", str(missing))]
    from django.db import connections  # noqa: PLC0415

    with cluster() as address, _databases.database("bench_postgresql", address) as alias:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            postmaster = _parent(cursor.fetchone()[0])
        figures = meterhouse(load, alias, "PostgreSQL", lambda: _family_cpu_s(postmaster)).figures
        with connections[alias].cursor() as cursor:
            cursor.execute("VACUUM FULL store_block")
            cursor.execute("SELECT pg_total_relation_size('store_block')")
            size = cursor.fetchone()[0] / (load.samples + DAY_S)
        return [*figures, ("PostgreSQL: at rest, packed", f"{size:.2f} bytes/sample")]


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _family_cpu_s(pid: int) -> float:
    """CPU of a process, of its children, and of those it has outlived."""
    pids = [int(one.name) for one in Path("/proc").glob("[0-9]*")]
    mine = [pid, *(one for one in pids if _is_child(one, pid))]
    return sum(_peers.cpu_s(one) for one in mine) + _peers.cpu_s(pid, outlived=True)


def _is_child(pid: int, of: int) -> bool:
    try:
        return _parent(pid) == of
    except OSError:
        return False


def plain_rows(load: Load) -> Figures:
    """One row a sample, with the index that a query needs; the best SQLite itself can do."""
    seconds = load.seconds[:ROWS_SECONDS]
    n = PROBES * len(seconds)
    with _temporary() as folder:
        database = sqlite3.connect(folder / "rows.db", isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute(
            "CREATE TABLE sample (series INTEGER, at INTEGER, value REAL,"
            " PRIMARY KEY (series, at)) WITHOUT ROWID"
        )
        began = cpu_s()
        for number, values in enumerate(seconds):
            at = (load.start_s + number) * 1000
            database.execute("BEGIN IMMEDIATE")
            database.executemany(
                "INSERT INTO sample VALUES (?, ?, ?)",
                [(one, at, value) for one, value in enumerate(values.tolist())],
            )
            database.execute("COMMIT")
        used = cpu_s() - began
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        size = (folder / "rows.db").stat().st_size
    return [("Plain rows in SQLite", f"{rate(n, used)}, {size / n:.1f} bytes/sample")]


@contextmanager
def _temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mh-bench-") as folder:
        yield Path(folder)


def peer(load: Load, name: str, ours: Ours) -> Figures:
    if not _peers.is_installed(name):
        return [(name, f"not measured: apt-get install {_peers.PROGRAMS[name]}")]
    n = load.samples
    with _peers.running(name) as server:
        for message in day_messages(load):
            server.write([message])
        server.ready_cpu_s = _peers.cpu_s(server.process.pid)
        encoder = _peers.Encoder(load.names)
        messages, pack_s = timed(
            lambda: [
                encoder.encode((load.start_s + number) * 1000, values)
                for number, values in enumerate(load.seconds)
            ]
        )
        _, send_s = timed(lambda: server.write(messages))
        averages = _peers.averages(server, "osl/day", load.day_start_s, load.start_s)
        assert len(averages) == 288, f"{name} has {len(averages)} of a day's 288 averages"
        asked = ms(lambda: _peers.averages(server, "osl/day", load.day_start_s, load.start_s))
        server.stop()
    theirs = n / server.cpu_s
    return [
        (f"{name}: server, from first sample to stopped", rate(n, server.cpu_s)),
        (f"{name}: client packs; sends", f"{rate(n, pack_s)}; {rate(n, send_s)}"),
        (
            f"{name}: on disk once stopped{_peers.REMARKS.get(name, '')}",
            f"{server.disk / (n + DAY_S):.2f} bytes/sample",
        ),
        (f"{name}: 5-minute averages of a day at 1 Hz, over HTTP", asked),
        (f"Meterhouse on SQLite against {name}'s server", f"{ours.rate / theirs:.2f} times"),
    ]


def day_messages(load: Load) -> Sequence[bytes]:
    at = ((load.day_start_s + np.arange(DAY_S)) * 1000).tolist()
    values = load.day.tolist()
    return [
        _peers.history("osl/day", at[first : first + 3600], values[first : first + 3600])
        for first in range(0, DAY_S, 3600)
    ]


def main() -> None:
    for what, figure in run():
        print(f"{what}: {figure}")


if __name__ == "__main__":
    main()
