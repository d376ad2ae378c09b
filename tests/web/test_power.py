"""Kwapi's pages: six periods, one probe, a choice that is kept, and only what is theirs."""

import csv
import io
import json
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.inventory.cast import everybody, snapshot
from tests.web.cast import HOUR_MS, moved, record

from meterhouse.inventory.keep import keep
from meterhouse.live import looks
from meterhouse.live.probes import Probe, Probes
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.metering.meters import POWER
from meterhouse.metering.periods import from_ms
from meterhouse.metering.samples import Sample
from meterhouse.metering.snapshots import Resource
from meterhouse.web.pages import choice

pytestmark = pytest.mark.usefixtures("furnished")
PERIODS = ("minute", "hour", "day", "week", "month", "year")


def text(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status, path
    return str(response.content.decode())


def points(client: Client, path: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(text(client, path))
    return found


def names(client: Client, path: str) -> list[str]:
    bands = points(client, path)["bands"]
    assert isinstance(bands, list)
    return sorted(band["name"] for band in bands)


@pytest.mark.parametrize("name", PERIODS)
def test_every_period_of_kwapi_has_its_page_and_its_points(root: Client, name: str) -> None:
    assert "Power" in text(root, f"/last/{name}/")
    assert names(root, f"/last/{name}/data/") == ["builder", "mirror", "rocket"]


def test_what_two_meters_measure_is_added_once(root: Client) -> None:
    now_ms = SystemClock().now_ms()
    node = Resource(id="cloud/n1", kind="node", name="n1")
    inlet = Resource(id="pdu/in", kind="inlet", name="in")
    listed = [
        snapshot("node", now_ms - 2, [node]),
        snapshot("inlet", now_ms - 2, [inlet], source="pdu"),
    ]
    for source, place in (("pdu", "outlet"), ("bmc", "node"), ("rapl", "package")):
        fed = {"feeds": "n1", "measures": place}
        one = Resource(id=f"{source}/n1", kind="outlet", name=f"{place}-n1", details=fed)
        listed.append(snapshot("outlet", now_ms - 2, [one], source=source))
    keep(listed)
    watts = {"pdu/in": 310.0, "pdu/n1": 300.0, "bmc/n1": 290.0, "rapl/n1": 200.0}
    record([Sample(POWER, key, value, now_ms) for key, value in watts.items()], now_ms, sequence=2)
    assert names(root, "/last/hour/data/") == ["builder", "mirror", "outlet-n1", "rocket"]
    assert points(root, "/last/minute/data/")["now"] == {"w": 600.0, "answering": 4, "known": 4}
    said = (
        "All 4 probes, the last hour; 3 more measure the same watts and are left out,"
        " so what a PDU itself loses is in reports alone"
    )
    assert said in text(root, "/last/hour/")
    assert "600" in text(root, "/now/")
    assert names(root, "/last/hour/data/?probes=in,mirror") == ["in", "mirror"]
    assert "310" in text(root, "/probe/in/")


def test_an_inlet_counts_where_the_outlets_are_not_metered(root: Client) -> None:
    now_ms = SystemClock().now_ms()
    inlet = Resource(id="pdu/in", kind="inlet", name="in")
    keep([snapshot("inlet", now_ms - 2, [inlet], source="pdu")])
    record([Sample(POWER, "pdu/in", 310.0, now_ms)], now_ms, sequence=2)
    assert names(root, "/last/hour/data/") == ["builder", "in", "mirror", "rocket"]


def test_a_period_that_is_none_is_not_found(root: Client) -> None:
    for path in ("/last/decade/", "/last/decade/data/", "/graph/decade/", "/last/decade/legend/"):
        text(root, path, 404)


def test_the_points_of_the_minute_are_those_that_were_read(root: Client) -> None:
    found = points(root, "/last/minute/data/")
    assert found["live"] is True
    assert found["width"] == 1
    bands = found["bands"]
    assert isinstance(bands, list)
    assert {watts for band in bands for watts in band["watts"] if watts is not None} == {100.0}
    assert found["now"] == {"w": 300.0, "answering": 3, "known": 3}
    of = found["of"]
    assert isinstance(of, dict)
    assert sorted(of) == ["builder", "mirror", "rocket"]


def test_a_legend_has_a_line_for_each_probe_and_one_for_all(root: Client) -> None:
    page = re.sub(r"<[^>]+>|\s+", " ", text(root, "/last/hour/legend/"))
    page = re.sub(r" +", " ", page)
    assert page.count("100 W 100 W 100 W 100 W 16.7 Wh") == 3
    assert "All together 300 W 300 W 300 W 300 W 50.0 Wh" in page


def test_a_legend_is_sorted_searched_and_paged(root: Client, furnished: int) -> None:
    moments = range(furnished - 60_000, furnished, 5000)
    more = [
        Sample(POWER, f"pdu/n{number}", float(number), at)
        for number in range(1, 61)
        for at in moments
    ]
    record(more, furnished, sequence=2)

    def shown(query: str) -> list[str]:
        page = text(root, f"/last/hour/legend/?{query}")
        return re.findall(r'<a href="/probe/([^"]+)/">', page)

    assert shown("sort=name&find=n")[:3] == ["n1", "n2", "n3"]
    assert sorted(shown("sort=-max")[:3]) == ["builder", "mirror", "rocket"]
    assert shown("sort=-avg&find=n")[0] == "n60"
    assert len(shown("")) == 40
    assert len(shown("page=2")) == 23
    assert "the last is 2" in text(root, "/last/hour/legend/?page=999", 400)
    assert shown("find=N17") == ["n17"]
    assert shown("find=nothing-like-it") == []


def test_any_two_moments_can_be_asked_for(root: Client, furnished: int) -> None:
    query = f"?from={furnished - HOUR_MS}&to={furnished - HOUR_MS // 2}"
    found = points(root, f"/last/hour/data/{query}")
    assert found["live"] is False
    assert found["from"] == (furnished - HOUR_MS) / 1000
    assert "Nothing" not in text(root, f"/last/day/{query}")


def test_all_since_a_moment_goes_on(root: Client, furnished: int) -> None:
    since = f"{from_ms(furnished - 300_000):%FT%T}"
    found = points(root, f"/last/hour/data/?from={since}")
    assert found["live"] is True
    assert found["from"] == (furnished - 300_000) // 1000
    assert found["now"] == {"w": 300.0, "answering": 3, "known": 3}
    page = text(root, f"/last/hour/?from={since}")
    assert f"since {since.replace('T', ' ')} UTC" in page
    assert "aria-current" not in page.partition('id="asked"')[2].partition("</nav>")[0]
    picture = re.search(r'href="(/graph/hour/[^"]*)">Look', page)
    assert picture is not None
    assert f"from={since.replace(':', '%3A')}&amp;login=" in picture[1]
    assert Client().get(picture[1].replace("&amp;", "&")).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/last/hour/data/?",
        "/graphs/data/?resource=cloud/mirror&meter=power&",
        "/graphs/power/mirror/?period=hour&figures=1&",
    ],
)
def test_points_that_a_browser_has_are_not_sent_again(
    root: Client, furnished: int, path: str
) -> None:
    address = f"{path}from={furnished - HOUR_MS}&to={furnished}"
    first = root.get(address)
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= set(first.headers["Vary"].split(", "))
    known = {"If-None-Match": first.headers["ETag"]}
    again = root.get(address, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    record([Sample(POWER, "cloud/mirror", 400.0, furnished - 1)], furnished, sequence=2)
    looks.forget()
    assert root.get(address, headers=known).status_code == 200


def test_a_legend_brings_what_stands_around_the_graph_when_it_is_asked_to(root: Client) -> None:
    query = "from=2026-05-01T00:00:00&to=2026-05-02T00:00:00"
    around = text(root, f"/last/day/legend/?{query}&around=1")
    parts = re.findall(r'id="([^"]+)"[^>]* hx-swap-oob="true"', around)
    assert sorted(parts) == [
        *("as-picture", "asked", "doing", "in-words", "shown", "tiles", "to-now")
    ]
    assert "<title>Power, day" in around
    whole = text(root, f"/last/day/?{query}")
    assert all(f'id="{part}"' in whole for part in parts)
    assert "hx-swap-oob" not in whole
    assert "hx-swap-oob" in text(root, f"/last/day/legend/?{query}")
    text(root, f"/last/day/data/?{query}&around=1", 400)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=yesterday", "is no moment"),
        ("to=2026-05-01", "say from when"),
        ("probe=mirror", "nothing is called that here, did you mean: probes"),
        ("probes=~nonsense", "this is no choice"),
        ("from=2026-05-02&to=2026-05-01", "is not after"),
    ],
)
def test_a_slip_of_the_pen_is_said(root: Client, query: str, said: str) -> None:
    assert said.split(",", maxsplit=1)[0] in text(root, f"/last/hour/?{query}", 400)
    assert said.split(",", maxsplit=1)[0] in text(root, f"/last/hour/data/?{query}", 400)
    text(root, f"/last/hour/legend/?{query}", 400)
    text(root, f"/last/hour/table/?{query}", 400)


def rows(client: Client, path: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text(client, path))))


def test_what_is_shown_downloads_as_csv(root: Client) -> None:
    head, *lines = rows(root, "/last/minute/?format=csv")
    assert head == ["Time", "Total (W)", "builder (W)", "mirror (W)", "rocket (W)"]
    assert len(lines) in {300, 301}
    assert [line[1:] for line in lines if line[1]][-2] == ["300.0", "100.0", "100.0", "100.0"]
    head, *lines = rows(root, "/last/hour/legend/?format=csv&sort=name")
    assert [line[0] for line in lines] == ["builder", "mirror", "rocket"]
    assert float(lines[0][head.index("Energy (kWh)")]) == pytest.approx(0.0167, rel=0.01)


def test_the_graph_is_a_table_too(root: Client) -> None:
    page = text(root, "/last/hour/table/")
    assert '<th scope="col" class="number">mirror</th>' in page
    assert "300.0" in page


def test_everybody_sees_their_own_probes_alone(alice: Client, carol: Client) -> None:
    for path in ("/last/hour/data/", "/last/day/data/", "/last/hour/data/?probes=mirror,rocket"):
        assert "rocket" not in names(alice, path)
        assert "mirror" not in names(carol, path)
    assert names(carol, "/last/hour/data/") == ["rocket"]
    for path in ("/last/hour/", "/last/hour/legend/", "/last/hour/probes/", "/last/hour/table/"):
        assert "mirror" not in text(carol, path), path
    assert points(carol, "/last/minute/data/")["now"] == {"w": 100.0, "answering": 1, "known": 1}
    for path in ("/probe/mirror/", "/probe/cloud/mirror/", "/graphs/power/mirror/?period=hour"):
        text(carol, path, 404)


def test_of_what_was_theirs_once_nobody_sees_what_it_draws_now(
    root: Client, carol: Client, furnished: int
) -> None:
    keep(moved(everybody(furnished + 1), "cloud/rocket", "debian"))
    assert points(root, "/last/hour/data/")["now"] == {"w": 300.0, "answering": 3, "known": 3}
    assert points(carol, "/last/hour/data/")["now"] == {"w": None, "answering": 0, "known": 1}
    legend = re.sub(r"<[^>]+>|\s+", " ", text(carol, "/last/hour/legend/"))
    assert "rocket" in legend
    assert "1 of 1" not in legend
    later = furnished + 5000
    record([Sample(POWER, "cloud/rocket", 100.0, later)], later, sequence=2)
    ended = from_ms(furnished).strftime("%H:%M:%S")
    page = text(carol, "/probe/rocket/")
    assert from_ms(later).strftime("%H:%M:%S") not in page
    assert ended in page


def test_nobody_sees_power_without_logging_in(client: Client) -> None:
    for path in ("/last/hour/", "/last/hour/data/", "/probe/mirror/", "/last/hour/legend/"):
        response = client.get(path)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/login/")


def test_a_probe_has_its_page_by_name_and_by_key(root: Client) -> None:
    for path in ("/probe/mirror/", "/probe/cloud/mirror/"):
        page = text(root, path)
        assert "answers" in page
        assert page.count("data-graph=") == 6
        assert "/resources/cloud/mirror/" in page
    text(root, "/probe/nobody/", 404)


def test_a_probe_that_fell_silent_keeps_its_page_and_says_since_when(root: Client) -> None:
    ago = SystemClock().now_ms() - 3 * HOUR_MS
    record([Sample(POWER, "pdu/quiet", 60.0, ago)], ago + HOUR_MS, sequence=2)
    page = text(root, "/probe/quiet/")
    assert "silent since" in page
    assert "none lists it now" in page
    assert "silent since" in text(root, "/last/day/legend/")


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/last/hour/", 20),
        ("/last/hour/data/", 14),
        ("/last/hour/data/?from=2026-05-01&to=2026-05-02", 10),
        ("/last/hour/legend/?around=1", 20),
        ("/last/hour/table/", 12),
        ("/last/hour/probes/", 8),
        ("/probe/mirror/", 85),
        ("/graphs/power/mirror/?period=hour&figures=1", 24),
    ],
)
def test_pages_of_power_ask_the_database_no_more_when_there_are_more_probes(
    root: Client, furnished: int, path: str, most: int
) -> None:
    def queries() -> int:
        root.get(path)
        looks.forget()
        with CaptureQueriesContext(connection) as asked:
            assert root.get(path).status_code == 200
        return len(asked)

    few = queries()
    record(
        [Sample(POWER, f"pdu/n{number}", 50.0, furnished) for number in range(60)],
        furnished,
        sequence=2,
    )
    assert queries() <= few + 1  # the head has a row more
    assert few <= most  # some less where what was read lies in one hour and one day


@pytest.mark.parametrize("name", PERIODS)
def test_each_graph_of_a_probe_has_points(root: Client, name: str) -> None:
    found = points(root, f"/graphs/power/mirror/?period={name}&width=600")
    assert found["unit"] == "W"
    assert found["live"] is True


def test_a_graph_of_a_probe_over_nonsense_is_refused(root: Client) -> None:
    text(root, "/graphs/power/mirror/?period=decade", 400)
    text(root, "/graphs/power/mirror/?period=hour&from=never", 400)


def test_a_choice_is_kept_in_a_cookie_and_given_up_again(root: Client) -> None:
    assert root.get("/last/choose/").status_code == 405
    back = "/last/day/"
    response = root.post("/last/choose/", {"probe": ["mirror", "rocket"], "back": back})
    assert (response.status_code, response.headers["Location"]) == (302, back)
    cookie = response.cookies[choice.COOKIE]
    assert (cookie.value, cookie["samesite"], cookie["httponly"]) == ("mirror,rocket", "Lax", True)
    assert names(root, "/last/hour/data/") == ["mirror", "rocket"]
    assert "2 of 3 probes" in text(root, "/last/hour/")
    assert names(root, "/last/hour/data/?probes=builder") == ["builder"], "the address wins"
    root.post("/last/choose/", {"probe": ["mirror"], "all": "1"})
    assert len(names(root, "/last/hour/data/")) == 3


def test_choosing_leads_nowhere_else(root: Client) -> None:
    response = root.post(
        "/last/choose/", {"probe": "mirror", "back": "https://elsewhere.example/"}
    )
    assert response.headers["Location"] == "/last/hour/"


def test_a_cookie_of_probes_that_are_gone_or_not_theirs_shows_all(carol: Client) -> None:
    for words in ("mirror", "~broken", "x" * 5000):
        carol.cookies[choice.COOKIE] = words
        assert names(carol, "/last/hour/data/") == ["rocket"]


def test_the_chooser_marks_what_is_chosen(root: Client) -> None:
    page = text(root, "/last/hour/probes/?back=/last/day/")
    assert page.count('type="checkbox"') == 3
    assert "checked" not in page
    root.cookies[choice.COOKIE] = "mirror"
    assert text(root, "/last/hour/probes/").count(" checked") == 1


def test_an_empty_house_says_what_to_do(root: Client, furnished: int) -> None:
    from tests.store.conftest import empty_the_store

    empty_the_store()
    assert "No probes found" in text(root, "/last/hour/")
    assert points(root, "/last/hour/data/")["bands"] == []


HOUSE = Probes(Probe(f"rack,{n // 40}/node {n}", f"pdu/{n}", f"node {n}") for n in range(2500))


@pytest.mark.parametrize("every", [1, 2, 3, 50, 1000])
def test_thousands_of_probes_fit_into_a_cookie(every: int) -> None:
    ids = [probe.id for probe in HOUSE.all[::every]]
    words = choice.written(ids, HOUSE)
    assert len(words) < 600
    assert [probe.id for probe in choice.read(words, HOUSE)] == ids


def test_a_choice_stays_right_when_probes_are_added() -> None:
    ids = [probe.id for probe in HOUSE.all[::2]]
    words = choice.written(ids, HOUSE)
    grown = Probes([*HOUSE.all, Probe("new", "pdu/new", "new")])
    assert [probe.id for probe in choice.read(words, grown)] == ids


@pytest.mark.parametrize("words", ["~", "~AAAA", "~!!", "a" * 4000, "~" + "A" * 2000])
def test_what_is_no_choice_is_refused(words: str) -> None:
    with pytest.raises(Mistake):
        choice.read(words, HOUSE)
