"""Kwapi's files: which probe each is of, and which archive tells which moment."""

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


def test_totals_agree_with_what_rrdtool_fetches(tmp_path: Path) -> None:
    """Of every archive, over the time in which it is the finest there is."""
    moments = [t for t in range(NOON - 40 * 86_400, NOON + 4321, 293) if t % 500_000 > 40_000]
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
