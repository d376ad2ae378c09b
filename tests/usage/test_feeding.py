"""What of several meters of one node counts, where each knows a part of an hour."""

import numpy as np
import pytest

from meterhouse.usage.feeding import Fed, feed
from meterhouse.usage.windows import Windows
from meterhouse.usage.wiring import Feed

HOUR = 3_600_000


def fed(outlet: float, bmc: float) -> Fed:
    """A node on an outlet of 1000 W, and its BMC that says 900; both know parts of an hour."""
    parts = {"pdu/n1": (1000.0, outlet), "n1": (900.0, bmc)}
    return feed(
        Windows(np.array([0, HOUR])),
        [Feed("pdu/n1", "n1", 0, 0, HOUR), Feed("n1", "n1", 1, 0, HOUR)],
        {
            meter: (np.array([watts * part * HOUR]), np.array([part * HOUR]))
            for meter, (watts, part) in parts.items()
        },
        {"n1": np.array([float(HOUR)])},
    )


def test_meters_that_fall_silent_together_leave_that_time_unknown() -> None:
    found = fed(outlet=0.5, bmc=0.5)
    assert found.drawn[0, 0] == 500 * HOUR
    assert found.measured_ms[0, 0] == HOUR / 2
    assert found.unused.sum() == 450 * HOUR


def test_a_meter_that_knows_more_of_an_hour_adds_what_the_first_did_not_know() -> None:
    found = fed(outlet=0.5, bmc=0.75)
    assert found.drawn[0, 0] == pytest.approx((500 + 225) * HOUR)
    assert found.measured_ms[0, 0] == 0.75 * HOUR
