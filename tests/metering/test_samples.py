import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.metering.meters import LOAD, POWER
from meterhouse.metering.samples import Columns, Sample

samples = st.builds(
    Sample,
    st.sampled_from([POWER, LOAD]),
    st.sampled_from(["node-1", "node-10", "näme"]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(0, 2**42),
)


def rows(columns: Columns) -> list[tuple[str, str, int, float]]:
    return [
        (columns.series[key].resource, columns.series[key].meter, int(at), float(value))
        for key, at, value in zip(columns.key, columns.at, columns.value, strict=True)
    ]


@given(st.lists(samples, max_size=20))
def test_packing_keeps_every_sample_and_names_each_series_once(log: list[Sample]) -> None:
    columns = Columns.of(log, hold_ms=3000)
    assert rows(columns) == [(s.resource, s.meter.name, s.at_ms, s.value) for s in log]
    assert len(set(columns.series)) == len(columns.series)


@given(st.lists(st.lists(samples, max_size=8), max_size=5))
def test_joining_is_putting_one_after_the_other(logs: list[list[Sample]]) -> None:
    joined = Columns.join([Columns.of(log, hold_ms=3000) for log in logs])
    assert rows(joined) == rows(Columns.of([s for log in logs for s in log], hold_ms=3000))
    assert len(set(joined.series)) == len(joined.series)


def test_joining_the_same_series_again_gives_the_same_tuple() -> None:
    parts = [Columns.of([Sample(POWER, name, 1.0, 1)], hold_ms=3000) for name in ("a", "b")]
    assert Columns.join(parts).series is Columns.join(parts).series


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        Columns((), np.zeros(1, np.uint32))
