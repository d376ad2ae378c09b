"""What pages say: full and empty houses, filters, reports, refusals, and what browsers may do."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import User as Login
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.inventory.cast import MIRROR, everybody, instance, snapshot
from tests.web import cast

from meterhouse.inventory.keep import keep
from meterhouse.live.figures import UNKNOWN
from meterhouse.metering.clock import FixedClock, SystemClock
from meterhouse.sources.runner.records import Outcome, Run
from meterhouse.web import sourcebook
from meterhouse.web.models import Grant, Person, SourceConfig
from meterhouse.web.pages import refusals
from meterhouse.web.pages.names import names_for

pytestmark = pytest.mark.django_db

SHARE = "75\N{NO-BREAK SPACE}%"

PAGES = (
    "/",
    "/now/",
    "/institutions/",
    "/institutions/nsf/",
    "/projects/",
    "/projects/debian/",
    "/users/",
    "/users/alice/",
    "/resources/",
    "/resources/cloud/mirror/",
    "/graphs/",
    "/graphs/?resource=cloud/mirror&meter=power",
    "/graphs/data/?resource=cloud/mirror&meter=power",
    "/reports/",
    "/usage/?project=debian",
    "/sources/",
    "/sources/cloud/",
    "/search/?q=debian",
    "/account/",
    "/account/password/",
    "/logins/",
)

MOST_QUERIES = {"/": 52, "/now/": 39, "/resources/cloud/mirror/": 21, "/reports/": 22}
"""The readings of three machines are read series by series; a report asks for the trees of its
period, and in which part of it anything was read.
"""


@pytest.fixture
def configured(furnished: int) -> None:
    now = SystemClock().now()
    SourceConfig.objects.create(
        name="cloud", kind="simulator", config={"seed": 7}, created=now, changed=now
    )


@pytest.fixture
def crowded(configured: None) -> None:
    crowd()


def crowd() -> None:
    """Put in sixty machines more, all of them Alice's."""
    many = [instance(f"web-{n:02}", project="p-debian", user="u-alice") for n in range(60)]
    now_ms = SystemClock().now_ms() + 1
    keep([*everybody(now_ms)[:3], snapshot("instance", now_ms + 1, many)])


@pytest.mark.parametrize("address", PAGES)
def test_a_page_holds_nothing_that_the_browser_is_told_to_refuse(
    root: Client, configured: None, address: str
) -> None:
    response = root.get(address)
    assert response.status_code == 200
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    text = response.content.decode()
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r"(src|href|action)=\"(https?:)?//", text)


@pytest.mark.parametrize("address", PAGES)
def test_a_page_asks_the_database_no_more_when_there_is_more(
    root: Client, configured: None, address: str
) -> None:
    few = questions(root, address)
    crowd()
    assert questions(root, address) <= few <= MOST_QUERIES.get(address, 20)


def questions(client: Client, address: str) -> int:
    """How many the page asks; the second time, when nothing is read for the first time."""
    client.get(address)
    with CaptureQueriesContext(connection) as asked:
        client.get(address)
    return len(asked)


@pytest.mark.parametrize("address", PAGES)
def test_every_form_that_changes_something_carries_a_token(
    root: Client, configured: None, address: str
) -> None:
    forms = re.findall(
        r"<form[^>]*method=\"post\".*?</form>", root.get(address).content.decode(), re.DOTALL
    )
    assert all("csrfmiddlewaretoken" in form for form in forms)


def test_an_empty_house_says_what_to_do(root: Client) -> None:
    text = root.get("/").content.decode()
    assert "meterhouse apply" in text
    assert "Nothing is read yet" in text


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/institutions/", "No institutions yet"),
        ("/projects/", "No projects yet"),
        ("/users/", "No users yet"),
        ("/resources/", "No resources"),
        ("/graphs/", "No series"),
        ("/sources/", "No sources yet"),
        ("/reports/", "Nothing was used in this period"),
        ("/search/?q=x", "Nothing is called"),
        ("/account/", "No tokens"),
    ],
)
def test_an_empty_page_says_so(root: Client, address: str, words: str) -> None:
    assert words in root.get(address).content.decode()


def test_simulated_data_is_said_to_be(root: Client, configured: None) -> None:
    for address in ("/", "/projects/debian/"):
        text = root.get(address).content.decode()
        assert "simulated data, seed 7" in text


def test_a_demo_says_so_while_its_past_is_written(
    root: Client, house: None, machine: FixedClock
) -> None:
    table = {"kind": "simulator", "seed": 7}
    sourcebook.save(sourcebook.DEMO, {**table, "enabled": False})
    assert "is being given 30 days of history" in root.get("/").content.decode()
    machine.move(timedelta(seconds=1))
    sourcebook.save(sourcebook.DEMO, table)
    text = root.get("/").content.decode()
    assert "is being given" not in text
    assert "simulated data, seed 7" in text
    sourcebook.save(sourcebook.DEMO, {**table, "enabled": False})
    assert "Demo" not in root.get("/").content.decode()


def test_only_who_may_open_a_source_is_led_to_it(
    root: Client, carol: Client, configured: None
) -> None:
    link = '<a href="/sources/cloud/">cloud</a>'
    assert link in root.get("/projects/").content.decode()
    text = carol.get("/projects/").content.decode()
    assert "made by the source cloud." in text
    assert link not in text


def test_measured_data_is_not_called_simulated(root: Client, furnished: int) -> None:
    assert "simulated data" not in root.get("/").content.decode()


def test_the_overview_shows_what_is_drawn_now(alice: Client, furnished: int) -> None:
    text = alice.get("/").content.decode()
    assert '200<span class="unit"> W' in text  # mirror and builder, not Carol's rocket
    assert "2 of 2 meters answer" in text


def test_the_live_part_is_fetched_alone(alice: Client, furnished: int) -> None:
    text = alice.get("/now/").content.decode()
    assert "<html" not in text
    assert 'id="power"' in text
    assert "0.500" in text  # CPUs busy


def test_a_project_names_who_funds_it_and_whom_it_inherits_that_from(
    root: Client, furnished: int
) -> None:
    own = root.get("/projects/debian/").content.decode()
    assert SHARE in own
    assert "Open Source Lab" in own
    below = root.get("/projects/debian/cd/").content.decode()
    assert SHARE in below
    assert '/projects/debian/">Debian</a> is' in below


def test_a_resource_shows_its_history(root: Client, furnished: int) -> None:
    keep(cast.moved(everybody(furnished + 1), "cloud/mirror", "p-moon"))
    rows = root.get("/resources/cloud/mirror/?format=csv").content.decode().splitlines()
    assert rows[0].startswith("From,Until,Changed,State,Project")
    assert "project" in rows[1]
    assert "Moon" in rows[1]
    assert "Debian" in rows[2]


def test_resources_are_filtered(root: Client, furnished: int) -> None:
    def found(query: str) -> list[str]:
        rows = root.get(f"/resources/?format=csv&{query}").content.decode().splitlines()
        return [row.split(",")[0] for row in rows[1:]]

    assert found("") == ["builder", "mirror", "rocket"]
    assert found("q=ROCK") == ["rocket"]
    assert found("project=debian") == ["builder", "mirror"]
    assert found("project=debian/cd") == ["builder"]
    assert found("user=carol") == ["rocket"]
    assert found("state=running&order=vcpus") == ["builder", "mirror", "rocket"]
    assert found("state=stopped") == []
    assert found("kind=volume") == []


def test_resources_come_page_by_page_and_the_file_has_all(root: Client, crowded: None) -> None:
    first, last = root.get("/resources/?q=web"), root.get("/resources/?q=web&page=2")
    assert "1–50 of 60" in first.content.decode()  # noqa: RUF001
    assert "51–60 of 60" in last.content.decode()  # noqa: RUF001
    assert len(root.get("/resources/?q=web&format=csv").content.splitlines()) == 61


def test_a_name_from_a_cloud_is_a_text_and_no_tag(root: Client, furnished: int) -> None:
    nasty = replace(MIRROR, name="<script>alert(1)</script>")
    keep([snapshot("instance", furnished + 1, [nasty])])
    text = root.get("/resources/").content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_name_from_a_cloud_is_no_formula_in_a_file(root: Client, furnished: int) -> None:
    nasty = replace(MIRROR, name="=HYPERLINK(1)")
    keep([snapshot("instance", furnished + 1, [nasty])])
    assert b"'=HYPERLINK(1)" in root.get("/resources/?format=csv").content


def test_a_graph_says_what_is_wrong_with_its_period(root: Client, furnished: int) -> None:
    series = "resource=cloud/mirror&meter=power"
    assert "is no period" in root.get(f"/graphs/?{series}&last=aeon").content.decode()
    data = root.get(f"/graphs/data/?{series}&last=aeon")
    assert data.status_code == 400
    assert "aeon" in data.json()["error"]
    assert root.get(f"/graphs/?{series}&last=aeon&format=csv").status_code == 400


def test_the_points_of_a_graph_are_readings_where_they_are_few(
    root: Client, furnished: int, machine: FixedClock
) -> None:
    machine.move(timedelta(milliseconds=1))  # a period ends before its end
    points = root.get("/graphs/data/?resource=cloud/mirror&meter=power&last=hour").json()
    assert points["unit"] == "W"
    assert points["width"] == 0
    assert set(points["columns"][2]) == {100.0}
    assert len(points["columns"][0]) == 121


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("form=2026-05-01", "did you mean"),
        ("to=2026-05-01", "say from when"),
        ("from=yesterday", "is no moment"),
    ],
)
def test_a_graph_says_what_it_does_not_understand(
    root: Client, furnished: int, query: str, words: str
) -> None:
    series = "resource=cloud/mirror&meter=power"
    shown = root.get(f"/graphs/?{series}&{query}")
    assert shown.status_code == 400
    assert words in shown.content.decode()
    assert "The last hour is shown instead" in shown.content.decode()
    assert words in root.get(f"/graphs/data/?{series}&{query}").json()["error"]
    assert root.get(f"/graphs/?{series}&{query}&format=csv").status_code == 400


def test_a_graph_says_what_its_period_comes_to(root: Client, furnished: int) -> None:
    series = "resource=cloud/mirror&meter=power"
    points = root.get(f"/graphs/data/?{series}&last=hour&figures=1").json()
    figures = {one["name"]: f"{one['number']} {one['unit']}" for one in points["figures"]}
    assert points["live"]
    assert figures["Average"] == figures["Last"] == "100 W"
    energy = float(figures["Energy"].removesuffix(" Wh"))
    assert 16.6 < energy < 17.1  # 100 W over ten minutes, and while the last reading stands
    exactly = root.get(f"/graphs/data/?{series}&from=2001-05-01&to=2001-05-02&figures=1").json()
    assert not exactly["live"]
    assert {one["number"] for one in exactly["figures"]} == {UNKNOWN}


def test_a_permalink_is_of_the_same_moments(root: Client, furnished: int) -> None:
    series = "resource=cloud%2Fmirror&meter=power"
    query = f"{series}&from=2026-05-01T10%3A00%3A00&to=2026-05-01T11%3A30%3A00"
    text = root.get(f"/graphs/?{query}").content.decode()
    assert f'id="permalink" href="?{query.replace("&", "&amp;")}"' in text
    assert 'value="2026-05-01 10:00"' in text


def test_every_graph_of_a_page_is_of_one_period(root: Client, furnished: int) -> None:
    text = root.get("/resources/cloud/mirror/").content.decode()
    assert text.count(">last hour</p>") == text.count("data-small") == 2
    assert text.count("last=hour") == 4


def test_series_are_found_by_a_whole_name(root: Client, furnished: int) -> None:
    rows = root.get("/graphs/?resource=cloud/mirror&format=csv").content.decode().splitlines()
    assert [row.split(",")[2] for row in rows[1:]] == ["cpu.time", "power"]


def test_a_graph_downloads_as_it_is_drawn(root: Client, furnished: int) -> None:
    response = root.get("/graphs/?resource=cloud/mirror&meter=power&last=hour&format=csv")
    rows = response.content.decode().splitlines()
    assert rows[0] == "Time,Minimum (W),Average (W),Maximum (W)"
    assert rows[1].endswith(",100.0,100.0,100.0")


def test_a_series_that_is_not_there_is_not_found(root: Client, furnished: int) -> None:
    assert root.get("/graphs/data/?resource=cloud/mirror&meter=voltage").status_code == 404
    assert root.get("/graphs/data/").status_code == 404


@pytest.mark.parametrize("by", ["institution", "project", "user", "resource"])
@pytest.mark.parametrize(
    ("form", "media", "magic"),
    [
        ("csv", "text/csv", b""),
        ("json", "application/json", b"{"),
        ("pdf", "application/pdf", b"%PDF"),
    ],
)
def test_a_report_downloads_in_every_format(
    root: Client, furnished: int, *, by: str, form: str, media: str, magic: bytes
) -> None:
    response = root.get(f"/reports/?by={by}&period=last-7d&format={form}")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith(media)
    assert response.headers["Content-Disposition"].endswith(f'.{form}"')
    assert response.content.startswith(magic)


def test_a_report_adds_up_the_same_however_it_is_asked(root: Client, furnished: int) -> None:
    totals = {
        str(root.get(f"/reports/?by={by}&period=last-7d").context["total"].vcpu_hours)
        for by in ("institution", "project", "user", "resource")
    }
    assert totals == {"24.0"}  # 12 vCPUs for two hours


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("by=colour", "colour"),
        ("period=aeon", "aeon"),
        ("institution=nobody", "nobody"),
        ("project=nothing", "nothing"),
        ("institute=nsf", "did you mean"),
        ("from=2026-05-02&to=2026-05-01&period=custom", "not after"),
    ],
)
def test_a_report_that_cannot_be_asked_says_why(root: Client, query: str, word: str) -> None:
    response = root.get(f"/reports/?{query}")
    assert response.status_code == 400
    assert word in response.context["mistake"]


def test_downloads_of_a_report_keep_its_question(root: Client, furnished: int) -> None:
    query = "by=user&from=2026-05-01&to=2026-05-02&project=debian"
    response = root.get(f"/reports/?{query}&period=custom")
    for name, url in response.context["downloads"]:
        assert url == f"?{query}&period=custom&format={name.lower()}"
    assert 'value="2026-05-01"' in response.content.decode()


def test_a_format_that_is_not_there_is_refused(root: Client, furnished: int) -> None:
    response = root.get("/reports/?format=docx")
    assert response.status_code == 400
    assert b"csv" in response.content


def test_who_sees_a_part_is_told_what_it_used_and_shown_what_changed_last(
    root: Client, carol: Client, furnished: int
) -> None:
    assert 'hx-get="/usage/"' in carol.get("/").content.decode()
    assert 'hx-get="/usage/"' not in root.get("/").content.decode()
    whole = carol.get("/usage/").context["figures"]
    assert whole == carol.get("/usage/?project=moon").context["figures"]
    assert whole.vcpu_hours > 0
    assert "not yours to see" in carol.get("/usage/?project=debian").content.decode()


def test_a_report_leads_only_where_its_reader_may_go(people: dict[str, Login]) -> None:
    cast.furnish()
    dora = Login.objects.create_user("dora")
    Person.objects.create(login=dora, user="alice")
    client = cast.session(dora)
    text = client.get("/reports/?by=project&period=last-7d").content.decode()
    assert "Debian" in text
    assert 'href="/projects/debian/' not in text
    users = client.get("/reports/?by=user&period=last-7d").content.decode()
    assert 'href="/users/alice/?period=last-7d"' in users


def test_all_that_a_user_used_is_on_their_page(root: Client, furnished: int) -> None:
    keep(cast.moved(everybody(SystemClock().now_ms()), "cloud/mirror", "p-moon"))
    rows = [
        row for row in root.get("/reports/?by=user").context["report"].rows if row.key == "alice"
    ]
    figures = root.get("/usage/?user=alice").context["figures"]
    assert figures.server_hours == round(
        Decimal(sum(sum(row.own.server_seconds.values()) for row in rows)) / 3600, 1
    )


def test_power_pages_say_where_the_energy_of_unmetered_things_is(people: dict[str, Login]) -> None:
    nobody = cast.session(Login.objects.create_user("nobody"))
    text = nobody.get("/last/hour/").content.decode()
    assert "Nothing that you may see has a meter of its own" in text
    assert "meterhouse apply" not in text
    assert "meterhouse apply" in cast.session(people["root"]).get("/last/hour/").content.decode()


def test_usage_of_what_used_nothing_is_nothing(root: Client, furnished: int) -> None:
    assert "Nothing" in root.get("/usage/?user=nobody").content.decode()


def test_a_source_shows_its_runs_and_no_secret(root: Client, furnished: int) -> None:
    table = {
        "kind": "ganeti",
        "url": "https://rapi.example:5080",
        "user": "mh",
        "password": "correct horse",
        "fingerprint": ":".join(["A1"] * 32),
    }
    sourcebook.save("cluster", table)
    run = Run(
        source="cluster",
        kind="ganeti",
        at=SystemClock().now(),
        took=timedelta(seconds=3),
        outcome=Outcome.UNREACHABLE,
        error="rapi.example does not answer",
    )
    sourcebook.note([run], [])
    text = root.get("/sources/cluster/").content.decode()
    assert "rapi.example does not answer" in text
    assert "kept, never shown" in text
    assert "correct horse" not in text
    assert root.get("/sources/nowhere/").status_code == 404


def test_a_page_that_is_not_there_says_so(root: Client) -> None:
    response = root.get("/nowhere/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_a_fault_is_told_without_its_cause(
    root: Client, furnished: int, client: Client, people: dict[str, Login]
) -> None:
    response = refusals.failed(root.get("/").wsgi_request)
    assert response.status_code == 500
    assert b"Something went wrong here" in response.content


def test_static_files_are_our_own(root: Client) -> None:
    text = root.get("/graphs/").content.decode()
    for path in re.findall(r"(?:src|href)=\"(/static/[^\"#]+)", text):
        assert Path(path).suffix in {".js", ".css", ".svg"}


def _names_of(client: Client, query: str) -> list[str]:
    report = client.get(f"/reports/?period=last-7d&{query}")
    assert report.status_code == 200
    return [line.row.name for line in report.context["lines"]]


def test_a_flat_report_is_ordered_by_any_figure_and_a_tree_is_not(
    root: Client, furnished: int
) -> None:
    assert _names_of(root, "by=resource&sort=name") == ["builder", "mirror", "rocket"]
    assert _names_of(root, "by=resource&sort=-name") == ["rocket", "mirror", "builder"]
    rising, falling = (_names_of(root, f"by=resource&sort={word}") for word in ("vcpu", "-vcpu"))
    assert sorted(rising) == sorted(falling)
    heads = root.get("/reports/?by=resource&period=last-7d&sort=-kwh").content.decode()
    assert (
        'aria-sort="descending"><a href="?by=resource&amp;period=last-7d&amp;sort=kwh">' in heads
    )
    assert "aria-sort" not in root.get("/reports/?by=project").content.decode()
    for _, url in root.get("/reports/?by=resource&sort=-kwh").context["downloads"]:
        assert "sort" not in url


def test_a_report_by_user_says_in_which_project(root: Client, furnished: int) -> None:
    text = root.get("/reports/?by=user&period=last-7d").content.decode()
    assert '<span class="of path"><span>Debian / </span><span>' in text


def test_what_a_report_leads_to_is_of_the_same_period(root: Client, furnished: int) -> None:
    query = "by=project&period=custom&from=2026-05-01&to=2026-06-01"
    within = "period=custom&from=2026-05-01T00%3A00%3A00&to=2026-06-01T00%3A00%3A00"
    assert root.get(f"/reports/?{query}").status_code == 200
    for place in ("projects/debian", "institutions/nsf", "users/alice", "resources/cloud/mirror"):
        text = root.get(f"/{place}/?{within}").content.decode().replace("&amp;", "&")
        assert re.search(rf'hx-get="/usage/\?[^"]*{re.escape(within)}"', text), place
        if not place.startswith("resources"):
            assert re.search(rf'href="/reports/\?[^"]*{re.escape(within)}"', text), place
    used = root.get(f"/usage/?project=debian&{within}")
    assert "2026-05-01 to 2026-06-01" in used.content.decode()


def test_who_pays_is_offered_the_institutions_whose_part_may_be_asked_for(
    people: dict[str, Login],
) -> None:
    """Debian is paid for by two: who holds one sees the other's name, and not its part."""
    cast.furnish()
    payer = Login.objects.create_user("payer")
    Grant.objects.create(login=payer, institution="nsf")
    client = cast.session(payer)
    offered = [each.key for each in client.get("/reports/").context["institutions"]]
    assert offered == ["nsf"]
    for key in offered:
        assert client.get(f"/reports/?institution={key}").status_code == 200
    others = {
        each.key for each in names_for(client.get("/reports/").wsgi_request).institutions.values()
    }
    for key in others - {"nsf"}:
        assert "not yours to see" in client.get(f"/usage/?institution={key}").content.decode()


def test_graphs_are_listed_and_found_by_name(root: Client, furnished: int) -> None:
    keep([snapshot("instance", furnished + 1, [replace(MIRROR, name="front-door")])])
    text = root.get("/graphs/?q=front-door").content.decode()
    assert ">front-door</a>" in text
    assert '<span class="key">cloud/mirror</span>' in text


def test_files_of_different_periods_have_different_names(root: Client, furnished: int) -> None:
    names = {
        root.get(f"/reports/?format=csv&{query}").headers["Content-Disposition"]
        for query in (
            "from=2026-05-01&to=2026-05-02",
            "from=2026-05-01&to=2026-05-02T12:00",
            "from=2026-05-01T06:00&to=2026-05-02",
            "from=2026-05-01T06:00:30&to=2026-05-02",
        )
    }
    assert len(names) == 4
    assert 'attachment; filename="usage-by-project-20260501-20260502.csv"' in names


def test_a_report_says_to_the_second_until_when_it_counts(root: Client, furnished: int) -> None:
    text = root.get("/reports/?from=2026-05-01&to=2026-05-01T10:31:17").content.decode()
    assert "2026-05-01 00:00 to 2026-05-01 10:31:17 UTC" in text


def test_a_source_shows_its_settings_as_people_write_them(root: Client, furnished: int) -> None:
    table = {"kind": "dummy", "probes": ["n1", "n2"]}
    sourcebook.save("bench", table)
    text = root.get("/sources/bench/").content.decode()
    assert "<dd>n1, n2</dd>" in text
    assert "[&#x27;" not in text


def test_a_long_report_comes_after_its_page(root: Client, furnished: int) -> None:
    """Who asked may go elsewhere; the figures are fetched by the page."""
    address = "/reports/?by=resource&from=2016-01-01&to=2026-01-01"
    page = root.get(address)
    assert page.status_code == 200
    assert "report" not in page.context or page.context["report"] is None
    text = page.content.decode()
    assert 'hx-get="/reports/?by=resource&amp;from=2016-01-01&amp;to=2026-01-01"' in text
    assert "Adding it up" in text
    fetched = root.get(address, headers={"HX-Request": "true"})
    assert fetched.context["report"] is not None
    assert "Adding it up" not in fetched.content.decode()
    assert root.get(f"{address}&format=json").json()["rows"] is not None
    nobody = root.get(f"{address}&project=nobody", headers={"HX-Request": "true"})
    assert nobody.status_code == 200
    assert "there is no such project" in nobody.content.decode()
    assert root.get("/reports/?by=resource&from=x").status_code == 400
