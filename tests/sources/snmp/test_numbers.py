"""Numbers, and what is said in their place."""

import math
import struct
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.clients.snmp.agent import Value
from meterhouse.sources.snmp.numbers import (
    NEGATIVE,
    NO_NUMBER,
    TEXT,
    TOO_LARGE,
    counts,
    numbers,
    without,
)

NAN = math.nan


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (212, 212.0),
        (-1, -1.0),
        (2**64 - 1, float(2**64 - 1)),
        (212.4, 212.4),
        (b"212.4", 212.4),
        (b" 7 ", 7.0),
        (b"-3", -3.0),
        (b"\x9f\x78\x04" + struct.pack(">f", 212.5), 212.5),
        (b"\x9f\x79\x08" + struct.pack(">d", 212.4), 212.4),
    ],
)
def test_a_number_is_a_number_however_it_is_written(value: Value, number: float) -> None:
    refused: Counter[str] = Counter()
    assert numbers([value], refused).tolist() == [number]
    assert not refused


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"n/a", TEXT),
        (b"", TEXT),
        (b"1e400", TEXT),
        (b"nan", TEXT),
        (b"0x10", TEXT),
        (b"1" * 400, TEXT),
        (b"\xff\xfe", TEXT),
        (NAN, NO_NUMBER),
        (math.inf, NO_NUMBER),
        (b"\x9f\x78\x04" + struct.pack(">f", math.inf), NO_NUMBER),
        ("1.3.6.1", NO_NUMBER),
        (True, NO_NUMBER),
    ],
)
def test_what_is_no_number_is_counted_by_why(value: Value, why: str) -> None:
    refused: Counter[str] = Counter()
    assert np.isnan(numbers([value, 5], refused)).tolist() == [True, False]
    assert refused == {why: 1}


def test_what_is_not_there_is_not_counted() -> None:
    refused: Counter[str] = Counter()
    assert np.isnan(numbers([None], refused)).all()
    assert not refused


anything = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    st.binary(max_size=12),
    st.text(max_size=5),
)


@given(st.lists(anything, max_size=30))
def test_nothing_that_an_agent_says_is_fatal_and_none_is_lost(values: list[Value | None]) -> None:
    refused: Counter[str] = Counter()
    found = numbers(values, refused)
    assert len(found) == len(values)
    assert not np.isinf(found).any()
    silent = sum(value is None for value in values)
    assert np.isnan(found).sum() == silent + refused.total()


def test_what_means_that_there_is_none_is_nan() -> None:
    said = np.array([5.0, -1.0, 65535.0, NAN])
    assert np.isnan(without(said, None)).tolist() == [False, True, False, True]
    assert np.isnan(without(said, (65535, 5))).tolist() == [True, False, True, True]
    assert np.isnan(without(said, ())).tolist() == [False, False, False, True]


def test_a_register_says_no_more_than_its_size() -> None:
    refused: Counter[str] = Counter()
    found = counts(np.array([0.0, 99.0, 100.0, -1.0, NAN]), 100.0, refused)
    assert np.isnan(found).tolist() == [False, False, True, True, True]
    assert refused == {NEGATIVE: 1, TOO_LARGE: 1}
