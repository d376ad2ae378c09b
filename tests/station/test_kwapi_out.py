"""Power on Kwapi's wire: under names that plug-ins know, and signed if there is a secret."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.bus.cast import SECRET as KEY
from tests.bus.cast import power
from tests.bus.house import publisher_in, running, sockets

from meterhouse.bus.kwapi import KwapiListener
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.samples import Columns, Series
from meterhouse.station.kwapi_out import KwapiWire, Names, keep_sending, power_of

SECRET = b"Change This Or Be Hacked"
DEADLINE_S = 20.0


def names_of(names: Names, *resources: str) -> list[str]:
    series = tuple(Series(each, "power", 1000) for each in resources)
    return [each.resource for each in names.of(series)]


def test_a_probe_goes_by_its_own_name() -> None:
    assert names_of(Names(), "rack/node-1", "rack/a.b", "bare") == ["node-1", "a.b", "bare"]


def test_two_probes_of_one_name_go_by_their_whole_keys_both() -> None:
    names = Names()
    first = (Series("rack/node-1", "power", 1000), Series("rack/node-2", "power", 1000))
    assert [each.resource for each in names.of(first)] == ["node-1", "node-2"]
    assert names_of(names, "bmc/node-1") == ["bmc/node-1"]
    assert [each.resource for each in names.of(first)] == ["rack/node-1", "node-2"]


def test_names_are_worked_out_once_and_not_kept_for_ever() -> None:
    names = Names()
    series = (Series("rack/node-1", "power", 1000),)
    assert names.of(series) is names.of(series)
    for number in range(200):
        names_of(names, f"rack/{number}")
    assert len(names._made) < 100


def test_what_kwapi_does_not_know_is_left_out() -> None:
    series = tuple(Series("rack/a", meter, 1000) for meter in ("energy", "power", "voltage"))
    columns = Columns(
        series, np.arange(3, dtype=np.uint32), np.full(3, 5, np.int64), np.array([9.0, 1.0, 230.0])
    )
    assert power_of(columns, Names()).value.tolist() == [1.0, 230.0]
    assert not len(power_of(Columns(), Names()))


@pytest.mark.parametrize("secret", [SECRET, None])
async def test_what_is_published_is_heard_by_who_speaks_kwapi(
    tmp_path: Path, secret: bytes | None
) -> None:
    kwapi = KwapiWire(f"ipc://{sockets()}/kwapi", secret)
    listener = KwapiListener(
        [kwapi.address], secret=secret, hold=timedelta(seconds=10), clock=SystemClock()
    )
    async with running(publisher_in(tmp_path)) as publisher, listener:
        sending = asyncio.create_task(keep_sending(kwapi, [publisher.endpoint], KEY))
        hearing = asyncio.create_task(anext(listener))
        async with asyncio.timeout(DEADLINE_S):
            while not hearing.done():
                publisher.publish(power(212.4, 80.0))
                await asyncio.wait([hearing], timeout=0.05)
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending
    columns = hearing.result()
    assert [series.resource for series in columns.series] == ["outlet-0", "outlet-1"]
    assert set(columns.value.tolist()) == {212.4, 80.0}


def test_the_options_are_looked_at_before_anything_runs(tmp_path: Path) -> None:
    at, file = f"ipc://{sockets()}/kwapi", tmp_path / "secret"
    assert KwapiWire.wanted(None, None) is None
    assert KwapiWire.wanted(at, None) == KwapiWire(at, None)
    with pytest.raises(Mistake, match="No such file"):
        KwapiWire.wanted(at, str(file))
    file.write_text("\n")
    with pytest.raises(Mistake, match="it is empty"):
        KwapiWire.wanted(at, str(file))
    file.write_text("Change This\n")
    assert KwapiWire.wanted(at, str(file)) == KwapiWire(at, b"Change This")
    with pytest.raises(Mistake, match="is for --kwapi"):
        KwapiWire.wanted(None, str(file))
    with pytest.raises(Mistake, match="is no address"):
        KwapiWire.wanted("here", None)
