"""Formats are found by looking."""

from meterhouse.reports import formats


def test_a_folder_is_a_format() -> None:
    assert set(formats()) == {"csv", "json", "pdf"}
    assert [each.suffix for each in formats().values()] == [".csv", ".json", ".pdf"]
    assert formats()["pdf"].media_type == "application/pdf"
