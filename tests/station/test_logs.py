"""A line of the log says what it is about."""

import logging

from meterhouse.station.logs import Lines


def line(logger: str, **extra: object) -> str:
    record = logging.getLogger(logger).makeRecord(
        *(logger, logging.WARNING, "file", 1, "source is %s", ("failing",), None), extra=extra
    )
    return Lines().format(record)


def test_it_names_the_source_and_the_error() -> None:
    said = line("meterhouse.sources.runner", source="cloud", error="Connection refused")
    assert said == (
        "WARNING meterhouse.sources.runner: source is failing "
        "(source=cloud, error=Connection refused)"
    )


def test_without_anything_to_add_nothing_is_added() -> None:
    assert line("meterhouse.bus") == "WARNING meterhouse.bus: source is failing"


def test_what_libraries_add_is_left_out() -> None:
    assert line("django.request", request="<all of it>") == (
        "WARNING django.request: source is failing"
    )
