"""CSV: byte for byte as agreed, and harmless."""

import csv
import io
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reports.samples import called, nothing, report

from meterhouse.reports import formats
from meterhouse.reports.csv.format import COLUMNS, DANGEROUS, harmless
from meterhouse.usage.report import Axis, Report


def written(of: Report) -> bytes:
    out = io.BytesIO()
    formats()["csv"].write(of, out)
    return out.getvalue()


def table(of: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written(of).decode(), newline="")))


@pytest.mark.parametrize("by", Axis)
def test_the_table_is_as_it_was(by: Axis, golden: Callable[[str, bytes], None]) -> None:
    golden(f"{by}.csv", written(report(by)))


@pytest.mark.parametrize("by", Axis)
def test_the_rows_of_an_axis_sum_to_the_total(by: Axis) -> None:
    *rows, total = table(report(by))
    assert total["row"] == "total"
    for column in ("server_hours", "vcpu_hours", "ram_gib_hours", "disk_gib_hours"):
        mine = sum(Decimal(row[column]) for row in rows if row["row"] == by)
        assert abs(mine - Decimal(total[column])) < Decimal("0.001")


def test_lines_end_as_the_standard_says_and_there_is_no_mark_at_the_start() -> None:
    text = written(report(Axis.USER))
    assert text.startswith(b"row,period_start,")
    assert text.endswith(b"\r\n")
    assert text.count(b"\n") == text.count(b"\r\n")


def test_what_is_unknown_is_empty_and_not_zero() -> None:
    row = next(row for row in table(report(Axis.PROJECT)) if row["key"] == "moon")
    assert row["energy_kwh"] == ""
    assert row["server_hours_running"] == "0.0000"


def test_an_empty_report_has_a_header_and_a_total() -> None:
    (total,) = table(nothing())
    assert total["vcpu_hours"] == "0.0000"
    assert total["coverage"] == ""


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("x")', "\uff1d1"]
)
def test_a_name_that_is_a_formula_is_written_as_text(name: str) -> None:
    row = table(called(name))[0]
    assert row["name"] == row["path"] == f"'{name}"


@pytest.mark.parametrize("name", ['comma, "quote"', "two\r\nlines", "Ångström, Кириллица, 漢字"])
def test_any_name_comes_back_as_it_was(name: str) -> None:
    assert table(called(name))[0]["name"] == name


@given(st.text())
def test_no_text_begins_with_what_a_spreadsheet_runs(name: str) -> None:
    assert not harmless(name).startswith(DANGEROUS)
    assert harmless(name).removeprefix("'") == name.removeprefix("'")


def test_the_file_stays_open_for_what_comes_next() -> None:
    out = io.BytesIO()
    formats()["csv"].write(nothing(), out)
    out.write(b"more")
    assert out.getvalue().endswith(b"\r\nmore")


def test_every_line_has_every_column() -> None:
    lines = csv.reader(io.StringIO(written(report(Axis.INSTITUTION)).decode(), newline=""))
    assert {len(line) for line in lines} == {len(COLUMNS)}
