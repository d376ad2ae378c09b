"""The arithmetic of buckets, without a database."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.store.conftest import plainly

from meterhouse.metering.meters import Kind
from meterhouse.store.folding import Rows, edges, fold, fold_many, gather, share, widen

HOLD = 50
logs = st.dictionaries(st.integers(0, 999), st.integers(-50, 50).map(float), max_size=12)
kinds = st.sampled_from(list(Kind))
cuts = st.lists(st.integers(100, 900), min_size=2, max_size=6, unique=True).map(sorted)
Log = dict[int, float]


def columns(log: Log) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    moments = sorted(log)
    return np.array(moments, np.int64), np.array([log[at] for at in moments], np.float64)


def assert_plain(rows: Rows, log: Log, at: list[int], kind: Kind, hold: int = HOLD) -> None:
    for number, (start, end) in enumerate(pairwise(at)):
        want = plainly(log, start, end, hold_ms=hold, kind=kind)
        assert rows.count[number] == want.count
        assert rows.covered_ms[number] == want.covered_ms
        assert rows.integral[number] == pytest.approx(want.integral)
        assert rows.increase[number] == pytest.approx(want.increase)
        assert rows.minimum[number] == pytest.approx(want.minimum, nan_ok=True)
        assert rows.maximum[number] == pytest.approx(want.maximum, nan_ok=True)


@given(logs, cuts, kinds)
def test_buckets_are_what_the_rules_say(log: Log, at: list[int], kind: Kind) -> None:
    rows = fold(*columns(log), np.array(at), hold_ms=HOLD, kind=kind)
    assert_plain(rows, log, at, kind)


@given(st.lists(st.tuples(logs, st.integers(1, 300)), min_size=1, max_size=5), cuts, kinds)
def test_many_series_are_folded_as_each_by_itself(
    series: list[tuple[Log, int]], at: list[int], kind: Kind
) -> None:
    series = [({t: v for t, v in log.items() if t < at[-1]}, hold) for log, hold in series]
    parts = [columns(log) for log, _ in series]
    rows = fold_many(parts, np.array(at), holds=[hold for _, hold in series], kind=kind)
    for (log, hold), own in zip(series, rows.split(len(series)), strict=True):
        assert own.start.tolist() == at[:-1]
        assert_plain(own, log, at, kind, hold)


@given(logs, kinds)
def test_narrow_buckets_put_together_are_wide_ones(log: Log, kind: Kind) -> None:
    narrow = fold(*columns(log), np.arange(0, 1001, 50), hold_ms=HOLD, kind=kind)
    assert_plain(gather(narrow, np.array([0, 250, 1000])), log, [0, 250, 1000], kind)
    assert_plain(widen(narrow, 5), log, [0, 250, 500, 750, 1000], kind)


@given(logs, st.lists(st.integers(0, 1000), max_size=5))
def test_parts_of_a_shared_out_bucket_add_up_to_it(log: Log, inside: list[int]) -> None:
    rows = fold(*columns(log), np.arange(0, 1001, 100), hold_ms=HOLD, kind=Kind.CUMULATIVE)
    at = np.array(sorted({0, *inside, 1000}))
    parts = gather(share(rows, 100, at), at)
    assert parts.covered_ms.sum() == rows.covered_ms.sum()
    assert parts.count.sum() == rows.count.sum()
    assert parts.integral.sum() == pytest.approx(rows.integral.sum())
    assert parts.increase.sum() == pytest.approx(rows.increase.sum())
    assert (parts.covered_ms <= np.diff(at)).all()


def test_a_bucket_is_shared_out_by_time() -> None:
    rows = fold(np.array([0]), np.array([60.0]), np.array([0, 100]), hold_ms=100, kind=Kind.GAUGE)
    half = share(rows, 100, np.array([25, 75]))
    assert (half.start.tolist(), half.covered_ms.tolist()) == ([25], [50])
    assert half.integral.tolist() == [60 * 50 / 1000]
    assert half.count.tolist() == [0]  # the reading was taken before


def test_a_counter_that_falls_was_restarted() -> None:
    at, value = np.arange(5), np.array([100.0, 130, 20, 50, -3])
    rows = fold(at, value, np.array([0, 10]), hold_ms=1, kind=Kind.CUMULATIVE)
    assert rows.increase.tolist() == [30 + 20 + 30 + 0]


def test_edges_lie_on_multiples_of_the_width() -> None:
    assert edges(130, 410, 100).tolist() == [130, 200, 300, 400, 410]
    assert edges(100, 300, 100).tolist() == [100, 200, 300]
    assert edges(110, 120, 100).tolist() == [110, 120]
