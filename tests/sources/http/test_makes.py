"""What makes of meters say, in whole and in part: nothing of it is missed in silence."""

import json
from itertools import combinations
from typing import Any

import pytest
from tests.sources.http.conftest import Web
from tests.sources.readings import configured, figures, run

from meterhouse.metering.clock import FixedClock
from meterhouse.sources import Reading
from meterhouse.sources.runner import Outcome, Run

WH, KWH = 3600.0, 3_600_000.0
SWITCH = {"id": 0, "apower": 12.5, "aenergy": {"total": 2.5}, "voltage": 230.1, "current": 0.06}


def tasmota(web: Web, **energy: object) -> None:
    web.put("cm-Status%2010.json", json.dumps({"StatusSNS": {"ENERGY": energy}}))


async def read(web: Web, clock: FixedClock, **table: Any) -> Reading:
    async with configured("lab", kind="http", **{"urls": [web.url]} | table).open(clock) as source:
        return await source.read()


async def once(web: Web, clock: FixedClock, **table: Any) -> Run:
    return await run(configured("lab", kind="http", **{"urls": [web.url]} | table), clock)


async def test_several_phases_of_a_tasmota_are_one_outlet(web: Web, clock: FixedClock) -> None:
    tasmota(web, Power=[10, 20, 30.5], Total=1.5, Voltage=[230, 231, 229], Current=[0.1, 0.2, 0.3])
    reading = await read(web, clock, model="tasmota", probes=["a"])
    assert figures(reading, "power") == {"lab/a": 60.5}
    assert figures(reading, "energy") == {"lab/a": 1.5 * KWH}
    assert figures(reading, "voltage") == {"lab/a": 230}
    assert figures(reading, "current") == {"lab/a": pytest.approx(0.6)}
    assert not reading.lacking


async def test_several_phases_of_a_tasmota_may_be_outlets(web: Web, clock: FixedClock) -> None:
    tasmota(web, Power=[10, 20], Total=1.5, Voltage=230, Current=[0.1, 0.2])
    reading = await read(web, clock, model="tasmota", channels=["0", "1"], probes=["a", "b"])
    assert figures(reading, "power") == {"lab/a": 10, "lab/b": 20}
    assert figures(reading, "energy") == {}, "one total is not twice that of each"
    assert reading.lacking == (
        "no energy at StatusSNS.ENERGY.Total.0: a",
        "no energy at StatusSNS.ENERGY.Total.1: b",
    )


@pytest.mark.parametrize("power", [[], [1, None], [1, "x"], {"a": 1}])
async def test_phases_that_are_no_numbers_are_no_power(
    web: Web, clock: FixedClock, power: object
) -> None:
    tasmota(web, Power=power, Total=1, Voltage=230, Current=1)
    done = await once(web, clock, model="tasmota", probes=["a"])
    assert done.outcome is Outcome.PARTIAL
    assert done.error == "no power at StatusSNS.ENERGY.Power: a"


async def test_a_shelly_pm_mini_is_asked_for_its_pm1(web: Web, clock: FixedClock) -> None:
    web.put("pm1-0.json", json.dumps(SWITCH))
    reading = await read(web, clock, model="shelly-pm1", probes=["a"])
    assert figures(reading, "power") == {"lab/a": 12.5}
    assert figures(reading, "energy") == {"lab/a": 2.5 * WH}


async def test_a_shelly_em_counts_watt_hours_and_is_not_believed_where_it_says_so(
    web: Web, clock: FixedClock
) -> None:
    good = {"power": 100.5, "is_valid": True, "total": 7.5, "voltage": 230.0}
    web.put("status.json", json.dumps({"emeters": [good, {**good, "is_valid": False}]}))
    table: dict[str, Any] = {
        "model": "shelly-em",
        "channels": ["0", "1"],
        "probes": ["a", "b"],
    }
    reading = await read(web, clock, **table)
    assert figures(reading, "power") == {"lab/a": 100.5}
    assert figures(reading, "energy") == {"lab/a": 7.5 * WH}
    assert reading.refused == {"it says that it is not valid": 1}
    done = await once(web, clock, **table)
    assert done.outcome is Outcome.PARTIAL
    assert "no power at emeters.1.power: b" in done.error


async def test_what_a_first_generation_shelly_calls_invalid_is_not_believed(
    web: Web, clock: FixedClock
) -> None:
    web.put("status.json", json.dumps({"meters": [{"power": 0, "total": 0, "is_valid": False}]}))
    done = await once(web, clock, model="shelly-gen1", probes=["a"])
    assert (done.outcome, done.samples) == (Outcome.BAD, 0)
    assert "it says that it is not valid" in done.error


async def test_a_devices_own_error_is_told(web: Web, clock: FixedClock) -> None:
    web.put("cm-Status%2010.json", '{"WARNING":"Need user=<username>&password=<password>"}')
    done = await once(web, clock, model="tasmota", probes=["a"])
    assert "it says WARNING: Need user=" in done.error
    web.put("switch-0.json", json.dumps({"id": 0, "errors": ["power_meas"], "voltage": 230.1}))
    done = await once(web, clock, model="shelly-gen2", probes=["a"])
    assert done.outcome is Outcome.PARTIAL
    assert "no power at apower (it says errors: ['power_meas']): a" in done.error
    done = await once(
        web, clock, model="shelly-gen2", urls=[f"{web.url}/told-wrong"], probes=["a"]
    )
    assert done.outcome is Outcome.UNREACHABLE
    assert "HTTP 404 Not Found; it says message: No handler for Switch.GetStatus" in done.error


async def test_no_subset_of_a_meters_numbers_is_missing_in_silence(
    web: Web, clock: FixedClock
) -> None:
    keys = ("apower", "aenergy", "voltage", "current")
    for size in range(1, len(keys) + 1):
        for missing in combinations(keys, size):
            left = {key: said for key, said in SWITCH.items() if key not in missing}
            for document in (left, SWITCH | dict.fromkeys(missing)):
                web.put("switch-0.json", json.dumps(document))
                done = await once(web, clock, model="shelly-gen2", probes=["a"])
                expected = Outcome.BAD if size == len(keys) else Outcome.PARTIAL
                assert done.outcome is expected, missing
                assert done.error
