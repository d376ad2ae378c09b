"""Live: from reading to event stream, and Kwapi's API, with 2,500 probes at 1 Hz."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench import _databases
from bench.house import cpu_s, free_port, memory

PROBES = 2_500
WATCH_S = 20
ASK_S = 4
CONNECTIONS = 4
HOLD_MS = 3_000
ESTATE = f'[[sources]]\nname = "rack"\nkind = "dummy"\ninterval = 1\nprobes = {PROBES}\n'


def run() -> list[tuple[str, str]]:
    return [*end_to_end(), *requests()]


def end_to_end() -> list[tuple[str, str]]:
    """A whole house with dummy wattmeters; every reading's age when its event has been read."""
    with house() as (process, port, token):
        time.sleep(5)
        before = cpu_s(process.pid)
        ages, share = asyncio.run(watched(port, token))
        used = (cpu_s(process.pid) - before) / WATCH_S
        size = memory(process.pid)
    p50, p99 = np.percentile(ages, (50, 99))
    return [
        (f"reading to event stream, {PROBES} probes at 1 Hz, p50", f"{p50:.0f} ms"),
        ("the same, p99 (budget 1 s)", f"{p99:.0f} ms"),
        ("readings told, of those taken meanwhile", f"{share:.1%}"),
        ("the whole house meanwhile, share of one core", f"{used:.1%}"),
        ("and memory, proportional set size", f"{size / 1e6:.0f} MB"),
    ]


async def watched(port: int, token: str) -> tuple[list[float], float]:
    """The age of each round's readings when it was read, and how many of all there were."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    head = f"GET /live/power/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Auth-Token: {token}\r\n\r\n"
    writer.write(head.encode())
    ages: list[float] = []
    moments: list[int] = []
    told, until = 0, time.monotonic() + WATCH_S
    while time.monotonic() < until:
        line = await reader.readline()
        if line.startswith(b'data: {"at"'):
            event = json.loads(line[6:])
            ages.append(time.time() * 1000 - event["at"])
            moments.append(event["at"])
            told += len(event["w"])
    writer.close()
    seconds = round((moments[-1] - moments[0]) / 1000) + 1
    return ages, told / (PROBES * seconds)


@contextmanager
def house() -> Iterator[tuple["subprocess.Popen[bytes]", int, str]]:
    meterhouse = (sys.executable, "-m", "meterhouse.cli")
    with tempfile.TemporaryDirectory(prefix="mh-bench-") as data:
        (Path(data) / "estate.toml").write_text(ESTATE)
        environment = os.environ | {"METERHOUSE_DATA": data}
        for words in (["migrate"], ["apply", f"{data}/estate.toml"]):
            subprocess.run(
                [*meterhouse, *words], env=environment, check=True, stdout=subprocess.DEVNULL
            )
        issuing = [sys.executable, "-m", "bench.live"]
        issued = subprocess.run(issuing, env=environment, check=True, capture_output=True)
        port = free_port()
        with subprocess.Popen(
            [*meterhouse, "up", "--port", str(port)], env=environment, stdout=subprocess.DEVNULL
        ) as process:
            try:
                yield process, port, issued.stdout.decode().strip()
            finally:
                process.terminate()
                process.wait(30)


def issue() -> str:
    """A token of the login root in the house that METERHOUSE_DATA names."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "meterhouse.web.settings"
    import django  # noqa: PLC0415

    django.setup()
    from django.contrib.auth.models import User  # noqa: PLC0415

    from meterhouse.web import tokens  # noqa: PLC0415

    root, _ = User.objects.get_or_create(username="root", is_superuser=True, is_staff=True)
    return tokens.issue(root, "bench", expires=None, now=datetime.now(UTC))


def requests() -> list[tuple[str, str]]:
    """The same answer three ways from one server, each asked by a process of its own."""
    _databases.set_up()
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    token = issue()
    rates = asyncio.run(served(token))
    ours, pages, kwapi = (rates[name] for name in ("/v1/probes/", "/pages/probes/", "/kwapi/"))
    return [
        (f"GET /v1/probes/, {PROBES} probes", f"{ours:,.0f} requests/s"),
        ("against the same answer by the pages' stack (Django)", f"{ours / pages:.0f} times"),
        (
            "against Kwapi's way (encoded under a lock for each request)",
            f"{ours / kwapi:.0f} times",
        ),
    ]


async def served(token: str) -> dict[str, float]:
    from meterhouse.live.answers import Answers  # noqa: PLC0415
    from meterhouse.live.board import Board  # noqa: PLC0415
    from meterhouse.live.probes import Probes, named  # noqa: PLC0415
    from meterhouse.metering.clock import SystemClock  # noqa: PLC0415
    from meterhouse.web.asgi import Front  # noqa: PLC0415
    from meterhouse.web.kwapi import Kwapi  # noqa: PLC0415
    from meterhouse.web.readers import Readers  # noqa: PLC0415
    from meterhouse.web.replies import send_body  # noqa: PLC0415
    from meterhouse.web.services.server import serve  # noqa: PLC0415

    clock = SystemClock()
    board = Board(clock)
    answers = Answers(board, clock, 300_000)
    feeding = asyncio.create_task(feed(board, clock))
    await asyncio.sleep(1.5)
    answers.name(Probes(named(board.resources, {})))
    lock = threading.Lock()

    async def as_kwapi(scope: Any, receive: Any, send: Any) -> None:
        """As Flask's view did, without Flask: the collector's dictionary, encoded each time."""
        with lock:
            body = json.dumps(answers.by_id(answers.slots(None)))
        await send_body(send, 200, body.encode())

    readers = Readers(clock)
    rooms: dict[str, Any] = {"v1": Kwapi(answers, readers), "kwapi": as_kwapi}
    front = Front(pages_of(answers), rooms)
    port, listening = free_port(), asyncio.Event()
    serving = asyncio.create_task(serve(front, "127.0.0.1", port, listening.set))
    await listening.wait()
    try:
        paths = ("/v1/probes/", "/pages/probes/", "/kwapi/")
        return {path: await asked(port, path, token) for path in paths}
    finally:
        feeding.cancel()
        serving.cancel()
        await asyncio.gather(feeding, serving, return_exceptions=True)


async def feed(board: Any, clock: Any) -> None:
    """A batch of all probes every second."""
    from meterhouse.metering.batches import Batch  # noqa: PLC0415
    from meterhouse.metering.samples import Columns, Series  # noqa: PLC0415

    series = tuple(Series(f"rack/probe-{n:04}", "power", HOLD_MS) for n in range(PROBES))
    key, chance = np.arange(PROBES, dtype=np.uint32), np.random.default_rng(5)
    sequence = 0
    while True:
        sequence, now = sequence + 1, clock.now_ms()
        at = np.full(PROBES, now, np.int64)
        watts = chance.integers(75, 100, PROBES).astype(np.float64)
        board.hear(
            Batch(
                publisher="bench",
                epoch=1,
                sequence=sequence,
                sent_ms=now,
                samples=Columns(series, key, at, watts),
            )
        )
        await asyncio.sleep(1)


def pages_of(answers: Any) -> Any:
    """Django with all its middleware, and one more address that gives the same answer."""
    from django.conf import settings  # noqa: PLC0415
    from django.contrib.auth.decorators import login_not_required  # noqa: PLC0415
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415
    from django.http import HttpRequest, HttpResponse, JsonResponse  # noqa: PLC0415
    from django.urls import path  # noqa: PLC0415

    from meterhouse.metering.clock import SystemClock  # noqa: PLC0415
    from meterhouse.web import tokens  # noqa: PLC0415

    @login_not_required
    def probes(request: HttpRequest) -> HttpResponse:
        if tokens.login_of(request.headers["X-Auth-Token"], now=SystemClock().now()) is None:
            return HttpResponse(status=401)
        return JsonResponse(answers.by_id(answers.slots(None)))

    addresses: Any = type(sys)("bench_addresses")
    addresses.urlpatterns = [path("pages/probes/", probes)]
    sys.modules["bench_addresses"] = addresses
    settings.ROOT_URLCONF = "bench_addresses"
    return get_wsgi_application()


async def asked(port: int, path: str, token: str) -> float:
    """Requests answered in each second."""
    words = (str(port), path, token, str(ASK_S), str(CONNECTIONS))
    asking = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench._requests", *words, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asking.communicate()
    assert asking.returncode == 0
    return float(said)


if __name__ == "__main__":
    print(issue())
