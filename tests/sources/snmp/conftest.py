"""A PDU that a real agent plays, configured as somebody would."""

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from tests import snmp_agent
from tests.sources.readings import configured

from meterhouse.metering.clock import FixedClock
from meterhouse.sources import Source

Opener = Callable[..., AbstractAsyncContextManager[Source]]


@pytest.fixture
def snmpd(tmp_path: Path) -> Iterator[snmp_agent.Agent]:
    with contextlib.ExitStack() as stack:
        try:
            running = stack.enter_context(snmp_agent.running(tmp_path))
        except snmp_agent.Missing as missing:
            give_up = pytest.fail if os.environ.get("CI") else pytest.skip
            give_up(str(missing))
        yield running


@pytest.fixture
def opened(snmpd: snmp_agent.Agent, clock: FixedClock) -> Opener:
    """Open the source "pdu-7"."""

    def open_source(**more: Any) -> AbstractAsyncContextManager[Source]:
        table = {
            "kind": "snmp",
            "host": "127.0.0.1",
            "port": snmpd.port,
            "community": snmp_agent.COMMUNITY,
            "wait_s": 0.5,
            "tries": 1,
        }
        return configured("pdu-7", **table | more).open(clock)

    return open_source
