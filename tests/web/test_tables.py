"""Tables as pages show them and as files hold them."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, QueryDict

from meterhouse.inventory.facts import FOREVER
from meterhouse.live.figures import UNKNOWN, Figure
from meterhouse.metering.errors import Mistake
from meterhouse.web.pages import tables
from meterhouse.web.pages.tables import Column, Table, Value

NAME: Column[tuple[str, Value]] = Column("Name", lambda row: row[0], kind="name")


def rows_of(response: HttpResponse) -> list[list[str]]:
    return list(csv.reader(io.StringIO(response.content.decode())))


def table(*values: Value, **more: Any) -> Table[tuple[str, Value]]:
    value: Column[tuple[str, Value]] = Column("Value", lambda row: row[1], unit="bytes", **more)
    return Table("things", (NAME, value), [("one", value) for value in values])


@pytest.mark.parametrize(
    ("dangerous", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
    ],
)
def test_a_name_is_never_a_formula(dangerous: str, written: str) -> None:
    assert tables.harmless(dangerous) == written


@pytest.mark.parametrize("text", ["", "web-01", "-1.5", "+2", "1e-9", "a=b"])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert tables.harmless(text) == text


def test_a_file_holds_exact_values() -> None:
    found = tables.as_csv(
        table(12_345_678, 0.1, Fraction(1, 4), None, datetime(2026, 5, 1, 12, tzinfo=UTC))
    )
    assert [row[1] for row in rows_of(found)] == [
        "Value (bytes)",
        "12345678",
        "0.1",
        "0.25",
        "",
        "2026-05-01T12:00:00+00:00",
    ]


def test_a_file_has_the_rows_of_all_pages() -> None:
    paged = Table("things", (NAME,), [("one", 1)], whole=lambda: [("one", 1), ("two", 2)])
    assert rows_of(tables.as_csv(paged)) == [["Name"], ["one"], ["two"]]


def test_a_file_is_named_after_its_table() -> None:
    response = tables.as_csv(table())
    assert response.headers["Content-Disposition"] == 'attachment; filename="things.csv"'


def test_an_address_says_which_table_it_wants() -> None:
    request = HttpRequest()
    request.GET = QueryDict("format=csv&table=others")
    others = Table("others", (NAME,), [("two", 2)])
    assert rows_of(tables.page(request, "", {}, table(1), others)) == [["Name"], ["two"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1_234_567, "1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567"),
        (None, UNKNOWN),
        ("", UNKNOWN),
        (0.5, "0.500"),
        (datetime(2026, 5, 1, 12, tzinfo=UTC), "2026-05-01 12:00"),
    ],
)
def test_a_page_writes_values_for_people(value: Value, text: str) -> None:
    [[_, cell]] = table(value).lines
    assert cell.text == text


def test_a_cell_is_sorted_by_its_value_not_by_its_writing() -> None:
    [[_, cell]] = table(2048, shown=lambda row: Figure("2.00", "KiB")).lines
    assert (cell.text, cell.unit, cell.raw) == ("2.00", "KiB", "2048")


@pytest.mark.parametrize("at_ms", [None, 0, FOREVER])
def test_never_and_for_ever_are_no_moments(at_ms: int | None) -> None:
    assert tables.moment(at_ms) is None


@pytest.mark.parametrize(("said", "number"), [("", 1), ("2", 2)])
def test_a_page_that_is_not_named_is_the_first(said: str, number: int) -> None:
    assert tables.page_number(QueryDict(f"page={said}")) == number


@pytest.mark.parametrize(("total", "last"), [(0, 1), (50, 1), (51, 2)])
def test_there_is_no_page_after_the_last(total: int, last: int) -> None:
    tables.require_page(last, 50, total)
    with pytest.raises(Mistake, match=f"there is no page {last + 1}; the last is {last}"):
        tables.require_page(last + 1, 50, total)


def test_a_table_of_one_page_has_no_pager() -> None:
    assert tables.pager(QueryDict(), 1, 50, 50) is None


def test_a_pager_keeps_what_else_the_address_says() -> None:
    pager = tables.pager(QueryDict("q=web&page=2"), 2, 50, 120)
    assert pager is not None
    assert (pager["first"], pager["last"], pager["total"]) == (51, 100, 120)
    assert (pager["before"], pager["after"]) == ("?q=web&page=1", "?q=web&page=3")


def test_what_is_left_out_on_a_phone_stands_under_its_row() -> None:
    noted: Column[tuple[str, Value]] = Column("Name", lambda row: row[0], note=lambda row: "why")
    things = Table("things", (noted,), [("one", 1)])
    assert things.lines[0][0].note == "why"
    assert rows_of(tables.as_csv(things)) == [["Name"], ["one"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4.6e-8, "0.000000046"),
        (Fraction(1, 10**8), "0.00000001"),
        (Decimal("4.6E-8"), "0.000000046"),
        (1e22, "10000000000000000000000"),
        (0.1, "0.1"),
        (100.0, "100.0"),
        (float("nan"), "NaN"),
    ],
)
def test_a_number_has_all_its_places_and_no_exponent(
    value: float | Fraction | Decimal, text: str
) -> None:
    assert tables.plain(value) == text
