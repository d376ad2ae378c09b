"""What is packed is unpacked as it was, and what is regular costs next to nothing."""

from itertools import accumulate, chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.store import codec, packing

wholes = st.one_of(
    st.integers(-(2**62), 2**62),
    st.integers(-100, 100),
    st.sampled_from([0, 1000, 2**31, -(2**31)]),
)
numbers = st.one_of(
    st.floats(-1e200, 1e200, allow_nan=False),
    st.integers(-(10**6), 10**6).map(lambda n: n / 10),
    st.integers(-(10**6), 10**6).map(lambda n: n / 1000),
    st.sampled_from([0.0, -0.0, 107.3, 2.0**53, 2.0**31, 0.1 + 0.2]),
)


def runs(values: st.SearchStrategy[object]) -> st.SearchStrategy[list[list[object]]]:
    return st.lists(st.lists(values, min_size=1, max_size=30), min_size=1, max_size=5)


def bounds(parts: list[list[object]]) -> list[int]:
    return [0, *accumulate(map(len, parts))]


@given(runs(wholes))
def test_whole_numbers_come_back(parts: list[list[object]]) -> None:
    columns = codec.encode_ints(np.array(list(chain(*parts)), np.int64), bounds(parts))
    found = [codec.decode_ints(c, len(p)).tolist() for c, p in zip(columns, parts, strict=True)]
    assert found == parts


@given(runs(numbers))
def test_numbers_come_back(parts: list[list[object]]) -> None:
    columns = codec.encode_floats(np.array(list(chain(*parts)), np.float64), bounds(parts))
    found = [codec.decode_floats(c, len(p)).tolist() for c, p in zip(columns, parts, strict=True)]
    assert found == parts


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=8))
def test_columns_of_a_payload_come_back(columns: list[bytes]) -> None:
    assert codec.unpack(codec.pack(columns), len(columns)) == columns


def test_a_layout_of_another_time_is_refused() -> None:
    with pytest.raises(ValueError, match="layout 9; this program knows 1"):
        codec.unpack(b"\x09" + codec.pack([b"a", b"b"])[1:], 2)


def test_a_regular_cadence_costs_nothing() -> None:
    at = np.arange(1_700_000_000_000, 1_700_003_600_000, 1000)
    assert len(next(codec.encode_ints(at, [0, len(at)]))) == 17


def test_a_cadence_that_jitters_costs_what_the_jitter_does() -> None:
    at = np.arange(1_700_000_000_000, 1_700_003_600_000, 1000)
    at += np.random.default_rng(1).integers(-4, 4, len(at))
    assert len(next(codec.encode_ints(at, [0, len(at)]))) / len(at) < 0.5  # 3 bits


@pytest.mark.parametrize(
    ("noise", "most"), [(0.5, 0.7), (1.0, 0.85), (3.0, 1.05)], ids=lambda n: f"{n}"
)
def test_noisy_watts_cost_about_a_byte(noise: float, most: float) -> None:
    random = np.random.default_rng(1)
    steps = (random.random(3600) < 0.002) * random.normal(0, 30, 3600)
    watts = np.round(120 + np.cumsum(steps) + random.normal(0, noise, 3600), 1)
    assert len(next(codec.encode_floats(watts, [0, len(watts)]))) / len(watts) < most


def test_a_smooth_counter_costs_little() -> None:
    counter = np.cumsum(np.full(3600, 1_000_000_007))
    assert len(next(codec.encode_floats(counter.astype(float), [0, 3600]))) < 100


moments = st.lists(
    st.one_of(st.integers(0, 100), st.integers(0, 10**6), st.integers(0, 2**60)),
    min_size=1,
    max_size=20,
)


@given(moments)
def test_moments_of_a_head_come_back(offsets: list[int]) -> None:
    at = np.array(offsets, np.int64)
    first, last = int(at.min()), int(at.max())
    blob = packing.pack_times(at, first, last)
    found = packing.unpack_times([blob, blob], [first, first + 5], len(at), slice(None))
    assert found.tolist() == [offsets, [moment + 5 for moment in offsets]]
    some = packing.unpack_times([blob], [first], len(at), [0])
    assert some.tolist() == [[offsets[0]]]


@given(st.lists(numbers, min_size=1, max_size=20))
def test_values_of_a_head_come_back(told: list[float]) -> None:
    blob = packing.pack_values(np.array(told, np.float64))
    found = packing.unpack_values([blob, blob], len(told), slice(None))
    assert found.tolist() == [told, told]
    assert packing.unpack_values([blob], len(told), [-1]).tolist() == [[told[-1]]]


@given(st.lists(st.integers(1, 2**32 - 1), min_size=1, max_size=20, unique=True))
def test_ids_of_a_head_come_back(told: list[int]) -> None:
    ids = np.array(told, np.uint32)
    assert packing.unpack_series(packing.pack_series(ids), len(ids)).tolist() == told


def test_ids_that_follow_one_another_are_one_number() -> None:
    ids = np.arange(7, 1007, dtype=np.uint32)
    blob = packing.pack_series(ids)
    assert len(blob) == 4
    assert packing.unpack_series(blob, 1000).tolist() == ids.tolist()


def test_a_thousand_watts_in_the_head_take_two_bytes_each() -> None:
    watts = np.round(np.random.default_rng(1).uniform(80, 300, 1000), 1)
    assert len(packing.pack_values(watts)) == 2001
