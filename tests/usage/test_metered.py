"""A resource with a counter and with power readings: which of them says what it used."""

import numpy as np
import pytest

from meterhouse.live.counting import counted
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.metering.periods import from_ms
from meterhouse.metering.samples import Columns, Sample
from meterhouse.store.recorder import Recorder
from meterhouse.store.union import energy_grid
from meterhouse.usage.energy import Energy
from meterhouse.usage.metered import energy_of, filled
from meterhouse.usage.pricing import priced

pytestmark = pytest.mark.django_db
T0 = 1_777_636_800_000  # 2026-05-01 12:00 UTC
MINUTE, HOUR = 60_000, 3_600_000
KWH = 3_600_000.0  # J


@pytest.fixture(autouse=True)
def house(clock: FixedClock) -> None:
    """A kilowatt by power for four hours; a counter, from half past twelve to two, says 1.2 kW.

    What beside it has power only draws 100 W.
    """
    clock.at = from_ms(T0 + 5 * HOUR)
    minutes = range(0, 4 * HOUR, MINUTE)
    samples = [
        *(Sample(POWER, "pdu/both", 1000.0, T0 + ms) for ms in minutes),
        *(Sample(POWER, "pdu/plain", 100.0, T0 + ms) for ms in minutes),
        *(
            Sample(ENERGY, "pdu/both", 7 * KWH + 0.6 * KWH * n, T0 + (n + 1) * HOUR // 2)
            for n in range(4)
        ),
    ]
    columns = Columns.of(samples, hold_ms=3 * MINUTE)
    batch = Batch(publisher="alice", epoch=1, sequence=1, sent_ms=T0, samples=columns)
    Recorder(lambda snapshots: None, clock=clock).record(batch)


def asked(*spans: tuple[str, int, int]) -> list[tuple[float, int]]:
    """KWh and covered milliseconds of spans, moments relative to noon."""
    found: Energy = energy_of([(key, T0 + a, T0 + b) for key, a, b in spans], "default")
    kwh = (found.millijoules / 3.6e9).round(9).tolist()
    return list(zip(kwh, found.measured_ms.tolist(), strict=True))


def test_where_the_counter_covers_it_says_all() -> None:
    assert asked(("pdu/both", HOUR // 2, 2 * HOUR)) == [(1.8, 3 * HOUR // 2)]


def test_power_fills_the_half_hour_before_the_counters_first_word() -> None:
    assert asked(("pdu/both", 0, HOUR)) == [(0.5 + 0.6, HOUR)]


def test_power_fills_a_long_span_hour_by_hour_before_and_after_the_counter() -> None:
    assert asked(("pdu/both", 0, 4 * HOUR)) == [(0.5 + 1.8 + 2.0, 4 * HOUR)]


def test_what_has_no_counter_is_not_changed_by_what_has_one_beside_it() -> None:
    spans = (("pdu/plain", 0, 2 * HOUR), ("pdu/both", 2 * HOUR, 3 * HOUR))
    assert asked(*spans) == [(0.2, 2 * HOUR), (1.0, HOUR)]


def test_an_empty_span_and_one_of_nobody_hold_nothing() -> None:
    assert asked(("pdu/both", HOUR, HOUR), ("pdu/nobody", 0, HOUR)) == [(0, 0), (0, 0)]


def record(clock: FixedClock, *samples: Sample, hold_ms: int = 10_000) -> None:
    columns = Columns.of(samples, hold_ms=hold_ms)
    batch = Batch(publisher="bob", epoch=1, sequence=1, sent_ms=T0, samples=columns)
    Recorder(lambda snapshots: None, clock=clock).record(batch)


def each_second(key: str, seconds: range, watts: float, joules: float) -> list[Sample]:
    """Power, and a counter that grows by so much each second."""
    moments = [(second, T0 + second * 1000) for second in seconds]
    return [
        *(Sample(POWER, key, watts, at) for _, at in moments),
        *(Sample(ENERGY, key, 9 * KWH + joules * second, at) for second, at in moments),
    ]


def test_an_outlet_of_3600_w_with_a_counter_beside_it_drew_99_wh_in_99_s(
    clock: FixedClock,
) -> None:
    record(clock, *each_second("pdu/wh", range(100), 3600.0, 3600.0))
    end = T0 + 99_000
    assert asked(("pdu/wh", 0, 99_000), ("pdu/wh", 0, HOUR)) == [(0.099, 99_000), (0.109, 109_000)]
    (bill,) = priced([("pdu/wh", T0, end)])
    assert (bill.millijoules, bill.covered_ms) == (356_400_000, 99_000)
    (running,) = counted(["pdu/wh"], {}, end)
    assert running.joules == 356_400
    found = energy_grid(["pdu/wh"], np.array([T0, T0 + 20_500, end]))
    assert found.amount.tolist() == [[73_800, 282_600]]
    assert found.covered_ms.tolist() == [[20_500, 78_500]]


def test_of_two_meters_that_know_the_same_time_one_counts() -> None:
    joules, covered = filled(*map(np.array, ([360_000], [100_000], [360_000], [100_000], [HOUR])))
    assert (joules.tolist(), covered.tolist()) == ([360_000], [100_000])


def test_half_an_hour_that_both_know_is_half_an_hour(clock: FixedClock) -> None:
    record(clock, *each_second("pdu/half", range(1801), 1000.0, 1000.0))
    assert asked(("pdu/half", 0, 1_800_000)) == [(0.5, 1_800_000)]
    ((kwh, covered),) = asked(("pdu/half", 0, HOUR))
    assert kwh == pytest.approx(0.5 + 10 / 3600)
    assert covered == 1_810_000


def test_windows_of_a_constant_counter_beside_power_agree(clock: FixedClock) -> None:
    record(clock, *each_second("pdu/still", range(3600), 40.0, 0.0))
    windows = [(HOUR - minutes * MINUTE, HOUR - 1000) for minutes in (20, 40, 60)]
    found = asked(*(("pdu/still", *each) for each in windows))
    assert found == [(0, end - start) for start, end in windows]
