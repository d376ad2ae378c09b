from datetime import timedelta

import numpy as np
import pytest

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.samples import Columns
from meterhouse.metering.snapshots import Resource
from meterhouse.sources import configure


def values(samples: Columns, resource: str) -> dict[str, float]:
    series = [samples.series[key] for key in samples.key]
    return {
        each.meter: value
        for each, value in zip(series, samples.value, strict=True)
        if each.resource == resource
    }


async def test_each_probe_has_watts_volts_and_amperes(clock: FixedClock) -> None:
    table = {"kind": "dummy", "probes": ["A", "B"], "min": 10, "max": 20}
    async with configure("bench", table, where="-").open(clock) as source:
        samples = (await source.read()).samples
    for probe in ("bench/A", "bench/B"):
        found = values(samples, probe)
        assert 10 <= found["power"] <= 20
        assert found["power"] == int(found["power"])
        assert found["voltage"] == 230.0
        assert found["current"] == found["power"] / 230.0
    assert set(samples.at) == {clock.now_ms()}
    assert {series.hold_ms for series in samples.series} == {10_000}


async def test_watts_reach_both_bounds_and_the_seed_repeats_them(clock: FixedClock) -> None:
    made = configure(
        "bench", {"kind": "dummy", "probes": 200, "min": 1, "max": 3, "seed": 7}, where="-"
    )
    watts = []
    for _ in range(2):
        async with made.open(clock) as source:
            watts.append((await source.read()).samples.value[:200])
    assert set(watts[0]) == {1.0, 2.0, 3.0}
    assert np.array_equal(watts[0], watts[1])


async def test_a_thousand_probes_share_their_series_from_reading_to_reading(
    clock: FixedClock,
) -> None:
    async with configure("bench", {"kind": "dummy", "probes": 1000}, where="-").open(clock) as at:
        first, second = (await at.read()).samples, (await at.read()).samples
    assert len(first) == 3000
    assert first.series is second.series
    assert first.series[999].resource == "bench/1000"
    assert first.value[:1000].min() >= 75


async def test_outlets_are_listed_at_first_and_every_quarter_of_an_hour(clock: FixedClock) -> None:
    table = {"kind": "dummy", "probes": ["A"], "project": "debian"}
    async with configure("bench", table, where="-").open(clock) as source:
        listed = (await source.read()).snapshots
        clock.move(timedelta(minutes=14, seconds=59))
        assert not (await source.read()).snapshots
        clock.move(timedelta(seconds=1))
        assert len((await source.read()).snapshots) == 1
    assert (listed[0].kind, listed[0].complete) == ("outlet", True)
    assert listed[0].objects == (
        Resource(id="bench/A", kind="outlet", name="A", project="debian"),
    )


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "'probes'"),
        ({"probes": []}, "at least one name"),
        ({"probes": ["A", "A"]}, "each once"),
        ({"probes": [""]}, "at least one name"),
        ({"probes": 0}, "number above 0"),
        ({"probes": ["A"], "min": 5, "max": 4}, "min <= max"),
        ({"probes": ["A"], "min": -1}, "0 <= min"),
    ],
)
def test_probes_that_cannot_be_are_a_mistake(table: dict[str, object], said: str) -> None:
    with pytest.raises(Mistake, match=said):
        configure("bench", {"kind": "dummy", **table}, where="-")
