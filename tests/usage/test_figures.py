"""Quantities on paper: rounded once, the same for every format."""

from decimal import Decimal

import pytest

from meterhouse.metering.snapshots import State
from meterhouse.usage.figures import figures, rounded
from meterhouse.usage.quantities import NOTHING, Quantities


def test_hours_and_gibibyte_hours_have_four_decimals() -> None:
    shown = figures(
        Quantities(
            server_seconds={State.RUNNING: 5400, State.STOPPED: 1},
            resource_seconds=5401,
            vcpu_seconds=7200,
            ram_byte_seconds=2**30 * 1800,
            disk_byte_seconds=2**40 * 3600,
            millijoules=1_800_000_000,
            measured_ms=1,
            unmeasured_ms=2,
            seen_ms=99_999,
            unseen_ms=1,
        )
    )
    assert shown.server_hours_by_state[State.RUNNING] == Decimal("1.5000")
    assert str(shown.server_hours_by_state[State.STOPPED]) == "0.0003"
    assert str(shown.server_hours_by_state[State.ERROR]) == "0.0000"
    assert str(shown.server_hours) == "1.5003"
    assert str(shown.resource_hours) == "1.5003"
    assert str(shown.vcpu_hours) == "2.0000"
    assert str(shown.ram_gib_hours) == "0.5000"
    assert str(shown.disk_gib_hours) == "1024.0000"
    assert str(shown.energy_kwh) == "0.5000"
    assert str(shown.energy_coverage) == "0.3333"


def test_what_is_almost_covered_does_not_read_as_covered() -> None:
    assert str(figures(Quantities(seen_ms=99_999, unseen_ms=1)).coverage) == "0.9999"
    assert str(figures(Quantities(seen_ms=1)).coverage) == "1.0000"


def test_unknown_is_none() -> None:
    shown = figures(NOTHING)
    assert shown.energy_kwh is None
    assert shown.coverage is None
    assert shown.energy_coverage is None


@pytest.mark.parametrize(
    ("amount", "unit", "places", "text"),
    [
        (1, 2, 0, "1"),
        (5, 100, 1, "0.1"),
        (4, 100, 1, "0.0"),
        (10**40 + 1, 2, 1, f"{10**40 // 2}.5"),
        (0, 3600, 4, "0.0000"),
    ],
)
def test_rounding_is_half_up_and_of_any_size(
    amount: int, unit: int, places: int, text: str
) -> None:
    assert str(rounded(amount, unit, places)) == text
