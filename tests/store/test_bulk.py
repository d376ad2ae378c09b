"""Many series at once are what each of them is alone."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from tests.store.conftest import HOUR, MINUTE, START, House
from tests.store.test_laws import FAST, LAWS, SPAN, History, new_house, steps

from meterhouse.metering.meters import POWER
from meterhouse.metering.periods import Period
from meterhouse.metering.samples import Series
from meterhouse.store import bulk, reading, sealing

pytestmark = pytest.mark.django_db
WIDTHS = (1000, 10_000, MINUTE, 15 * MINUTE, HOUR, 7 * HOUR)
NAMES = ("osl/node-1", "osl/node-2", "osl/nothing")


def play(house: House, histories: tuple[History, History]) -> None:
    for name, history in zip(NAMES, histories, strict=False):
        for step in history:
            if isinstance(step, int):
                sealing.seal(START + step)
            else:
                house.tell(step, resource=name, hold_ms=FAST)


def alone(name: str, start: int, end: int, width: timedelta) -> reading.Buckets:
    return reading.buckets(Series(name, "power", FAST), Period.from_ms(start, end), width)


@LAWS
@given(
    histories=st.tuples(steps, steps),
    ends=st.lists(st.tuples(st.integers(0, SPAN), st.integers(0, SPAN)), min_size=3, max_size=3),
    width=st.sampled_from(WIDTHS),
    at_once=st.sampled_from([1, 2_000_000]),
)
def test_each_series_is_as_if_asked_alone(
    histories: tuple[History, History],
    ends: list[tuple[int, int]],
    width: int,
    at_once: int,
) -> None:
    play(new_house(), histories)
    every = timedelta(milliseconds=width)
    spans = [
        (name, START + min(pair), START + max(pair))
        for name, pair in zip(NAMES, ends, strict=True)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "_ROWS_AT_ONCE", at_once)
        found = list(bulk.levels(spans, POWER.name, every))
    assert len(found) == len(spans)
    for (name, start, end), one in zip(spans, found, strict=True):
        expected = alone(name, start, end, every)
        for column in ("start", "minimum", "maximum", "integral", "covered_ms"):
            np.testing.assert_array_equal(getattr(one, column), getattr(expected, column))


def test_the_number_of_queries_does_not_grow_with_the_number_of_series(house: House) -> None:
    names = [f"osl/node-{number}" for number in range(50)]
    for name in names:
        house.tell([(at, 100.0) for at in range(0, 3 * HOUR, MINUTE)], resource=name, hold_ms=FAST)
    sealing.seal(START + 5 * HOUR)

    def asked(count: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            spans = [(name, START, START + 3 * HOUR) for name in names[:count]]
            found = list(bulk.levels(spans, POWER.name, timedelta(minutes=15)))
        assert [float(one.integral.sum()) for one in found] == [100.0 * 3 * 3600] * count
        return len(queries)

    assert asked(50) == asked(2)
