"""``meterhouse up`` as a newcomer meets it: one command, a page, Ctrl-C, and again."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from tests.patience import eventually

PATIENCE_S = 40
METERHOUSE = (sys.executable, "-m", "meterhouse.cli")


@dataclass
class Running:
    process: "subprocess.Popen[str]"
    url: str
    said: list[str]  # before the line that says where it is

    def get(self, path: str) -> tuple[int, str]:
        answer = httpx.get(self.url + path, timeout=10)
        return answer.status_code, answer.text

    def stop(self) -> str:
        self.process.send_signal(signal.SIGINT)
        assert self.process.stdout is not None
        rest = self.process.stdout.read()  # not communicate(), which skips what was read ahead
        self.process.wait(20)
        return rest


def environment(data: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key != "METERHOUSE_DATABASE"}
    return kept | {"METERHOUSE_DATA": str(data)}


@contextmanager
def up(data: Path, *words: str, command: str = "up") -> Iterator[Running]:
    with subprocess.Popen(
        [*METERHOUSE, command, "--port", "0", *words],
        env=environment(data),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield started(process)
        finally:
            process.kill()


def started(process: "subprocess.Popen[str]") -> Running:
    """Read what it prints until it says where it is, and the password if there is one."""
    assert process.stdout is not None
    said: list[str] = []
    while line := process.stdout.readline():
        said.append(line)
        found = re.fullmatch(r"Meterhouse is at (http://\S+)/\n", line)
        if found:
            return Running(process, found[1], said)
    raise AssertionError("".join(said))


def report(data: Path) -> dict[str, object]:
    answer = subprocess.run(
        [*METERHOUSE, "report", "--by", "resource", "--format", "json"],
        env=environment(data),
        capture_output=True,
        check=True,
    )
    return json.loads(answer.stdout)  # type: ignore[no-any-return]


def test_a_newcomer_sees_this_machine_metered_and_starts_again_where_it_stopped(
    tmp_path: Path,
) -> None:
    with up(tmp_path) as house:
        status, body = house.get("/healthz")
        assert status == 200
        assert json.loads(body)["status"] == "ok"
        assert "password" in house.get("/login/")[1].lower()
        eventually(lambda: report(tmp_path)["rows"])
        rest = house.stop()
        assert "Log in as admin with the password" in rest
        assert "goes on from here" in rest
        assert house.process.returncode == 0
    with up(tmp_path) as house:
        assert house.get("/healthz")[0] == 200
        assert "password" not in house.stop()
    assert report(tmp_path)["rows"]


def test_a_second_house_on_the_same_data_is_refused_in_one_line(tmp_path: Path) -> None:
    with up(tmp_path) as house:
        second = subprocess.run(
            [*METERHOUSE, "up", "--port", "0"],
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert second.returncode == 2
        assert second.stderr.count("\n") == 1
        assert "journal" in second.stderr
        house.stop()


def test_a_port_that_is_taken_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    with up(tmp_path) as house:
        port = house.url.rpartition(":")[2]
        other = subprocess.run(
            [*METERHOUSE, "up", "--port", port],
            env=environment(tmp_path / "other"),
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert other.returncode == 2
        assert "--port" in other.stderr
        house.stop()


def test_senders_that_dawdle_do_not_keep_others_from_the_pages(tmp_path: Path) -> None:
    with up(tmp_path) as house, ExitStack() as open_ones:
        cookie = httpx.get(house.url + "/login/").cookies["csrftoken"]
        head = (
            f"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: csrftoken={cookie}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\na="
        )
        port = int(house.url.rpartition(":")[2])
        for _ in range(24):
            sender = open_ones.enter_context(socket.create_connection(("127.0.0.1", port)))
            sender.sendall(head.encode())
        assert house.get("/login/")[0] == 200
        house.stop()


def test_every_secret_it_makes_is_its_owners_only(tmp_path: Path) -> None:
    with up(tmp_path) as house:
        house.stop()
    for path in tmp_path.glob("*.key"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_collecting_once_beside_a_running_house_records_too(tmp_path: Path) -> None:
    with up(tmp_path) as house:
        once = subprocess.run(
            [*METERHOUSE, "collect", "--once", "--source", "host"],
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
        assert once.returncode == 0, once.stderr
        assert once.stdout.startswith("host: good in ")
        house.stop()


def test_the_demo_has_something_true_on_every_axis_within_a_minute(tmp_path: Path) -> None:
    with up(tmp_path, command="demo") as house:
        assert "simulated" in "".join(house.said)
        said: list[str] = []

        def done() -> bool:
            said.append(line_of(house))
            return "in as camila" in said[-1]  # the last it says when its past is there

        eventually(done, "the end of the demo's past", seconds=120, every_s=0)
        assert totals_on_every_axis(tmp_path) == 1
        house.stop()
        words = "".join(said)
        assert [n for n in ("harbor", "genomics", "camila") if f"in as {n}" not in words] == []


def line_of(house: Running) -> str:
    assert house.process.stdout is not None
    return house.process.stdout.readline()


ENERGY_OF_THE_DEMO = (
    *("millijoules", "estimated_mj", "cpu_mj", "idle_mj", "overhead_mj"),
    *("measured_ms", "unmeasured_ms", "micrograms"),
)


def totals_on_every_axis(data: Path) -> int:
    """How many different totals four reports of the same twenty days give."""
    today = datetime.now(UTC).date()  # noqa: TID251 - the house that runs asks the machine as well
    period = ["--from", f"{today - timedelta(days=20)}", "--to", f"{today}"]
    totals = set()
    for axis in ("institution", "project", "user", "resource"):
        answer = subprocess.run(
            [*METERHOUSE, "report", "--by", axis, *period, "--format", "json"],
            env=environment(data),
            capture_output=True,
            check=True,
        )
        exact = json.loads(answer.stdout)["total"]["exact"]
        assert exact["vcpu_seconds"] > 0
        assert all(exact[part] > 0 for part in ENERGY_OF_THE_DEMO)
        assert exact["costs"]["EUR"] > 0
        totals.add(json.dumps(exact, sort_keys=True))
    return len(totals)
