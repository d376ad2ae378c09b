"""A PostgreSQL of the tests' own, on a Unix socket in a new folder; stopped when they end.

Loaded as a plug-in (``-p tests.postgres``): ``pytest --database postgresql`` runs every test that
touches the database on it. Needs the server's programs (Debian: postgresql), no running server.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

VARIABLE = "METERHOUSE_DATABASE"


def programs() -> Path:
    """The folder with initdb and postgres."""
    found = shutil.which("initdb")
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in [*candidates, *([Path(found).resolve().parent] if found else [])]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise pytest.UsageError("PostgreSQL's server is missing: apt-get install postgresql")


@contextmanager
def cluster() -> Iterator[str]:
    """Start a new cluster and give its address: postgresql://…/meterhouse."""
    folder = Path(tempfile.mkdtemp(prefix="mh-pg-"))
    account = "postgres" if os.geteuid() == 0 else None
    if account:
        shutil.chown(folder, account)
    data = folder / "data"
    subprocess.run(
        [programs() / "initdb", "-D", data, "-U", "meterhouse", "-A", "trust", "-E", "UTF8"],
        check=True,
        user=account,
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs() / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses="],
            user=account,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        ready: list[str | Path] = [programs() / "pg_isready", "-q", "-h", folder, "-t", "20"]
        for _ in range(200):
            if subprocess.run(ready, check=False).returncode == 0:
                break
            server.wait(0.1) if server.poll() is not None else _pause(server)
        yield f"postgresql://meterhouse@{quote(str(folder), safe='')}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # a fast shutdown: it does not wait for clients
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _pause(server: "subprocess.Popen[bytes]") -> None:
    try:
        server.wait(0.1)
    except subprocess.TimeoutExpired:
        return
    raise RuntimeError("PostgreSQL ended while it started")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite")


_running: list[object] = []


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    chosen = early_config.known_args_namespace.database
    if chosen == "postgresql" and VARIABLE not in os.environ:
        running = cluster()
        os.environ[VARIABLE] = running.__enter__()
        _running.append(running)


def pytest_unconfigure() -> None:
    for running in _running:
        running.__exit__(None, None, None)  # type: ignore[attr-defined]
    _running.clear()
