"""Outlets become probes: left out, summed, shared."""

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import CURRENT, ENERGY, POWER, VOLTAGE, Meter
from meterhouse.sources import Measures, Named, Outlets, Reading

NAMED = Named(
    "pdu-1",
    timedelta(seconds=1),
    timedelta(seconds=10),
    FixedClock(datetime(2026, 5, 1, tzinfo=UTC)),
)
NAN = float("nan")


def by_probe(reading: Reading, meter: Meter) -> dict[str, float]:
    samples = reading.samples
    return {
        samples.series[key].resource: value
        for key, value in zip(samples.key.tolist(), samples.value.tolist(), strict=True)
        if samples.series[key].meter == meter.name
    }


def test_an_outlet_without_a_name_is_left_out() -> None:
    outlets = Outlets(NAMED, ["F1", "", "F3"])
    assert len(outlets) == 3
    assert by_probe(outlets.reading(1000, {POWER: [10, 20, 30]}), POWER) == {
        "pdu-1/F1": 10,
        "pdu-1/F3": 30,
    }


def test_two_supplies_of_a_node_are_summed_but_for_their_voltage() -> None:
    outlets = Outlets(NAMED, ["a", "b", "a"])
    reading = outlets.reading(
        1000,
        {
            POWER: np.array([100.0, 7.0, 50.0]),
            ENERGY: [1000, 70, 500],
            CURRENT: [0.5, 0.1, 0.25],
            VOLTAGE: [230, 231, 228],
        },
    )
    assert by_probe(reading, POWER) == {"pdu-1/a": 150, "pdu-1/b": 7}
    assert by_probe(reading, ENERGY) == {"pdu-1/a": 1500, "pdu-1/b": 70}
    assert by_probe(reading, CURRENT) == {"pdu-1/a": 0.75, "pdu-1/b": 0.1}
    assert by_probe(reading, VOLTAGE) == {"pdu-1/a": 229, "pdu-1/b": 231}


def test_an_outlet_that_feeds_several_nodes_is_one_probe_that_names_them() -> None:
    outlets = Outlets(NAMED, [("a", "b"), "c"], project="lab", measures=Measures.NODE)
    first, second = outlets.resources
    assert (first.id, first.kind, first.project) == ("pdu-1/a+b", "outlet", "lab")
    assert first.details == {"feeds": "a b", "measures": "node"}
    assert second.details == {"feeds": "c", "measures": "node"}


def test_half_a_sum_is_not_known() -> None:
    reading = Outlets(NAMED, ["a", "b", "a"]).reading(1000, {POWER: [100, 7, NAN]})
    assert by_probe(reading, POWER) == {"pdu-1/b": 7}


def test_probes_are_listed_at_first_and_the_series_are_the_same_tuple_each_time() -> None:
    outlets = Outlets(NAMED, ["a"])
    first, second = (outlets.reading(at_ms, {POWER: [1]}) for at_ms in (1000, 2000))
    assert [len(reading.snapshots) for reading in (first, second)] == [1, 0]
    assert first.samples.series is second.samples.series
    assert first.samples.series[0].hold_ms == 10_000


def test_what_the_meter_takes_in_feeds_no_node_and_is_nobodys() -> None:
    outlets = Outlets(NAMED, ["a", ""], inputs=["pdu", "", "pdu"], project="lab")
    assert len(outlets) == 5
    reading = outlets.reading(1000, {POWER: [10, 20, 7, 9, 8]})
    assert by_probe(reading, POWER) == {"pdu-1/a": 10, "pdu-1/pdu": 15}
    kinds = {snapshot.kind: snapshot.objects for snapshot in reading.snapshots}
    assert [len(kinds[kind]) for kind in ("outlet", "inlet")] == [1, 1]
    inlet = outlets.resources[1]
    assert (inlet.id, inlet.kind, inlet.project, inlet.details) == ("pdu-1/pdu", "inlet", "", {})
    assert not outlets.reading(2000, {POWER: [10, 20, 7, 9, 8]}).snapshots


@pytest.mark.parametrize(("inputs", "said"), [(["a b"], "'a b'"), (["a"], "already")])
def test_inputs_that_cannot_be_meant_are_refused(inputs: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        Outlets(NAMED, ["a"], inputs=inputs)


@pytest.mark.parametrize(
    ("probes", "said"),
    [
        ([], "at least one"),
        (["", ""], "at least one"),
        (["a b"], "'a b'"),
        (["a/b"], "'a/b'"),
        (["a+b"], "'a+b'"),
        (["a\n"], "printable"),
        (["a\0"], "printable"),
        (["history"], "'history': a probe of this name would have no address"),
        ([["a", ".."]], "'..': a probe of this name would have no address"),
        (["."], "no address"),
        (["a" * 101], "100 characters at most"),
        ([("a", "")], "names each"),
    ],
)
def test_what_cannot_be_meant_is_refused(probes: list[str | list[str]], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        Outlets(NAMED, probes)


def test_outlets_may_have_been_read_at_moments_of_their_own() -> None:
    outlets = Outlets(NAMED, ["a", "", "b", "a"])
    at = np.array([1000, 9000, 2000, 3000])
    reading = outlets.reading(at, {POWER: [1, 2, 3, 4], VOLTAGE: [NAN, 2, 230, NAN]})
    samples = reading.samples
    named = [(samples.series[key].resource, samples.series[key].meter) for key in samples.key]
    assert dict(zip(named, samples.at.tolist(), strict=True)) == {
        ("pdu-1/a", "power"): 3000,
        ("pdu-1/b", "power"): 2000,
        ("pdu-1/b", "voltage"): 2000,
    }
    assert reading.snapshots[0].at_ms == 3000


def test_one_fresh_supply_touches_the_other_of_the_same_node() -> None:
    outlets = Outlets(NAMED, ["a", "", "b", "a"])
    fresh = np.array([False, True, False, True])
    assert outlets.touched(fresh).tolist() == [True, False, False, True]


def test_an_outlet_may_tell_more_of_its_probe() -> None:
    outlets = Outlets(NAMED, ["a", "", "b"])
    outlets.describe(2, {"estimated": "from its load"})
    outlets.describe(1, {"estimated": "of nobody"})
    first, second = outlets.resources
    assert first.details == {"feeds": "a", "measures": "outlet"}
    assert second.details["estimated"] == "from its load"
