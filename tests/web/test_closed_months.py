"""A declaration says what it would change about months that are over, and by how much."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from meterhouse.inventory.keep import keep
from meterhouse.metering.periods import to_ms
from meterhouse.metering.snapshots import Resource, Snapshot, State
from meterhouse.web.declaring import declare, disputes

pytestmark = pytest.mark.django_db
OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
HOUSE = """
[[institutions]]
key = "x"
[[projects]]
key = "c"
"""
BOTH = HOUSE + '[[institutions]]\nkey = "y"\n'


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    server = Resource(
        id="cloud/s", kind="instance", name="s", project="c", state=State.RUNNING, vcpus=1
    )
    path = tmp_path / "estate.toml"
    path.write_text(HOUSE)
    declare(path, tmp_path, now=OCTOBER)
    for at in (OCTOBER, NOW):
        keep(
            [
                Snapshot(
                    source="cloud",
                    kind="instance",
                    at_ms=to_ms(at),
                    complete=True,
                    objects=(server,),
                )
            ]
        )
    return path


def told(path: Path, text: str, now: datetime = NOW) -> tuple[str, ...]:
    """The warnings; the house is as it was after them."""
    path.write_text(text)
    first = disputes(path, now=now)
    assert disputes(path, now=now) == first
    return first


def test_a_first_share_takes_closed_months_from_nobody(estate: Path) -> None:
    text = HOUSE.replace('key = "c"', 'key = "c"\nshares = { x = 1 }')
    assert told(estate, text) == (
        "2026-10 changes: unassigned 744 → 0 h, x 0 → 744 h",
        "2026-11 changes: unassigned 720 → 0 h, x 0 → 720 h",
    )


def test_a_dated_share_warns_of_its_months_and_an_undated_one_does_not(estate: Path) -> None:
    estate.write_text(HOUSE.replace('key = "c"', 'key = "c"\nshares = { x = 1 }'))
    declare(estate, estate.parent, now=NOW)
    share = '[[shares]]\nproject = "c"\ninstitution = "y"\nweight = 1\n'
    assert told(estate, BOTH + share) == ()
    (line,) = told(estate, BOTH + share + "from = 2026-11-16\n")
    assert line == "2026-11 changes: x 720 → 540 h, y 0 → 180 h"


def test_a_share_that_begins_this_month_changes_no_closed_one(estate: Path) -> None:
    share = '[[shares]]\nproject = "c"\ninstitution = "x"\nweight = 1\nfrom = 2026-12-01\n'
    assert told(estate, HOUSE + share, NOW + timedelta(hours=1)) == ()


def test_what_is_older_than_the_months_looked_at_is_said(estate: Path) -> None:
    text = HOUSE.replace('key = "c"', 'key = "c"\nshares = { x = 1 }')
    *_, last = told(estate, text, NOW + timedelta(days=3 * 365))
    assert last == "months up to 2027-10 may change too; only 24 are looked at"
