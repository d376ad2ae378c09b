"""What the doctor says of what lies on the disk, and of damaged rows."""

from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection
from tests.bus.cast import power
from tests.conftest import NOON
from tests.station.test_telling import STATE
from tests.store.conftest import House

from meterhouse.bus.journal import Journal
from meterhouse.metering.clock import FixedClock
from meterhouse.sources.runner.records import Status
from meterhouse.store.recorder import Recorder
from meterhouse.web import sourcebook
from meterhouse.web.doctor import Finding, Verdict, examine

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("house")]


def of_journals(data: Path, clock: FixedClock) -> list[Finding]:
    return [each for each in examine(data, clock) if each.subject == "journal"]


def test_the_doctor_names_journals_that_lost_batches_and_states_that_are_damaged(
    tmp_path: Path, clock: FixedClock
) -> None:
    folder = tmp_path / "journal" / "osl-dc1"
    with Journal(folder, "osl-dc1", clock) as journal:
        for watts in range(5):
            journal.append(power(watts))
    assert [each.verdict for each in of_journals(tmp_path, clock)] == [Verdict.GOOD]
    (folder / f"{1:020}.journal").write_bytes(b"")
    Journal(folder, "osl-dc1", clock).close()
    lost, _ = of_journals(tmp_path, clock)
    assert lost.verdict is Verdict.DOUBT
    assert "osl-dc1 has lost 5 batches" in lost.what
    (folder / "state.json").write_bytes(b"")
    damaged, _ = of_journals(tmp_path, clock)
    assert damaged.verdict is Verdict.BAD
    assert "state.json: is empty; it is written anew" in damaged.what


def test_the_doctor_names_a_damaged_row(tmp_path: Path) -> None:
    house = House(Recorder(lambda _: None, clock=FixedClock(NOON)))
    house.tell([(0, 1.0)])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE store_head SET value = %s", [b"\x07"])
        cursor.execute("SELECT id FROM store_head")
        (number,) = cursor.fetchone()
    found = [one for one in examine(tmp_path, FixedClock(NOON)) if "damaged" in one.what]
    assert [(one.verdict, one.what) for one in found] == [
        (Verdict.BAD, f"1 rows are damaged, such as row {number} of store_head")
    ]


@pytest.mark.parametrize("status", [Status.PARTIAL, Status.FAILING, Status.STUCK])
def test_a_source_that_gives_less_than_it_promised_is_something_to_mend(
    tmp_path: Path, clock: FixedClock, status: Status
) -> None:
    sourcebook.save("rack", {"kind": "dummy", "probes": ["a"]})
    sourcebook.note_status(replace(STATE, status=status, error="no energy: a"))
    found = [one for one in examine(tmp_path, clock) if one.subject == "configuration"]
    assert (found[0].verdict, found[0].what) == (
        Verdict.BAD,
        f"source rack is {status}: no energy: a",
    )
