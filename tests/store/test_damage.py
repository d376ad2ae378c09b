"""One damaged row takes nothing else with it: whatever byte of whatever row was changed."""

import logging
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import NOON
from tests.store.conftest import DAY, HOUR, NODE, START, House, empty_the_store

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.metering.periods import Period
from meterhouse.metering.samples import Series
from meterhouse.store import bulk, damage, reading, retention, sealing
from meterhouse.store.grid import grid
from meterhouse.store.recorder import Recorder
from meterhouse.store.retention import Policy
from meterhouse.store.soundness import soundness
from meterhouse.store.statistics import statistics

pytestmark = pytest.mark.django_db
LAWS = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
OTHER = "osl/node-2"
SPAN = Period.from_ms(START, START + 6 * HOUR)
COLUMNS = {"store_head": ("at", "value", "series"), "store_block": ("payload",)}


@pytest.fixture(autouse=True)
def nothing_noted() -> Iterator[None]:
    damage._noted.clear()
    yield
    damage._noted.clear()


def a_house() -> House:
    """Two probes with power and energy: a part sealed and closed, a part in the head."""
    damage._noted.clear()
    empty_the_store()
    house = House(Recorder(lambda _: None, clock=FixedClock(NOON + timedelta(days=100))))
    for hour in range(6):
        for name in (NODE, OTHER):
            at = range(hour * 3600, hour * 3600 + 3600, 60)
            jitter = [s * 1000 + s * s % 7 for s in at]
            house.tell([(ms, 100.1 + ms % 9) for ms in jitter], resource=name, hold_ms=90_000)
            house.tell(
                [(ms, ms / 10) for ms in jitter], resource=name, meter=ENERGY, hold_ms=90_000
            )
        if hour == 3:
            sealing.seal(START + 4 * HOUR + HOUR // 2)
    return house


def damage_one(table: str, column: str, row: float, byte: float, value: int) -> int:
    """Change one byte of one of the rows; returns its id. row, byte: 0 to 1, which."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, {column} FROM {table} ORDER BY id")  # noqa: S608 - of COLUMNS
        rows = [(one, bytearray(blob)) for one, blob in cursor.fetchall() if len(blob)]
        number, blob = rows[int(row * (len(rows) - 1))]
        blob[int(byte * (len(blob) - 1))] ^= value
        cursor.execute(
            f"UPDATE {table} SET {column} = %s WHERE id = %s",  # noqa: S608 - likewise
            [bytes(blob), number],
        )
    return int(number)


def ask_everything() -> None:
    """What pages, reports and the board ask; raises if any of it cannot be answered."""
    spans = [(name, START, START + 6 * HOUR) for name in (NODE, OTHER)]
    reading.find()
    reading.latest()
    reading.latest(now_ms=START + 2 * HOUR)
    reading.newest("power")
    for meter in ("power", "energy"):
        for width in (timedelta(seconds=10), timedelta(minutes=1), timedelta(hours=1)):
            reading.buckets(Series(NODE, meter, 1), SPAN, width)
        grid([NODE, OTHER], meter, np.array([START, START + HOUR, START + 5 * HOUR], np.int64))
        reading.read(Series(NODE, meter, 1), SPAN)
    reading.integrals(spans, "power")
    reading.increases(spans, "energy")
    list(bulk.levels(spans, "power", timedelta(minutes=5)))
    statistics()
    soundness()


columns = st.sampled_from([(table, one) for table, some in COLUMNS.items() for one in some])
places = st.floats(0, 1)


@LAWS
@given(columns, places, st.one_of(places, st.floats(0, 0.1)), st.integers(1, 255))
def test_everything_is_answered_and_sealed_whatever_byte_was_changed(
    where: tuple[str, str], row: float, byte: float, value: int
) -> None:
    house = a_house()
    damage_one(*where, row, byte, value)
    ask_everything()
    house.tell([(2 * HOUR + 5, 1.0)], hold_ms=10_000)  # late, and with another hold
    while sealing.seal(START + 3 * DAY).more:
        pass
    ask_everything()
    assert statistics().waiting == 0
    house.tell([(DAY, 1.0)])
    retention.prune(START + 3 * DAY, Policy(raw=timedelta(0), minute=timedelta(0)))
    ask_everything()


def break_one(table: str, column: str) -> int:
    """Cut a row short, so that it cannot be read."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, {column} FROM {table} ORDER BY id")  # noqa: S608 - of COLUMNS
        number, blob = cursor.fetchone()
        cursor.execute(
            f"UPDATE {table} SET {column} = %s WHERE id = %s",  # noqa: S608 - likewise
            [bytes(blob)[:9], number],
        )
    return int(number)


@pytest.mark.parametrize(
    ("table", "column"), [("store_head", "value"), ("store_block", "payload")]
)
def test_a_row_that_cannot_be_read_is_said_once_and_named(
    caplog: pytest.LogCaptureFixture, table: str, column: str
) -> None:
    a_house()
    number = break_one(table, column)
    with caplog.at_level(logging.ERROR, logger="meterhouse.store.damage"):
        ask_everything()
        ask_everything()
    said = [one.getMessage() for one in caplog.records]
    assert len(said) == 1
    assert said[0].startswith(f"row {number} of {table} is damaged")
    assert soundness().damaged == ((damage.Table(table), number),)


def test_what_a_damaged_head_held_is_counted_and_the_others_are_sealed(house: House) -> None:
    house.tell([(0, 1.0), (1000, 2.0)])
    house.tell([(2000, 3.0)], resource=OTHER)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE store_head SET value = %s WHERE count = 2", [b"\x07"])
    sealing.seal(START + DAY)
    assert statistics().refused == {"of a damaged row of the database": 2}
    assert statistics().waiting == 0
    assert [one.series.resource for one in reading.latest()] == [OTHER]
    assert soundness().lost == 2


def test_a_sound_store_has_nothing_to_say() -> None:
    a_house()
    found = soundness()
    assert found.damaged == ()
    assert found.lost == 0
    assert found.heads > 0
    assert found.blocks > 0


def test_other_rows_keep_their_figures() -> None:
    a_house()
    spans = [(OTHER, START, START + 6 * HOUR)]
    before = reading.integrals(spans, POWER.name)
    break_one("store_head", "value")
    break_one("store_block", "payload")
    after = reading.integrals(spans, POWER.name)
    assert after.integral.tolist() == before.integral.tolist()
