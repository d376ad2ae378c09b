"""What a period comes to: figures that no screen's width changes."""

import pytest
from tests.live.test_graphs import START, period, recorded

from meterhouse.live.figures import UNKNOWN
from meterhouse.live.graphs import graph
from meterhouse.live.summaries import Summary, summary
from meterhouse.metering.meters import CPU_TIME, DISK_READ, ENERGY, MEMORY_USED, POWER, Meter
from meterhouse.metering.periods import Period
from meterhouse.store.reading import Stored

pytestmark = pytest.mark.django_db

ALWAYS = ((0, 2**60),)


def summed(
    series: Stored, over: Period, stretches: tuple[tuple[int, int], ...] = ALWAYS
) -> Summary:
    return summary(series, graph(series, over, 1000), stretches)


def steady(meter: Meter, seconds: int, rate: float) -> Stored:
    """Every five seconds; what only grows grows by the rate each second."""
    return recorded(meter, [(at, at * rate) for at in range(0, seconds + 1, 5)])


def test_the_average_is_weighted_by_how_long_a_reading_stood() -> None:
    found = summed(recorded(POWER, [(0, 100.0), (10, 400.0), (15, 100.0)]), period(20))
    assert (str(found.minimum), str(found.maximum)) == ("100 W", "400 W")
    assert str(found.average) == "175 W"
    assert str(found.last) == "100 W"
    assert found.covered == 1.0


def test_power_comes_to_energy() -> None:
    readings = recorded(POWER, [(at, 720.0) for at in range(0, 3600, 5)])
    assert str(summed(readings, period(3600)).total) == "720 Wh"


@pytest.mark.parametrize(
    ("meter", "rate", "average", "total"),
    [
        (ENERGY, 500.0, "500 W", "500 Wh"),
        (CPU_TIME, 0.5, "0.500 CPUs", "0.500 CPU hours"),
        (DISK_READ, 1048.576, "1.02 KiB/s", "3.60 MiB"),
    ],
)
def test_what_only_grows_comes_to_its_increase(
    meter: Meter, rate: float, average: str, total: str
) -> None:
    found = summed(steady(meter, 7200, rate), period(3600, after=1800))
    assert str(found.average) == average
    assert str(found.total) == total


def test_a_level_that_does_not_add_up_has_no_total() -> None:
    assert summed(recorded(MEMORY_USED, [(0, 1024.0)]), period(10)).total is None


def test_how_much_of_the_period_is_known_is_said() -> None:
    assert summed(recorded(POWER, [(0, 100.0)]), period(60)).covered == 0.25


def test_what_is_not_known_has_no_figures() -> None:
    found = summed(recorded(POWER, [(0, 100.0)]), period(60, after=3600))
    figures = (found.minimum, found.average, found.maximum, found.last, found.total)
    assert {str(each) for each in figures} == {UNKNOWN}
    assert found.covered == 0.0


def test_only_somebodys_own_time_is_summed_up() -> None:
    readings = recorded(POWER, [(0, 100.0), (10, 200.0), (20, 900.0)])
    mine = ((START + 10_000, START + 15_000), (START + 15_000, START + 20_000))
    found = summed(readings, period(30), mine)
    assert (str(found.minimum), str(found.average), str(found.maximum)) == ("200 W",) * 3
    assert str(found.last) == "200 W"


def test_a_long_period_ends_with_its_last_reading_not_with_its_last_bucket() -> None:
    points = [(at, 100.0) for at in range(0, 86_400, 5)]
    found = summed(recorded(POWER, [*points, (86_400, 300.0)]), period(86_405))
    assert str(found.last) == "300 W"
    assert str(found.minimum) == "100 W"
