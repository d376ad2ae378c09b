import asyncio

import pytest
from tests.bus.house import until

from meterhouse.metering.meters import POWER
from meterhouse.metering.samples import Columns, Sample
from meterhouse.metering.snapshots import Snapshot
from meterhouse.station import gathering as gathering_room
from meterhouse.station.gathering import Full, Gathering


def reading(resource: str) -> Columns:
    return Columns.of([Sample(POWER, resource, 1.0, 1)], hold_ms=1000)


class Shelf:
    """A journal that can be made to fail."""

    def __init__(self) -> None:
        self.batches: list[Columns] = []
        self.broken = False

    def publish(self, samples: Columns, snapshots: tuple[Snapshot, ...]) -> None:
        if self.broken:
            raise OSError(28, "No space left on device")
        if any("poison" in series.resource for series in samples.series):
            raise ValueError("nobody would read this")
        self.batches.append(samples)


def test_what_is_gathered_travels_as_one_batch() -> None:
    shelf = Shelf()
    gathering = Gathering(shelf.publish)
    gathering.add(reading("a"), ())
    gathering.add(reading("b"), ())
    gathering.flush()
    gathering.flush()
    assert [len(batch) for batch in shelf.batches] == [2]


def test_what_cannot_be_written_waits_for_the_next_flush() -> None:
    shelf = Shelf()
    gathering = Gathering(shelf.publish)
    gathering.add(reading("a"), ())
    shelf.broken = True
    with pytest.raises(OSError, match="No space"):
        gathering.flush()
    shelf.broken = False
    gathering.add(reading("b"), ())
    gathering.flush()
    assert [len(batch) for batch in shelf.batches] == [2]


async def test_what_cannot_be_kept_is_said_while_it_is_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gathering_room, "GATHER_S", 0.0)
    shelf = Shelf()
    gathering = Gathering(shelf.publish)
    gathering.add(reading("a"), ())
    shelf.broken = True
    flushing = asyncio.create_task(gathering.keep_flushing())
    await until(lambda: gathering.trouble)
    assert "No space left" in gathering.trouble
    shelf.broken = False
    await until(lambda: not gathering.trouble)
    flushing.cancel()
    assert [len(batch) for batch in shelf.batches] == [1]
    assert caplog.text.count("readings wait") == 1


def test_a_full_shelf_is_told_to_the_source() -> None:
    gathering = Gathering(Shelf().publish, most=1)
    gathering.add(reading("a"), ())
    with pytest.raises(Full, match="disk full"):
        gathering.add(reading("b"), ())


def test_what_nobody_would_read_is_dropped_and_the_rest_is_published() -> None:
    shelf = Shelf()
    gathering = Gathering(shelf.publish)
    for resource in ("a", "poison", "b"):
        gathering.add(reading(resource), ())
    gathering.flush()
    assert [batch.series[0].resource for batch in shelf.batches] == ["a", "b"]
    assert gathering.refused == 1
    gathering.flush()
    assert len(shelf.batches) == 2
