"""The document: what it says, on how many pages, in which fonts."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from importlib.metadata import version

import pytest
from pypdf import PdfReader
from pypdf.generic import DictionaryObject
from tests.reports.samples import called, large, nothing, report
from tests.usage.estates import WEEKLY, ask, estate, revision

from meterhouse.metering.periods import Period
from meterhouse.reports import formats
from meterhouse.reports.pdf.columns import percent
from meterhouse.reports.pdf.layout import BARS, PROJECTS, layout, length, short, span
from meterhouse.usage.figures import KWH
from meterhouse.usage.quantities import Quantities
from meterhouse.usage.report import Axis, Report


def read(of: Report) -> PdfReader:
    out = io.BytesIO()
    formats()["pdf"].write(of, out)
    return PdfReader(io.BytesIO(out.getvalue()))


def text(of: PdfReader) -> str:
    return "\n".join(page.extract_text() for page in of.pages)


def fonts(of: PdfReader) -> set[str]:
    names: set[str] = set()
    for page in of.pages:
        resources = page["/Resources"].get_object()
        assert isinstance(resources, DictionaryObject)
        table = resources["/Font"].get_object()
        assert isinstance(table, DictionaryObject)
        for font in table.values():
            names.add(str(font["/BaseFont"]).partition("+")[2])
    return names


@pytest.mark.parametrize("by", Axis)
def test_the_document_says_what_it_said(by: Axis, golden: Callable[[str, bytes], None]) -> None:
    found = read(report(by))
    head = f"{len(found.pages)} pages, {', '.join(sorted(fonts(found)))}"
    figures, _, _ = text(found).partition("\nNotes\n")
    said = f"{head}\n{figures}\n".replace(version("meterhouse"), "VERSION")
    golden(f"{by}.txt", said.encode())


def test_every_note_is_printed() -> None:
    of = report(Axis.INSTITUTION)
    said = " ".join(text(read(of)).split())
    assert of.notes
    assert all(note in said for note in of.notes)


def test_the_same_report_is_the_same_document() -> None:
    first, second = io.BytesIO(), io.BytesIO()
    formats()["pdf"].write(report(Axis.USER), first)
    formats()["pdf"].write(report(Axis.USER), second)
    assert first.getvalue() == second.getvalue()


def test_it_has_a_title_and_says_its_page() -> None:
    found = read(report(Axis.INSTITUTION))
    assert found.metadata is not None
    assert found.metadata.title is not None
    assert found.metadata.title.startswith("Usage by institution, 2026-05-01 12:00")
    assert f"1 / {len(found.pages)}" in found.pages[0].extract_text()


@pytest.mark.parametrize(
    "name",
    [
        '#read("/etc/passwd")',
        "*bold* _italic_ $x^2$ `code` <label> @reference // comment",
        "= Heading",
        '"); #panic("x")',
        "\\u{41} \\ # [ ] { }",
    ],
)
def test_a_name_that_is_markup_is_printed_as_text(name: str) -> None:
    said = text(read(called(name)))
    assert name.replace(" ", "") in said.replace(" ", "").replace("\n", "")
    assert "root:" not in said


@pytest.mark.parametrize("name", ["Ångström", "Проект", "Ελλάδα", "Łódź — Żubr"])
def test_names_in_european_letters_need_no_fonts_of_the_machine(name: str) -> None:
    found = read(called(name))
    assert name in text(found)
    assert all(font.startswith("Libertinus") for font in fonts(found))


def test_names_in_other_letters_do_not_stop_it() -> None:
    assert len(read(called("漢字 العربية 🚀")).pages) >= 1


def test_a_long_name_is_wrapped_and_not_cut() -> None:
    said = text(read(called("word " * 60)))
    assert said.count("word") >= 60


def test_a_report_on_nothing_says_so() -> None:
    found = read(nothing())
    assert len(found.pages) == 1
    assert "Nothing was used in this period." in text(found)


def test_columns_without_a_figure_are_left_out() -> None:
    assert "Metered" in text(read(report(Axis.PROJECT))).partition("Notes")[0]
    unmetered = ask(Axis.PROJECT, estate(revision("x", 11, (0, 1))))
    assert "Metered" not in text(read(unmetered)).partition("Notes")[0]


def test_what_the_energy_consists_of_and_stands_for_is_under_it() -> None:
    split = replace(
        report(Axis.PROJECT),
        total=Quantities(
            costs={"EUR": 474_000_000_000},
            millijoules=1000 * KWH,
            idle_mj=600 * KWH,
            overhead_mj=150 * KWH,
            measured_ms=1,
        ),
    )
    assert layout(split)["energy_figures"] == [
        {
            "title": "Idle share",
            "unit": "kWh",
            "value": "600.0",
            "note": "of the energy: drawn whatever runs",
        },
        {
            "title": "Overhead",
            "unit": "kWh",
            "value": "150.0",
            "note": "of the energy: feeds no node",
        },
        {"title": "Cost", "unit": "EUR", "value": "474.00", "note": ""},
    ]
    assert layout(nothing())["energy_figures"] == []


def test_large_reports_list_the_largest_and_sum_the_others() -> None:
    found = read(large(PROJECTS + 5))
    said = text(found)
    assert "8 more" in said
    assert "Smaller projects" in said
    assert f"The {BARS} largest of {20 * (PROJECTS + 5):,}" in said
    assert len(found.pages) < 40


def test_headings_stand_with_their_tables_and_tables_repeat_their_heads() -> None:
    pages = [page.extract_text().strip() for page in read(large(20)).pages]
    for page in pages:
        body, _, _ = page.partition("Meterhouse ")
        last = body.strip().splitlines()[-1]
        assert not last.startswith("Project ")
    assert all("Resource" in page for page in pages[1:-1])


def test_resources_of_one_node_are_compared_by_how_long_they_existed() -> None:
    rows = [revision(name, 11, (0, 9), kind="node") for name in ("n1", "n2")]
    assert "Hours of existence by resource" in text(read(ask(Axis.RESOURCE, estate(*rows))))


def test_under_an_institution_deeper_projects_are_in_the_sum_of_the_second_level() -> None:
    of = estate(revision("mirror", WEEKLY, (0, 6)))
    by_institution = text(read(ask(Axis.INSTITUTION, of)))
    assert "Weekly" not in by_institution
    assert "CD with all below it" in by_institution
    by_project = text(read(ask(Axis.PROJECT, of)))
    assert "Weekly" in by_project
    assert "directly in it" not in by_project


def moment(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 5, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "words"),
    [
        (Period.month(2026, 5), "May 2026"),
        (Period(moment(1), moment(3)), "2026-05-01 to 2026-05-02"),
        (Period(moment(1, 12), moment(3)), "2026-05-01 12:00 to 2026-05-03 00:00 UTC"),
        (Period(moment(1), moment(3, 5)), "2026-05-01 00:00 to 2026-05-03 05:00 UTC"),
        (Period(moment(1), moment(1)), "2026-05-01 00:00 to 2026-05-01 00:00 UTC"),
    ],
)
def test_a_period_is_said_as_people_say_it(period: Period, words: str) -> None:
    assert span(period) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (12_000, "3 h 20 min"),
        (86_400 * 2 + 60, "2 d"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_length_is_said_by_its_two_largest_units(seconds: int, words: str) -> None:
    assert length(timedelta(seconds=seconds)) == words


def test_what_does_not_fit_beside_a_bar_is_cut_with_a_sign() -> None:
    assert short("word", 4) == "word"
    assert short("a long name", 7) == "a long…"


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (Fraction(0), "0 %"),
        (Fraction(1, 5000), "< 0.1 %"),
        (Fraction(1, 3), "33.3 %"),
        (Fraction(9999, 10_000), "99.9 %"),
        (Fraction(1), "100 %"),
    ],
)
def test_a_part_reads_as_nothing_or_all_only_if_it_is(part: Fraction, shown: str) -> None:
    assert percent(part) == shown
