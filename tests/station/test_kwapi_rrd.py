"""Kwapi's files: which probe each is of, and which archive tells which moment."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import rrd

from meterhouse.clients.rrdtool.dump import Archive, Database, Source
from meterhouse.clients.rrdtool.program import read
from meterhouse.metering.errors import BadReading
from meterhouse.station.kwapi_rrd import Means, means, stems

NOON = 1_777_636_800  # 2026-05-01 12:00 UTC
WATTS = Source("w", "GAUGE")
NAN = float("nan")


def archive(step: int, end: int, *watts: float, function: str = "AVERAGE") -> Archive:
    return Archive(function, step, end, np.array(watts, np.float64).reshape(-1, 1))


def told(*archives: Archive) -> Means:
    return means(Database((WATTS,), archives))


def joules(found: Means, start: float = -np.inf, end: float = np.inf) -> float:
    length = np.minimum(found.end_s, end) - np.maximum(found.start_s, start)
    return float(found.watts @ np.maximum(length, 0))


def test_a_file_is_named_after_its_probe_by_a_uuid() -> None:
    # Source: the example of Python's documentation of uuid5().
    assert "886313e1-3b8a-5372-9b90-0c9aee199e5d" in stems("python.org")
    assert set(stems("A")) == {rrd.stem("A"), rrd.stem("A.power"), "A", "A.power"}


def test_the_finest_archive_that_covers_a_moment_tells_it() -> None:
    found = told(archive(10, 100, 1, 2, 3), archive(5, 100, 7, 8))
    assert found.start_s.tolist() == [70, 80, 90, 95]
    assert found.end_s.tolist() == [80, 90, 95, 100]
    assert found.watts.tolist() == [1, 2, 7, 8]
    assert found.step_s.tolist() == [10, 10, 5, 5]


def test_a_coarse_row_counts_up_to_where_a_finer_archive_begins() -> None:
    found = told(archive(10, 100, 1, 2, 3), archive(1, 103, *[9] * 8))
    assert found.end_s.tolist()[:3] == [80, 90, 95]
    assert joules(found) == 10 + 20 + 15 + 8 * 9


def test_where_the_finest_knows_nothing_nothing_is_known() -> None:
    found = told(archive(10, 100, 1, 2, 3), archive(5, 100, NAN, 8))
    assert joules(found, 90, 100) == 40
    assert found.start_s.tolist() == [70, 80, 95]


def test_what_cannot_be_is_not_believed_and_counted() -> None:
    found = told(archive(1, 100, -1, 5, 2e6, float("inf"), NAN))
    assert (found.watts.tolist(), found.refused) == ([5], 3)


def test_other_functions_are_left_alone() -> None:
    assert told(archive(1, 9, 1), archive(1, 9, 2, function="MAX")).watts.tolist() == [1]


@pytest.mark.parametrize(
    ("sources", "archives", "said"),
    [
        ((Source("o", "DERIVE"),), (archive(1, 9, 1),), r"no power \(w, GAUGE\) but o \(DERIVE\)"),
        ((Source("w", "COUNTER"),), (archive(1, 9, 1),), r"but w \(COUNTER\)"),
        ((), (), "but nothing"),
        ((WATTS,), (archive(1, 9, 1, function="MAX"),), "no archive of means .* there are: MAX"),
        ((WATTS,), (), "there are: none"),
    ],
)
def test_a_file_of_something_else_is_one_line(
    sources: tuple[Source, ...], archives: tuple[Archive, ...], said: str
) -> None:
    with pytest.raises(BadReading, match=said):
        means(Database(sources, archives))


def test_a_new_file_says_nothing(tmp_path: Path) -> None:
    found = means(read(rrd.make(tmp_path / "new.rrd", [(NOON, 1)])))
    assert len(found.watts) <= 1


@pytest.mark.parametrize("late", [0, 9_000, 86_400 * 3])
def test_totals_agree_with_what_rrdtool_fetches(tmp_path: Path, late: int) -> None:
    """Of every archive, over the time in which it is the finest there is; no silence is near."""
    end = NOON + 4321 + late
    moments = [t for t in range(end - 50 * 86_400, end, 293) if not 9 < (end - t) / 86_400 < 11]
    path = rrd.make(tmp_path / "one.rrd", [(at, at % 1009) for at in moments])
    found, last = means(read(path)), moments[-1]
    until = last
    for step, rows in rrd.KWAPI:
        end = last - last % step
        start = end - rows * step
        theirs = rrd.fetched(path, step, start, end - 1)
        expected = sum(
            watts * max(min(at, until) - (at - step), 0)
            for at, watts in theirs.items()
            if start < at <= end and not np.isnan(watts)
        )
        assert joules(found, start, until) == pytest.approx(expected, rel=1e-12)
        until = min(until, start)
    assert joules(found) > 0


def test_a_row_into_which_a_finer_archive_brings_a_silence_counts_what_must_be_known() -> None:
    # Of ten seconds at least five are known; the finer archive knows three of them.
    found = told(archive(10, 100, 1, 2), archive(1, 100, NAN, NAN, 2, 2, 2))
    assert (found.start_s.tolist(), found.end_s.tolist()) == (
        [80, 90, 97, 98, 99],
        [90, 92, 98, 99, 100],
    )
    knows_all = told(archive(10, 100, 1, 2), archive(1, 100, NAN, *[2] * 5))
    assert joules(knows_all, 90, 100) == 10


def test_a_row_after_a_silence_counts_what_must_be_known() -> None:
    found = told(archive(10, 100, NAN, 2), archive(1, 100, 2, 2, 2))
    assert (found.start_s.tolist()[0], found.end_s.tolist()[0]) == (95, 97)
    assert joules(found) == 5 * 2


def test_how_much_must_be_known_the_file_itself_says() -> None:
    coarse = Archive("AVERAGE", 10, 100, np.array([[1.0], [2.0]]), xff=0.2)
    assert joules(told(coarse, archive(1, 100, NAN, 2, 2, 2)), 90, 100) == 8 * 2


Watts = dict[int, float]
"""What was measured, by the second that it ends; the rest is unknown."""


def kept(measured: Watts, step: int, rows: int, last: int) -> Archive:
    """What rrdtool keeps of it in one archive: rrdcreate(1), at least half of a row is known."""
    ends = [last - last % step - step * back for back in range(rows)][::-1]
    inside = [[measured[at] for at in range(e - step + 1, e + 1) if at in measured] for e in ends]
    return archive(
        step,
        ends[-1],
        *(sum(some) / len(some) if 2 * len(some) >= step else NAN for some in inside),
    )


SHAPE = ((1, 7), (4, 9), (12, 11), (60, 12))
LAST = 5000


def by_the_second(archives: Sequence[Archive]) -> Watts:
    """The finest row of each second; of a torn one beside a silence the least that it knows."""
    seconds_told: Watts = {}
    edge = LAST + 1
    for one in archives:
        before = 0.0
        for number, (watts,) in enumerate(one.value.tolist()):
            begin = one.start_s + number * one.step_s
            row = range(begin + 1, begin + one.step_s + 1)
            seconds = [at for at in row if at <= edge]
            least = max((one.step_s + 1) // 2 - sum(at in seconds_told for at in row), 0)
            if seconds and len(seconds) < one.step_s:
                if edge + 1 not in seconds_told:
                    seconds = seconds[:least]
                elif np.isnan(before):
                    seconds = seconds[max(len(seconds) - least, 0) :]
            if not np.isnan(watts):
                seconds_told |= dict.fromkeys(seconds, watts)
            before = watts
        edge = min(edge, one.start_s)
    return seconds_told


@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(0, 400), st.integers(0, 100)), max_size=12
    ),
    st.integers(0, 130),
)
def test_a_file_counts_as_the_finest_that_is_known_of_each_second(
    runs: list[tuple[int, int, int]], late: int
) -> None:
    """runs: seconds of silence, then seconds of a power, back from the last moment."""
    measured: Watts = {}
    at = LAST - late
    for silence, length, watts in runs:
        measured |= dict.fromkeys(range(at - length + 1, at + 1), float(watts))
        at -= length + silence
    archives = [kept(measured, step, rows, LAST) for step, rows in SHAPE]
    found, expected = told(*archives), by_the_second(archives)
    assert int((found.end_s - found.start_s).sum()) == len(expected)
    assert joules(found) == pytest.approx(sum(expected.values()))


@given(st.integers(1, 740), st.integers(0, 60))
def test_a_file_that_begins_late_counts_no_time_before_that(age: int, late: int) -> None:
    """But half a row, of the finest archive that reaches back to there: rrdtool hides so much."""
    last = LAST + late
    measured = dict.fromkeys(range(last - age + 1, last + 1), 100.0)
    archives = [kept(measured, step, rows, last) for step, rows in SHAPE]
    found = told(*archives)
    covering = [one.step_s for one in archives if one.start_s <= last - age] or [60]
    counted = int((found.end_s - found.start_s).sum())
    assert counted <= age + covering[0] // 2
    assert joules(found) == pytest.approx(100 * counted)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 5, 10, 60]),
            st.lists(st.integers(0, 9) | st.just(NAN), min_size=1, max_size=30),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_no_moment_is_told_twice(archives: list[tuple[int, list[float]]]) -> None:
    last = 1000
    found = told(*(archive(step, last - last % step, *watts) for step, watts in archives))
    assert (found.start_s < found.end_s).all()
    assert (found.start_s[1:] >= found.end_s[:-1]).all()
