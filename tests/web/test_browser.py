"""The pages in a real browser: nothing is refused by it, graphs are drawn, keys work."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer
from tests.web import cast

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, databases=["default", "reports"]),
]

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
POWER = "/graphs/?resource=cloud%2Fmirror&meter=power"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PLACES = (
    "/",
    "/institutions/",
    "/projects/",
    "/projects/debian/",
    "/users/alice/",
    "/resources/",
    "/resources/cloud/mirror/",
    "/graphs/",
    "/graphs/?resource=cloud%2Fmirror&meter=power",
    "/reports/",
    "/sources/",
    "/account/",
    "/account/password/",
    "/logins/",
    "/search/?q=mirror",
)
DRAWN = "#graph[data-drawn] canvas"
STREAM = re.compile(r"/live/power/")


def chromium() -> str:
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        raise pytest.UsageError("Chromium is missing: apt-get install chromium")
    return found


SHARED: list[Browser] = []


@pytest.fixture(scope="module", autouse=True)
def one_browser() -> Iterator[None]:
    """One for all tests of a file; each has windows of its own.

    It runs an event loop in this thread, and Django must be told that its database may be asked
    beside it. It ends with the file: the loops of other tests would find it running.
    """
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        SHARED.append(playwright.chromium.launch(executable_path=chromium(), args=QUIET))
        try:
            yield
        finally:
            SHARED.pop().close()


@contextmanager
def running() -> Iterator[Browser]:
    """The browser of this file. What a test leaves open is closed."""
    (browser,) = SHARED
    try:
        yield browser
    finally:
        for context in browser.contexts:
            context.close()


def quiet(route: Route) -> None:
    """A stream that says nothing: these pages are served without the layer that has it."""
    route.fulfill(status=200, content_type="text/event-stream", body="retry: 600000\n\n")


@contextmanager
def opened(
    browser: Browser, server: LiveServer, *, width: int = 1280, dark: bool = False
) -> Iterator[Page]:
    """A page of somebody who is logged in. At the end the browser must have nothing to complain
    about: a script that failed, or anything that the policy refused.
    """
    context = browser.new_context(
        base_url=server.url,
        viewport={"width": width, "height": 800},
        color_scheme="dark" if dark else "light",
        has_touch=width < 500,
        reduced_motion="reduce",
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.route(STREAM, quiet)
    page.goto("/login/")
    page.get_by_label("Login").fill("root")
    page.get_by_label("Password").fill(cast.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.wait_for_load_state("load")  # its scripts run once all of it is here
    yield page
    context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def served(live_server: LiveServer) -> LiveServer:
    """A server that answers one question at a time.

    SQLite's database of a test is in memory, and all threads share its one connection: two
    questions at once would meet in one transaction. Outside tests each has a connection.
    """
    httpd = live_server.thread.httpd
    answer: Any = httpd.get_app()
    lock = Lock()

    def one_at_a_time(environ: Any, start_response: Any) -> Any:
        with lock:
            return answer(environ, start_response)

    httpd.set_app(one_at_a_time)
    return live_server


@pytest.fixture
def full(transactional_db: None, served: LiveServer) -> LiveServer:
    cast.furnish()
    cast.logins()
    return served


def test_every_page_is_shown_without_a_complaint(full: LiveServer) -> None:
    with running() as browser, opened(browser, full) as page:
        for link in page.locator(".rooms a").evaluate_all("links => links.map(a => a.href)"):
            page.goto(link)
            expect(page.locator("h1, .swagger-ui .title").first).to_be_visible()
        for address in ("/projects/debian/", "/resources/cloud/mirror/", "/account/"):
            page.goto(address)
            expect(page.locator("h1")).to_be_visible()


def test_no_page_is_wider_than_a_phone(full: LiveServer) -> None:
    with running() as browser, opened(browser, full, width=390) as page:
        for address in ("/", "/projects/", "/resources/", POWER, "/reports/", "/account/"):
            page.goto(address)
            wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wider <= 0, address
        expect(page.get_by_role("link", name="Institutions")).to_be_hidden()
        page.get_by_role("button", name="Menu").click()
        expect(page.get_by_role("link", name="Institutions")).to_be_visible()


def test_a_graph_is_drawn_and_dragging_looks_closer(full: LiveServer) -> None:
    with running() as browser, opened(browser, full) as page:
        page.goto(f"{POWER}&last=hour")
        expect(page.locator(DRAWN)).to_be_visible()
        place = page.locator(".u-over").bounding_box()
        assert place is not None
        y = place["y"] + place["height"] / 2
        page.mouse.move(place["x"] + place["width"] * 0.85, y)
        page.mouse.down()
        page.mouse.move(place["x"] + place["width"] * 0.95, y, steps=4)
        page.mouse.up()
        page.wait_for_url(re.compile(r"from=.*&to="))
        assert "last=" not in page.url
        permalink = page.url
        csv = page.get_by_role("link", name="CSV").get_attribute("href")
        assert csv is not None
        assert "from=" in csv
        assert "last=" not in csv
        page.go_back()
        expect(page).to_have_url(re.compile("last=hour"))
        page.goto(permalink)
        expect(page.locator(DRAWN)).to_be_visible()


def test_buttons_zoom_and_move_a_graph_on_a_phone(full: LiveServer) -> None:
    with running() as browser, opened(browser, full, width=390) as page:
        page.goto(f"{POWER}&last=hour")
        expect(page.locator(DRAWN)).to_be_visible()
        for name, seconds in (("Zoom in", 1800), ("Earlier", 1800), ("Zoom out", 3600)):
            with page.expect_response(re.compile("/graphs/data/.*from=")):
                page.get_by_role("button", name=name).tap()
            page.wait_for_function(
                "([least, most]) => { const {from, to} = document.getElementById('graph').points;"
                " return to - from >= least && to - from <= most; }",
                arg=[seconds, seconds + 10],
            )
        permalink = page.get_by_role("link", name="Permalink").get_attribute("href")
        assert permalink is not None
        assert "from=" in permalink
        page.get_by_role("button", name="Now").tap()
        page.wait_for_url(re.compile("last=(hour|day)"))
        assert "from=" not in page.url


def test_a_graph_that_ends_now_goes_on_and_another_does_not(full: LiveServer) -> None:
    with running() as browser, opened(browser, full) as page:
        page.goto(f"{POWER}&last=minute")
        expect(page.locator(DRAWN)).to_be_visible()
        with page.expect_response(re.compile("/graphs/data/")):
            pass
        page.goto(f"{POWER}&from=2026-05-01&to=2026-05-02")
        expect(page.get_by_text("Nothing was read in this period")).to_be_visible()
        assert page.evaluate("document.getElementById('graph').timer") is None


def test_figures_stand_under_a_graph(full: LiveServer) -> None:
    with running() as browser, opened(browser, full) as page:
        page.goto(f"{POWER}&last=hour")
        expect(page.locator("#figures")).to_contain_text(re.compile(r"Energy1[67]\.\d Wh"))
        expect(page.locator("#figures")).to_contain_text("Average100 W")
        expect(page.locator(".u-legend")).to_contain_text("Reading")
        expect(page.locator(".u-legend")).not_to_contain_text("--")


@pytest.mark.parametrize(
    ("least", "most", "unit", "labels"),
    [
        (251.6 * 2**30, 251.61 * 2**30, "By", ["0 GiB", "100 GiB", "200 GiB", "300 GiB"]),
        (0, 537 * 2**20, "By/s", ["0 MiB/s", "200 MiB/s", "400 MiB/s", "600 MiB/s"]),
        (229.0, 233.0, "V", ["228 V", "230 V", "232 V", "234 V"]),
        (0, 0, "W", ["0 W", "0.5 W", "1.0 W"]),
        (None, None, "1", ["0", "0.5", "1.0"]),
        (-12.0, 31.0, "Cel", ["-20 °C", "0 °C", "20 °C", "40 °C"]),
    ],
)
def test_an_axis_has_round_steps(
    full: LiveServer, least: float | None, most: float | None, unit: str, labels: list[str]
) -> None:
    with running() as browser, opened(browser, full) as page:
        page.goto(POWER)
        page.wait_for_function("window.scales")
        made = page.evaluate(
            "(ends) => scales.axis(...ends, 3).marks.map((mark) => mark.label)",
            [least, most, unit],
        )
        assert made == labels


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_shuts_anybody_out(full: LiveServer, *, width: int, dark: bool) -> None:
    """What a program can find of WCAG 2.2 AA: contrast, labels, headings, landmarks."""
    found: list[str] = []
    options = {"runOnly": RULES, "resultTypes": ["violations"]}
    with running() as browser, opened(browser, full, width=width, dark=dark) as page:
        for place in PLACES:
            page.goto(place)
            expect(page.locator("h1")).to_be_visible()
            violations = Axe().run(page, options=options).response["violations"]
            found += [f"{place}: {one['id']}: {one['nodes'][0]['html']}" for one in violations]
    assert found == []


def test_pointing_at_a_graph_reads_its_values(full: LiveServer) -> None:
    with running() as browser, opened(browser, full) as page:
        page.goto(f"{POWER}&last=hour")
        expect(page.locator(DRAWN)).to_be_visible()
        place = page.locator(".u-over").bounding_box()
        assert place is not None
        page.mouse.move(place["x"] + place["width"] * 0.97, place["y"] + 50)
        expect(page.locator(".u-legend")).to_contain_text("100 W")
        expect(page.locator(".u-legend")).to_contain_text("UTC")


def test_the_theme_is_kept(full: LiveServer) -> None:
    with running() as browser, opened(browser, full) as page:
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.get_by_role("button", name="Light or dark").click()
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert light != dark
        page.goto("/projects/")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_a_slash_leads_to_the_search(full: LiveServer) -> None:
    with running() as browser, opened(browser, full) as page:
        page.keyboard.press("/")
        expect(page.locator("#search")).to_be_focused()
        page.keyboard.type("mirr")
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="mirror")).to_be_visible()


def test_the_overview_refreshes_itself(full: LiveServer) -> None:
    with running() as browser, opened(browser, full) as page:
        with page.expect_response(lambda answer: answer.url.endswith("/now/")) as answer:
            page.goto("/")
        assert answer.value.ok
        expect(page.locator("#power")).to_have_count(1)


def test_tables_are_sorted_by_a_click(full: LiveServer) -> None:
    with running() as browser, opened(browser, full) as page:
        page.goto("/resources/")
        names = page.locator("tbody td.name")
        assert names.all_text_contents() == ["builder", "mirror", "rocket"]
        page.get_by_role("button", name="Name").click()
        page.get_by_role("button", name="Name").click()
        assert names.all_text_contents() == ["rocket", "mirror", "builder"]
        expect(page.locator("th").first).to_have_attribute("aria-sort", "descending")


def test_a_table_downloads(full: LiveServer, tmp_path: Path) -> None:
    with running() as browser, opened(browser, full) as page:
        page.goto("/resources/")
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        download.value.save_as(tmp_path / "resources.csv")
        assert len((tmp_path / "resources.csv").read_text().splitlines()) == 4


def test_a_token_is_made_shown_and_revoked(full: LiveServer) -> None:
    with running() as browser, opened(browser, full) as page:
        page.goto("/account/")
        page.get_by_label("What it is for").fill("a script")
        page.get_by_role("button", name="Make it").click()
        expect(page.locator("#new-token")).to_contain_text("mh_")
        page.get_by_role("button", name="Revoke").click()
        expect(page.get_by_text("The token is revoked")).to_be_visible()
        expect(page.get_by_text("No tokens")).to_be_visible()
