"""A source that reads a peer which answers as it is told."""

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from tests import ganeti_cluster
from tests.clients.ganeti import fake

from meterhouse.metering.clock import FixedClock
from meterhouse.sources import Source, configure

Opener = Callable[..., AbstractAsyncContextManager[Source]]


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> fake.Identity:
    return fake.identity(tmp_path_factory.mktemp("rapi") / "rapi.pem")


@pytest.fixture
async def peer(identity: fake.Identity) -> AsyncIterator[fake.Rapi]:
    async with fake.serving(fake.Rapi(), identity.context()) as serving:
        yield serving


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("alice-pw\n")
    return file


@pytest.fixture
def opened(
    peer: fake.Rapi, identity: fake.Identity, password: Path, clock: FixedClock
) -> Callable[..., AbstractAsyncContextManager[Source]]:
    """Open the source "osl" as a table in a configuration file would."""

    def open_source(**more: Any) -> AbstractAsyncContextManager[Source]:
        table = {
            "kind": "ganeti",
            "url": peer.url,
            "user": "alice",
            "password_file": str(password),
            "certificate": str(identity.file),
            "deadline_s": 5.0,
        }
        return configure("osl", table | more, where="test").open(clock)

    return open_source


@pytest.fixture(scope="module")
def cluster() -> Iterator[ganeti_cluster.Cluster]:
    """A real cluster. Where there can be none, CI fails and others pass it over."""
    with contextlib.ExitStack() as stack:
        try:
            running = stack.enter_context(ganeti_cluster.running())
        except ganeti_cluster.Missing as missing:
            give_up = pytest.fail if os.environ.get("CI") else pytest.skip
            give_up(str(missing))
        yield running
