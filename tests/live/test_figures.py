"""Numbers as people read them."""

import math

import pytest

from meterhouse.live import figures
from meterhouse.live.figures import UNKNOWN
from meterhouse.metering.meters import METERS

THIN = "\N{NARROW NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (212.4, "W", "212 W"),
        (1500.0, "W", "1.50 kW"),
        (999.96, "W", "1.00 kW"),
        (2_270_000.0, "W", "2.27 MW"),
        (0.0, "W", "0 W"),
        (-4.2, "W", "-4.20 W"),
        (1023.0, "By", f"1{THIN}023 B"),
        (1024.0, "By", "1.00 KiB"),
        (3.2 * 2**30, "By", "3.20 GiB"),
        (2**60, "By", f"1{THIN}024 PiB"),
        (2048.0, "By/s", "2.00 KiB/s"),
        (1.634, "CPUs", "1.63 CPUs"),
        (0.25, "CPUs", "0.250 CPUs"),
        (41.26, "Cel", "41.3 °C"),
        (8.0, "1", "8"),
        (0.94, "1", "0.940"),
        (230.1, "V", "230 V"),
        (12_345_678.0, "s", f"12{THIN}345{THIN}678 s"),
        (None, "W", UNKNOWN),
        (math.nan, "W", UNKNOWN),
        (math.inf, "W", UNKNOWN),
    ],
)
def test_a_value_gets_the_unit_that_fits(value: float | None, unit: str, text: str) -> None:
    assert str(figures.figure(value, unit)) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.413, "41 %"), (1.0, "100 %"), (0.9999, "99.9 %"), (0.0, "0 %"), (None, UNKNOWN)],
)
def test_a_share_that_is_not_whole_does_not_read_as_whole(share: float | None, text: str) -> None:
    assert figures.percent(share).replace("\N{NO-BREAK SPACE}", " ") == text


@pytest.mark.parametrize(
    ("meter", "unit"),
    [("power", "W"), ("energy", "W"), ("cpu.time", "CPUs"), ("disk.read", "By/s"), ("new", "")],
)
def test_what_only_grows_is_shown_as_its_rate(meter: str, unit: str) -> None:
    assert figures.display_unit(meter) == unit


def test_every_meter_has_a_name_for_people() -> None:
    assert all(figures.title(name)[0].isupper() for name in METERS)
    assert figures.title("of.tomorrow") == "of.tomorrow"
