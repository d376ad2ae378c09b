"""Pages of power: CPU to answer one, with data that nobody has looked at and with what is kept.

They are asked for over a database in a process of its own, by Django's client: the pages' whole
stack without a server.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

PROBES, HOURS = 40, 24
OUTLETS = 2_000
TIMES = 15
HOLD_MS = 3_000
AT_ONCE = 600  # seconds of readings in a batch
DAY = HOURS * 3600 // AT_ONCE + 1  # the first batch after those of a day

Rows = list[tuple[str, str]]


def run() -> Rows:
    with tempfile.TemporaryDirectory(prefix="mh-bench-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "bench.pages"],
            env=os.environ | {"METERHOUSE_DATA": folder},
            check=True,
            capture_output=True,
        )
    return [(what, figure) for what, figure in json.loads(done.stdout)]


def measured() -> Rows:
    client = set_up()
    day = f"{PROBES} probes over {HOURS} h at 1 Hz"
    read_a_day()
    rows = [
        (f"/last/day/, {day}, fresh (budget 50 ms)", asked(client, "/last/day/", fresh=True)),
        ("the same, as somebody saw it a moment ago", asked(client, "/last/day/")),
        ("its points alone, fresh", asked(client, "/last/day/data/", fresh=True)),
    ]
    wire()
    twice = f"{OUTLETS:,} outlets of {OUTLETS:,} metered nodes"
    return [
        *rows,
        (f"the overview's poll, {twice}", asked(client, "/now/")),
        ("of it, to know which of the meters measure twice", overlaps()),
        (f"/last/hour/data/, {twice}, kept", asked(client, "/last/hour/data/")),
    ]


def set_up() -> Any:
    """A house with a login, who asks."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "meterhouse.web.settings"
    import django  # noqa: PLC0415

    django.setup()
    from django.conf import settings  # noqa: PLC0415
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(User.objects.create_superuser("bench"))
    return client


def read_a_day() -> None:
    """Every probe is read each second until now, and what can be sealed is."""
    from meterhouse.store import sealing  # noqa: PLC0415

    now_ms, chance = time.time_ns() // 1_000_000, np.random.default_rng(3)
    names, level = [f"rack/{n}" for n in range(PROBES)], chance.uniform(60, 420, PROBES)
    for number, ago in enumerate(range(HOURS * 3600, 0, -AT_ONCE), 1):
        at = now_ms - 1000 * np.arange(ago, ago - AT_ONCE, -1)
        record(number, names, at, np.round(level + chance.normal(0, 2, (AT_ONCE, PROBES)), 1))
    sealing.seal(now_ms)


def wire() -> None:
    """Nodes that meter themselves, each behind an outlet that is metered as well."""
    from meterhouse.inventory.keep import keep  # noqa: PLC0415
    from meterhouse.metering.snapshots import Resource, Snapshot  # noqa: PLC0415

    now_ms, numbers = time.time_ns() // 1_000_000, range(OUTLETS)
    nodes = [Resource(id=f"cloud/n{n}", kind="node", name=f"n{n}") for n in numbers]
    outlets = [
        Resource(id=f"pdu/{n}", kind="outlet", name=f"o{n}", details={"feeds": f"n{n}"})
        for n in numbers
    ]
    for source, kind, listed in (("cloud", "node", nodes), ("pdu", "outlet", outlets)):
        objects = tuple(listed)
        keep([Snapshot(source=source, kind=kind, at_ms=now_ms, complete=True, objects=objects)])
    names = [each.id for each in (*nodes, *outlets)]
    for number in range(60):
        at = np.array([now_ms - 1000 * (60 - number)])
        record(DAY + number, names, at, np.full((1, len(names)), 100.0))


def record(number: int, names: Sequence[str], at: Any, watts: Any) -> None:
    """One batch: a row of watts for each moment."""
    from meterhouse.metering.batches import Batch  # noqa: PLC0415
    from meterhouse.metering.clock import FixedClock  # noqa: PLC0415
    from meterhouse.metering.periods import from_ms  # noqa: PLC0415
    from meterhouse.metering.samples import Columns, Series  # noqa: PLC0415
    from meterhouse.store.recorder import Recorder  # noqa: PLC0415

    columns = Columns(
        tuple(Series(name, "power", HOLD_MS) for name in names),
        np.tile(np.arange(len(names), dtype=np.uint32), len(at)),
        np.repeat(at.astype(np.int64), len(names)),
        watts.ravel(),
    )
    end_ms = int(at[-1]) + 1
    batch = Batch(publisher="bench", epoch=1, sequence=number, sent_ms=end_ms, samples=columns)
    Recorder(lambda snapshots: None, clock=FixedClock(from_ms(end_ms))).record(batch)


def asked(client: Any, path: str, *, fresh: bool = False) -> str:
    from meterhouse.live import looks  # noqa: PLC0415

    def ask() -> None:
        if fresh:
            looks.forget()
        assert client.get(path).status_code == 200

    return f"{cpu_ms(ask):.1f} ms"


def overlaps() -> str:
    from meterhouse.metering.clock import SystemClock  # noqa: PLC0415
    from meterhouse.store import reading  # noqa: PLC0415
    from meterhouse.usage.overlaps import measured_twice  # noqa: PLC0415

    metered = frozenset(reading.resources("power"))
    return f"{cpu_ms(lambda: measured_twice(metered, SystemClock().now())):.2f} ms"


def cpu_ms(work: Callable[[], object]) -> float:
    """The median, after one time that nobody counts."""
    work()
    spent = []
    for _ in range(TIMES):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return statistics.median(spent) * 1000


if __name__ == "__main__":
    print(json.dumps(measured()))
