"""JSON: byte for byte as agreed, with exact numbers."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import pytest
from tests.reports.samples import called, nothing, report
from tests.usage.estates import ask, estate, revision

from meterhouse.metering.snapshots import State
from meterhouse.reports import formats
from meterhouse.usage.figures import figures
from meterhouse.usage.quantities import AMOUNTS, Quantities
from meterhouse.usage.report import Axis, Report


def written(of: Report) -> bytes:
    out = io.BytesIO()
    formats()["json"].write(of, out)
    return out.getvalue()


def read(of: Report) -> Any:
    return json.loads(written(of), parse_float=Decimal)


@pytest.mark.parametrize("by", [Axis.PROJECT, Axis.RESOURCE])
def test_the_document_is_as_it_was(by: Axis, golden: Callable[[str, bytes], None]) -> None:
    text = written(report(by))
    assert f'"version":"{version("meterhouse")}"'.encode() in text
    golden(f"{by}.json", text.replace(version("meterhouse").encode(), b"VERSION", 1))


@pytest.mark.parametrize("by", Axis)
def test_what_was_exact_comes_back_exactly(by: Axis) -> None:
    original = report(by)
    found = read(original)
    assert quantities(found["total"]["exact"]) == original.total
    assert [quantities(row["own"]["exact"]) for row in found["rows"]] == [
        row.own for row in original.rows
    ]


def quantities(exact: dict[str, Any]) -> Quantities:
    servers = {State(state): seconds for state, seconds in exact["server_seconds"].items()}
    return Quantities(servers, exact["costs"], *(exact[name] for name in AMOUNTS))


def test_figures_are_numbers_of_four_decimals() -> None:
    original = report(Axis.PROJECT)
    total = read(original)["total"]
    assert total["vcpu_hours"] == figures(original.total).vcpu_hours
    assert str(total["vcpu_hours"]) == "156.0000"
    assert total["server_hours_by_state"]["stopped"] == Decimal(6)


def test_more_than_a_machine_word_is_still_a_whole_number() -> None:
    lake = estate(revision("lake", 11, (0, 24), disk_bytes=2**60))
    exact = read(ask(Axis.PROJECT, lake))["total"]["exact"]
    assert exact["disk_byte_seconds"] == 2**60 * 86_400


def test_only_what_can_have_something_below_it_has_a_subtree() -> None:
    assert all(row["subtree"] for row in read(report(Axis.INSTITUTION))["rows"])
    assert not any(row["subtree"] for row in read(report(Axis.USER))["rows"])


def test_moments_are_iso_8601_in_utc() -> None:
    found = read(report(Axis.PROJECT))
    assert found["period"] == {"start": "2026-05-01T12:00:00Z", "end": "2026-05-02T12:00:00Z"}
    assert found["gaps"] == [
        {
            "source": "cloud",
            "kind": "instance",
            "start": "2026-05-01T18:00:00Z",
            "end": "2026-05-01T21:30:00Z",
        }
    ]


def test_what_is_unknown_is_null() -> None:
    total = read(nothing())["total"]
    assert total["energy_kwh"] is None
    assert total["coverage"] is None
    assert read(nothing())["rows"] == []


@pytest.mark.parametrize("name", ['"quoted" \\ and', "</script>", "漢字 \u2028"])
def test_any_name_comes_back_as_it_was(name: str) -> None:
    assert read(called(name))["rows"][0]["name"] == name


def test_a_cost_has_all_its_places_and_no_exponent() -> None:
    """0.000000046, which Python writes as 4.6E-8 and some readers of JSON do not take."""
    tiny = Quantities({}, {"EUR": 46}, *(0 for _ in AMOUNTS))
    original = replace(report(Axis.PROJECT), total=tiny)
    [costs] = re.findall(rb'"total":.*?"costs":\{(.*?)\}', written(original))[:1]
    assert costs == b'"EUR":0.000000046'
