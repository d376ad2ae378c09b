"""What was there before a source listed it: nobody's, unless it is nobody's now as well."""

import pytest
from tests.inventory.cast import T0, at, everybody, snapshot

from meterhouse.inventory.earlier import was_there
from meterhouse.inventory.keep import keep
from meterhouse.inventory.reading import history, stretches
from meterhouse.inventory.scope import Scope
from meterhouse.metering.periods import Period
from meterhouse.metering.snapshots import Resource

pytestmark = pytest.mark.django_db
ALL = Scope.all()
LONG_AGO = T0 - 1_000_000
OUTLET = Resource(id="pdu/7", kind="outlet", name="7", details={"feeds": "n1"})
EVER = Period.from_ms(0, at(50))


def spans(key: str) -> list[tuple[int, int, int | None]]:
    found = [(row.start_ms, row.end_ms, row.project_id) for row in history(key, ALL)]
    return sorted(found, key=lambda row: row[0])


def test_what_is_nobodys_was_nobodys() -> None:
    keep([snapshot("outlet", T0, [OUTLET], source="pdu")])
    ((_, end, _),) = spans("pdu/7")
    was_there("pdu/7", LONG_AGO)
    assert spans("pdu/7") == [(LONG_AGO, end, None)]
    (row,) = history("pdu/7", ALL)
    assert row.details == {"feeds": "n1"}


def test_what_is_somebodys_now_was_nobodys_then() -> None:
    keep(everybody(T0))
    ((start, end, owner),) = spans("cloud/mirror")
    was_there("cloud/mirror", LONG_AGO)
    assert spans("cloud/mirror") == [(LONG_AGO, start, None), (start, end, owner)]
    assert owner is not None
    newest, oldest = history("cloud/mirror", ALL)
    assert (oldest.user_id, newest.vcpus) == (None, oldest.vcpus)
    assert "project" in newest.changed


def test_twice_is_once_and_an_earlier_moment_goes_further_back() -> None:
    keep(everybody(T0))
    was_there("cloud/mirror", LONG_AGO)
    before = spans("cloud/mirror")
    was_there("cloud/mirror", LONG_AGO)
    was_there("cloud/mirror", LONG_AGO + 5)
    assert spans("cloud/mirror") == before
    was_there("cloud/mirror", LONG_AGO - 5)
    assert spans("cloud/mirror") == [(LONG_AGO - 5, *before[0][1:]), before[1]]


def test_lists_that_come_later_go_on_from_it() -> None:
    keep(everybody(T0))
    was_there("cloud/mirror", LONG_AGO)
    keep(everybody(at(1)))
    keep(everybody(T0 - 1000))  # late
    (stretch,) = stretches(EVER, ALL)["cloud/mirror"]
    assert stretch[0] == LONG_AGO
    assert [row[0] for row in spans("cloud/mirror")] == [LONG_AGO, T0 - 1000]


def test_what_nobody_ever_listed_stays_unlisted() -> None:
    was_there("pdu/8", LONG_AGO)
    assert history("pdu/8", ALL) == ()
