"""Sections of BMCs, opened."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from tests.sources.ipmi.simulator import PASSWORD, USER, Bmc

from meterhouse.metering.clock import FixedClock
from meterhouse.sources import Configured, Source, configure

Opener = Callable[..., AbstractAsyncContextManager[Source]]

WORKS = {
    "kind": "ipmi",
    "user": USER,
    "password": PASSWORD,
    "workarounds": ["opensesspriv"],
    "patience_s": 0.5,
}


def section(
    bmcs: Mapping[str, Bmc],
    *,
    exceptions: Mapping[str, Mapping[str, object]] | None = None,
    **more: object,
) -> Configured:
    """BMCs by the names of their nodes; every other key goes into the section's table.

    exceptions: by node, what is otherwise with its BMC
    """
    otherwise = {
        bmc.host: {"port": bmc.port, **(exceptions or {}).get(node, {})}
        for node, bmc in bmcs.items()
    }
    table = WORKS | {
        "hosts": [bmc.host for bmc in bmcs.values()],
        "probes": list(bmcs),
        "exceptions": otherwise,
    }
    return configure("rack-1", table | more, where="-")


@pytest.fixture
def opened(clock: FixedClock) -> Opener:
    """Open such a section."""

    def opening(bmcs: Mapping[str, Bmc], **more: Any) -> AbstractAsyncContextManager[Source]:
        return section(bmcs, **more).open(clock)

    return opening
