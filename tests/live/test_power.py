"""One table of many probes: the same as each series asked alone, and its legend."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import NOON
from tests.web.cast import record

from meterhouse.live.legend import legend
from meterhouse.live.power import Power, Seen, power
from meterhouse.live.probes import Probe
from meterhouse.live.stack import BANDS, stack
from meterhouse.metering.meters import POWER
from meterhouse.metering.periods import Period, to_ms
from meterhouse.metering.samples import Sample
from meterhouse.web.declaring import declare

pytestmark = pytest.mark.django_db
END = to_ms(NOON)
START = END - 3600_000
HOUR = Period.from_ms(START, END)
ALWAYS = ((0, 2**62),)


def probe(name: str) -> Probe:
    return Probe(name, f"pdu/{name}", name)


def told(**watts: float) -> None:
    """Every probe draws so much, every ten seconds of the hour before noon."""
    moments = range(START, END, 10_000)
    record([Sample(POWER, f"pdu/{n}", w, at) for n, w in watts.items() for at in moments], END)


def seen(*names: str, stretches: tuple[tuple[int, int], ...] = ALWAYS) -> list[Seen]:
    return [Seen(probe(name), stretches) for name in names]


def table(*names: str, width_s: int = 60) -> Power:
    return power(seen(*names), HOUR, timedelta(seconds=width_s))


def test_a_table_has_a_row_for_each_probe_and_a_column_for_each_bucket() -> None:
    told(a=100.0, b=50.0)
    found = table("a", "b", "nobody")
    assert found.watts.shape == (3, 60)
    assert found.watts[0].tolist() == [100.0] * 60
    assert np.isnan(found.watts[2]).all()
    assert found.total.tolist() == [150.0] * 60
    assert found.joules.tolist() == [360_000.0, 180_000.0, 0.0]
    assert found.covered_ms.tolist() == [3_600_000, 3_600_000, 0]


def test_a_probe_is_seen_only_while_it_may_be() -> None:
    told(a=100.0)
    middle = ((START + 600_000, START + 1_200_000), (END - 60_000, END + 60_000))
    found = power(seen("a", stretches=middle), HOUR, timedelta(seconds=60))
    known = np.flatnonzero(np.isfinite(found.watts[0])).tolist()
    assert known == [*range(10, 20), 59]
    assert found.joules[0] == pytest.approx(100 * 660)
    (row,) = legend(found).rows
    assert row.kwh == pytest.approx(100 * 660 / 3.6e6)
    assert row.covered == pytest.approx(1.0)


def test_the_sum_is_known_where_any_probe_is() -> None:
    told(a=100.0)
    record([Sample(POWER, "pdu/b", 10.0, START + 5000)], END, sequence=2)
    total = table("a", "b").total
    assert total[0] == 110.0
    assert total[30] == 100.0


def test_a_legend_says_what_each_did_and_all_together() -> None:
    told(a=100.0, b=50.0)
    found = legend(table("a", "b", "nobody"))
    assert [row.average for row in found.rows] == [100.0, 50.0, None]
    assert [row.kwh for row in found.rows] == pytest.approx([0.1, 0.05, None])
    assert found.total.maximum == 150.0
    assert found.total.kwh == pytest.approx(0.15)
    assert found.total.covered == pytest.approx(2 / 3)
    assert (found.total.costs, found.total.grams) == ({}, None)


def test_the_total_of_one_probe_is_that_probe() -> None:
    told(a=100.0)
    found = legend(table("a"))
    assert found.total is found.rows[0]


def test_a_legend_knows_prices_and_emissions_by_their_dates(tmp_path: Path) -> None:
    told(a=1000.0)
    tariff = '[[prices]]\nper_kwh = "0.30"\ncurrency = "EUR"\n[[carbon]]\ng_per_kwh = 400\n'
    (tmp_path / "house.toml").write_text(tariff)
    declare(tmp_path / "house.toml", tmp_path, now=NOON)
    row = legend(table("a")).total
    assert row.costs == {"EUR": Decimal("0.3")}
    assert row.grams == Decimal(400)


def test_many_probes_are_a_dozen_bands_and_the_rest_in_order() -> None:
    names = [f"n{number:03}" for number in range(100)]
    told(**{name: float(number + 1) for number, name in enumerate(names)})
    found = table(*names, width_s=600)
    bands = stack(found)
    assert [band.name(found) for band in bands[:2]] == ["n099", "n098"]
    assert [band.name(found) for band in bands[BANDS:]] == [
        "nos. 13 to 34",
        "nos. 35 to 56",
        "nos. 57 to 78",
        "nos. 79 to 100",
    ]
    assert sorted(number for band in bands for number in band.numbers) == list(range(100))
    np.testing.assert_allclose(sum(band.watts for band in bands), found.total, rtol=1e-6)


def test_few_others_are_one_band() -> None:
    names = [f"n{number}" for number in range(15)]
    told(**dict.fromkeys(names, 10.0))
    found = table(*names, width_s=600)
    assert stack(found)[-1].name(found) == "3 others"
    assert len(stack(found)) == BANDS + 1
