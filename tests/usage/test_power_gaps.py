"""The gaps of power in a report: one row a source and stretch."""

from collections.abc import Mapping, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.usage.power_gaps import MOST_CELLS, power_gaps
from meterhouse.usage.windows import Floats, Windows

MINUTE, HOUR = 60_000, 3_600_000
START = 1_760_000_400_000  # on an hour
END = START + 3 * HOUR
Intervals = Sequence[tuple[int, int]]


def windows() -> Windows:
    return Windows(np.arange(START, END + 1, HOUR, dtype=np.int64))


def lengths(intervals: Intervals, cuts: Windows) -> Floats:
    return np.array(
        [
            sum(max(0, min(end, high) - max(start, low)) for start, end in intervals)
            for low, high in zip(cuts.edges[:-1].tolist(), cuts.edges[1:].tolist(), strict=True)
        ],
        np.float64,
    )


def listed(
    known: Mapping[str, Intervals],
    there: Mapping[str, Intervals] | None = None,
    sources: dict[str, str] | None = None,
    most_cells: int = MOST_CELLS,
) -> list[tuple[str, int, int]]:
    """(source, start, end) of the gaps, of meters with what is known of each."""
    presence = there or {meter: [(START, END)] for meter in known}
    gaps = power_gaps(
        sources or dict.fromkeys(known, "pdu"),
        windows(),
        lambda meters, cuts: np.array([lengths(known[meter], cuts) for meter in meters]),
        lambda meters, cuts: np.array([lengths(presence[meter], cuts) for meter in meters]),
        most_cells,
    )
    assert {gap.kind for gap in gaps} <= {"power"}
    return [(gap.source, gap.period.start_ms, gap.period.end_ms) for gap in gaps]


def test_what_is_always_known_has_no_gap() -> None:
    assert listed({"a": [(START, END)]}) == []


def test_no_meter_has_no_gap() -> None:
    assert listed({}) == []


def test_a_silence_is_listed_to_the_millisecond() -> None:
    silent = (START + 30 * MINUTE + 12_345, START + 95 * MINUTE + 678)
    assert listed({"a": [(START, silent[0]), (silent[1], END)]}) == [("pdu", *silent)]


def test_whole_hours_need_no_minutes() -> None:
    assert listed({"a": [(START, START + HOUR)]}) == [("pdu", START + HOUR, END)]


def test_a_silence_below_a_minute_is_in_the_coverage_alone() -> None:
    assert listed({"a": [(START, START + MINUTE), (START + MINUTE + 59_000, END)]}) == []


def test_all_meters_of_a_source_that_are_silent_at_once_are_one_row() -> None:
    known = {
        "a": [(START, START + HOUR), (START + 2 * HOUR, END)],
        "b": [(START, START + HOUR + MINUTE), (START + 2 * HOUR + MINUTE, END)],
        "c": [(START, END)],
        "d": [(START, START + 2 * HOUR)],
    }
    sources = {"a": "x", "b": "x", "c": "x", "d": "y"}
    assert listed(known, sources=sources) == [
        ("x", START + HOUR, START + 2 * HOUR + MINUTE),
        ("y", START + 2 * HOUR, END),
    ]


def test_what_was_not_there_is_not_missing() -> None:
    there = {"a": [(START + HOUR, START + 2 * HOUR)]}
    assert listed({"a": [(START + HOUR, START + 90 * MINUTE)]}, there) == [
        ("pdu", START + 90 * MINUTE, START + 2 * HOUR)
    ]


def test_where_there_is_too_much_to_look_at_hours_that_are_known_in_part_list_no_gap() -> None:
    silent = (START + 10 * MINUTE, START + 50 * MINUTE)
    known = {"a": [(START, silent[0]), (silent[1], END)]}
    assert listed(known) == [("pdu", *silent)]
    assert listed(known, most_cells=0) == []


@given(st.lists(st.integers(0, (END - START) // MINUTE), min_size=2, max_size=8, unique=True))
def test_law_what_is_listed_is_what_nobody_knows(minutes: list[int]) -> None:
    """Silences on whole minutes are listed exactly, whatever lies between them."""
    edges = [START + minute * MINUTE for minute in sorted(minutes)][: len(minutes) // 2 * 2]
    silent = list(zip(edges[::2], edges[1::2], strict=True))
    known = list(zip([START, *edges[1::2]], [*edges[::2], END], strict=True))
    assert listed({"a": known}) == [("pdu", start, end) for start, end in silent]
