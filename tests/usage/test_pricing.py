"""What spans used, cost and emitted, out of a database."""

from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meterhouse.inventory.declaration import parse_text
from meterhouse.inventory.plan import apply
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import POWER
from meterhouse.metering.periods import from_ms
from meterhouse.metering.samples import Columns, Sample
from meterhouse.store import reading
from meterhouse.store.reading import Integrals
from meterhouse.store.recorder import Recorder
from meterhouse.usage.pricing import priced

pytestmark = pytest.mark.django_db
T0 = 1_777_636_800_000  # 2026-05-01 12:00 UTC
HOUR = 3_600_000
PRICES = """
[[prices]]
per_kwh = 0.10
currency = "EUR"
until = 2026-05-01T12:30:00Z
[[prices]]
per_kwh = "0.30"
currency = "EUR"
from = 2026-05-01T12:30:00Z
until = 2026-05-01T13:00:00Z
[[prices]]
per_kwh = 5
currency = "SEK"
from = 2026-05-01T14:00:00Z
[[carbon]]
g_per_kwh = 400
source = "grid operator, 2025"
from = 2026-05-01T12:45:00Z
"""


@pytest.fixture(autouse=True)
def house(clock: FixedClock) -> None:
    """A probe that draws 1 kW for three hours; no price holds in the second of them."""
    apply(parse_text(PRICES, "prices.toml"), now=from_ms(T0))
    clock.at = from_ms(T0 + 4 * HOUR)
    samples = [Sample(POWER, "pdu/1", 1000.0, T0 + ms) for ms in range(0, 3 * HOUR, 60_000)]
    columns = Columns.of(samples, hold_ms=180_000)
    batch = Batch(publisher="alice", epoch=1, sequence=1, sent_ms=T0, samples=columns)
    Recorder(lambda snapshots: None, clock=clock).record(batch)


def test_a_price_that_changes_in_the_middle_of_an_hour_cuts_it_there() -> None:
    (hour,) = priced([("pdu/1", T0, T0 + HOUR)])
    assert hour.joules == 3_600_000
    assert hour.covered_ms == HOUR
    assert hour.costs == {"EUR": Decimal("0.05") + Decimal("0.15")}
    assert hour.cost == (Decimal("0.2"), "EUR")
    assert (hour.unpriced_mj, hour.grams) == (0, Decimal(100))
    assert hour.uncounted_mj == 3_600_000_000 * 3 // 4


def test_a_hole_in_the_prices_is_said_and_currencies_are_never_added() -> None:
    hole, across = priced([("pdu/1", T0 + HOUR, T0 + 2 * HOUR), ("pdu/1", T0, T0 + 3 * HOUR)])
    assert (hole.costs, hole.cost, hole.unpriced_mj) == ({}, None, 3_600_000_000)
    assert across.costs == {"EUR": Decimal("0.2"), "SEK": Decimal(5)}
    assert across.cost is None
    assert across.unpriced_mj == 3_600_000_000


def test_what_was_not_measured_has_no_cost_whatever_the_price() -> None:
    spans = [("pdu/2", T0, T0 + HOUR), ("pdu/1", T0 + 4 * HOUR, T0 + 5 * HOUR), ("pdu/1", T0, T0)]
    for each in priced(spans):
        assert (each.joules, each.costs, each.grams) == (None, {}, None)
    assert priced([]) == ()


def test_cutting_a_span_changes_nothing() -> None:
    edges = [T0 + ms for ms in (0, 1, 1_799_999, 1_800_001, HOUR, 3 * HOUR)]
    parts = priced([("pdu/1", start, end) for start, end in pairwise(edges)])
    (whole,) = priced([("pdu/1", T0, T0 + 3 * HOUR)])
    assert sum(part.millijoules for part in parts) == whole.millijoules
    assert sum(part.unpriced_mj for part in parts) == whole.unpriced_mj
    euros = sum((part.costs.get("EUR", Decimal(0)) for part in parts), Decimal(0))
    assert abs(euros - whole.costs["EUR"]) <= Decimal("0.000000005")


def test_power_that_was_read_already_is_not_read_again_and_comes_to_the_same() -> None:
    whole, cut = [("pdu/1", T0, T0 + HOUR // 4)], [("pdu/1", T0, T0 + 3 * HOUR)]
    for spans in (whole, cut):
        power = reading.integrals(spans, "power")
        assert priced(spans, power=power) == priced(spans)
    told = Integrals(np.array([7200.0]), np.array([5000]))
    assert priced(whole, power=told)[0].millijoules == 7_200_000, "it is believed"
    assert priced(cut, power=told) == priced(cut), "a price changes inside"


def test_a_thousand_spans_need_no_more_queries_than_one() -> None:
    def queries(count: int) -> int:
        with CaptureQueriesContext(connection) as found:
            priced([(f"pdu/{number}", T0, T0 + HOUR) for number in range(count)])
        return len(found)

    assert queries(1000) == queries(2)
