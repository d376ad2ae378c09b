"""A real agent, opened as the source opens one."""

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from tests import snmp_agent

from meterhouse.clients.snmp.access import Access
from meterhouse.clients.snmp.agent import Agent, open_agent
from meterhouse.metering.secrets import Secret
from meterhouse.sources import Blocking

Opened = Callable[..., AbstractAsyncContextManager[Agent]]


@pytest.fixture
def snmpd(tmp_path: Path) -> Iterator[snmp_agent.Agent]:
    with contextlib.ExitStack() as stack:
        try:
            running = stack.enter_context(snmp_agent.running(tmp_path))
        except snmp_agent.Missing as missing:
            give_up = pytest.fail if os.environ.get("CI") else pytest.skip
            give_up(str(missing))
        yield running


@contextlib.asynccontextmanager
async def opened(port: int, host: str = "127.0.0.1", **more: Any) -> AsyncIterator[Agent]:
    """An agent asked once, for a second and a half, with the community of the tests."""
    known: dict[str, Any] = {"community": Secret(snmp_agent.COMMUNITY)}
    limits = {"wait_s": more.pop("wait_s", 1.5), "tries": more.pop("tries", 1)}
    async with open_agent(host, port, Access(**known | more), Blocking(), **limits) as agent:
        yield agent
