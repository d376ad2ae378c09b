"""What the parts count and what publishers elsewhere say: written, shown, and told Prometheus."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User as Login
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from tests.conftest import NOON
from tests.station.test_telling import STATE
from tests.web import cast

from meterhouse.bus.follow import PublisherState
from meterhouse.bus.messages import Told
from meterhouse.metering.clock import FixedClock, SystemClock
from meterhouse.metering.periods import to_ms
from meterhouse.sources.runner import Status
from meterhouse.station.service import Health
from meterhouse.station.telling import Said, pack
from meterhouse.web import counted, metrics, sourcebook, tokens
from meterhouse.web.doctor import examine
from meterhouse.web.services.observing import Observing

pytestmark = pytest.mark.django_db

NOW_MS = to_ms(NOON)
SAID = Said([STATE], {"bus": {"signature": 7.0, "batches": 9.0}, "journal": {"waiting": 2.0}})


def publisher(last: int = 9, *, silent_s: float = 1.5) -> PublisherState:
    return PublisherState(
        publisher="osl-dc1",
        epoch=1,
        delivered=last,
        acknowledged=last - 2,
        last=last,
        silent_s=silent_s,
    )


@pytest.fixture
def told(house: None) -> None:
    parts = {
        "bus": {"batches": 3.0, "stale": 1.0, "version": 0.0},
        "recorder": {"signature": 4.0, "repeated": 2.0},
        "process": {"cpu_s": 1.5, "memory_bytes": 1e8},
        "links": {"tcp://dc1:8401": 1.0, "tcp://dc2:8401": 2.0},
        "service web": {"running": 1.0, "failures": 2.0},
    }
    counted.note(NOW_MS, parts, [(publisher(), (NOW_MS, SAID))])


def test_what_was_told_is_read_again(told: None) -> None:
    assert counted.parts()["recorder"] == {"signature": 4.0, "repeated": 2.0}
    (row,) = counted.publishers()
    assert (row.last, row.acknowledged, row.heard_ms) == (9, 7, NOW_MS - 1500)
    (state,) = counted.elsewhere()
    assert (state.publisher, state.name, state.status) == ("osl-dc1", "rack", "failing")
    assert (state.counts["samples"], state.counts["blocked"]) == (12, 6)
    assert state.refused == {"negative": 5}


def test_a_publisher_that_says_nothing_new_keeps_what_it_said(told: None) -> None:
    older = Said([], {})
    counted.note(NOW_MS + 1, {}, [(publisher(10), None)])
    counted.note(NOW_MS + 2, {}, [(publisher(11), (NOW_MS, older))])  # recorded, and sent again
    (row,) = counted.publishers()
    assert (row.last, row.told_ms) == (11, NOW_MS)
    assert len(counted.elsewhere()) == 1
    counted.note(NOW_MS + 3, {}, [(publisher(11), (NOW_MS + 3, older))])
    assert counted.elsewhere() == []


def test_sources_of_this_house_stand_first(told: None, clock: FixedClock) -> None:
    sourcebook.save("here", {"kind": "host", "enabled": False})
    sourcebook.save("new", {"kind": "host"})
    sourcebook.save("well", {"kind": "host"})
    sourcebook.note_status(replace(STATE, name="well", status=Status.GOOD, last_good=NOON))
    assert [(state.publisher, state.name, state.status) for state in counted.states()] == [
        ("", "here", "disabled"),
        ("", "new", "starting"),
        ("", "well", "good"),
        ("osl-dc1", "rack", "failing"),
    ]


def values(text: str) -> dict[str, float]:
    """Each sample by name and labels, as Prometheus reads it."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_prometheus_reads_everything(told: None, furnished: int) -> None:
    sourcebook.save("here", {"kind": "host"})
    found = values(metrics.text(NOON + timedelta(seconds=10)))
    of = "[('kind', 'dummy'), ('publisher', 'osl-dc1'), ('source', 'rack')]"
    assert found["meterhouse_sources[('status', 'failing')]"] == 1
    assert found["meterhouse_sources[('status', 'starting')]"] == 1
    assert found[f"meterhouse_source_samples_total{of}"] == 12
    refused = of.replace("('source'", "('reason', 'negative'), ('source'")
    assert found[f"meterhouse_source_refused_total{refused}"] == 5
    assert found["meterhouse_recorded_batches_total[('publisher', 'cloud')]"] == 1
    assert found["meterhouse_publisher_behind[('publisher', 'osl-dc1')]"] == 2
    assert found["meterhouse_publisher_heard_age_seconds[('publisher', 'osl-dc1')]"] == 11.5
    assert found["meterhouse_publisher_journal_waiting[('publisher', 'osl-dc1')]"] == 2
    assert found["meterhouse_counted_total[('part', 'recorder'), ('what', 'signature')]"] == 4
    assert found["meterhouse_service_running[('service', 'web')]"] == 1
    assert found["meterhouse_process_cpu_seconds_total[]"] == 1.5
    assert found["meterhouse_process_memory_bytes[]"] == 1e8


def test_a_word_with_a_quote_and_a_line_end_breaks_nothing(told: None) -> None:
    counted.note(NOW_MS, {'odd "part"\n\\': {"word": 1.0}}, [])
    labels = [("part", 'odd "part"\n\\'), ("what", "word")]
    assert values(metrics.text(NOON))[f"meterhouse_counted_total{labels}"] == 1


def test_metrics_take_a_few_questions_whatever_there_is(told: None) -> None:
    for number in range(20):
        sourcebook.save(f"meter-{number}", {"kind": "host"})
    with CaptureQueriesContext(connection) as asked:
        metrics.text(NOON)
    assert len(asked) <= 10


def test_metrics_are_for_who_sees_everything(told: None, people: dict[str, Login]) -> None:
    now = SystemClock().now()

    def asked(name: str | None) -> int:
        token = tokens.issue(people[name], "prometheus", expires=None, now=now) if name else "mh_x"
        return Client().get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code

    assert [asked(None), asked("alice"), asked("root")] == [401, 403, 200]
    assert Client().get("/metrics").status_code == 401
    assert cast.session(people["alice"]).get("/metrics").status_code == 403
    answer = cast.session(people["root"]).get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert cast.session(people["root"]).post("/metrics").status_code == 405


def rows(root: Client, table: str) -> list[str]:
    return root.get(f"/sources/?format=csv&table={table}").content.decode().splitlines()[1:]


def test_the_page_shows_publishers_their_sources_and_what_was_refused(
    told: None, root: Client
) -> None:
    assert rows(root, "publishers") == ["osl-dc1,2026-05-01T11:59:58+00:00,9,2,0,0,0"]
    assert rows(root, "sources-elsewhere") == [
        "rack,osl-dc1,dummy,failing,,12,3,5,10.0.0.7: no answer"
    ]
    refused = [row.split(",")[:3] for row in rows(root, "refused")]
    assert refused == [
        ["bus", "stale", "1"],
        ["osl-dc1: bus", "signature", "7"],
        ["recorder", "repeated", "2"],
        ["recorder", "signature", "4"],
    ]
    assert b"without the secret, or changed on the way" in root.get("/sources/").content


def test_the_api_tells_of_publishers_and_their_sources(told: None, root: Client) -> None:
    (found,) = root.get("/api/v1/publishers").json()
    assert (found["publisher"], found["last"], found["behind"]) == ("osl-dc1", 9, 2)
    assert found["counts"]["bus"]["signature"] == 7
    assert [source["refused"] for source in found["sources"]] == [{"negative": 5}]


def test_the_api_tells_nobody_else(told: None, alice: Client) -> None:
    assert alice.get("/api/v1/publishers").status_code == 403


def test_a_source_tells_why_numbers_were_not_believed(told: None, root: Client) -> None:
    sourcebook.save("rack", {"kind": "dummy", "probes": 2})
    sourcebook.note_status(STATE)
    page = root.get("/sources/rack/").content.decode()
    assert "5 negative" in page
    assert "held up all others 6 times" in page
    (found,) = root.get("/api/v1/sources").json()
    assert (found["refused"], found["blocked"]) == ({"negative": 5}, 6)


def test_the_observer_writes_down_what_it_hears(house: None, clock: FixedClock) -> None:
    health = Health("web", "running", failures=3)
    observing = Observing(
        clock, lambda: {"bus": {"batches": 5}}, lambda: [publisher()], {"web": health}
    )
    observing.told(Told("osl-dc1", 1, NOW_MS, b"garbage"))
    observing.told(Told("osl-dc1", 1, NOW_MS, pack(SAID)))
    observing.taken()()
    parts = counted.parts()
    assert parts["bus"] == {"batches": 5}
    assert parts["told"] == {"garbled": 1}
    assert parts["service web"] == {"running": 1.0, "failures": 3}
    assert parts["process"]["cpu_s"] > 0
    assert [state.name for state in counted.elsewhere()] == ["rack"]


def test_the_doctor_tells_of_publishers_that_are_silent_and_of_their_sources(
    told: None, tmp_path: Path
) -> None:
    def found(minutes: int) -> list[str]:
        clock = FixedClock(NOON + timedelta(minutes=minutes))
        return [each.what for each in examine(tmp_path, clock) if each.subject == "elsewhere"]

    locked = (
        "tcp://dc2:8401, which is followed, is there, but ends the connection at once:"
        " has it another key?"
    )
    failing = "source rack of osl-dc1 is failing: 10.0.0.7: no answer"
    silent = "publisher osl-dc1 has been silent since 2026-05-01 11:59:58"
    assert found(1) == [locked, failing]
    assert found(10) == [locked, silent, failing]
