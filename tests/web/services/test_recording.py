from collections.abc import Sequence
from pathlib import Path

import pytest
from django.db.utils import OperationalError

from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import POWER
from meterhouse.metering.samples import Columns, Sample
from meterhouse.metering.snapshots import Snapshot
from meterhouse.store import reading
from meterhouse.web.services.aside import Aside
from meterhouse.web.services.recording import Recording

pytestmark = pytest.mark.django_db


def batch(sequence: int, clock: FixedClock, *, source: str = "cloud") -> Batch:
    return Batch(
        publisher="alice/laptop",
        epoch=1,
        sequence=sequence,
        sent_ms=clock.now_ms(),
        samples=Columns.of([Sample(POWER, "node", 1.0, clock.now_ms() + sequence)], hold_ms=1000),
        snapshots=(
            Snapshot(source=source, kind="node", at_ms=sequence, complete=True, objects=()),
        ),
    )


def refuse_poison(snapshots: Sequence[Snapshot]) -> None:
    if any(snapshot.source == "poison" for snapshot in snapshots):
        raise ValueError("nobody can keep this")
    if any(snapshot.source == "away" for snapshot in snapshots):
        raise OperationalError("the database went away")


@pytest.fixture
def recording(tmp_path: Path, clock: FixedClock) -> Recording:
    return Recording([], b"", clock, Aside(tmp_path / "aside"), refuse_poison)


def test_a_batch_that_cannot_be_kept_is_set_aside_and_the_next_is_recorded(
    recording: Recording, clock: FixedClock
) -> None:
    for sequence, source in ((1, "cloud"), (2, "poison"), (3, "cloud")):
        recording.record_or_set_aside(batch(sequence, clock, source=source))
    assert recording.recorder.positions()["alice/laptop"].sequence == 3
    (path,) = recording.aside.paths()
    assert path.name == "alice_laptop-1-2.batch"
    assert [latest.at_ms for latest in reading.latest()] == [clock.now_ms() + 3]


def test_a_database_that_is_away_sets_nothing_aside(
    recording: Recording, clock: FixedClock
) -> None:
    with pytest.raises(OperationalError):
        recording.record_or_set_aside(batch(1, clock, source="away"))
    assert not recording.aside.paths()
    assert not recording.recorder.positions()
