"""A resource with a counter and with power readings: which of them says what it used."""

import pytest

from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.metering.periods import from_ms
from meterhouse.metering.samples import Columns, Sample
from meterhouse.store.recorder import Recorder
from meterhouse.usage.energy import Energy
from meterhouse.usage.metered import energy_of

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
