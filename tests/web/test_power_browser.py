"""The pages of power in a real browser: drawn, live, zoomed, chosen, and open to everybody."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django.live_server_helper import LiveServer
from tests.web import cast
from tests.web.test_browser import RULES, STREAM, full, one_browser, opened, running, served

from meterhouse.live import looks
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.meters import POWER
from meterhouse.metering.samples import Sample

__all__ = ["full", "one_browser", "served"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, databases=["default", "reports"]),
]

DRAWN = "#stack[data-drawn] canvas"
PLACES = (
    "/last/minute/",
    "/last/hour/",
    "/last/year/?probes=mirror",
    "/last/hour/?from=2026-05-01&to=2026-05-02",
    "/probe/mirror/",
)


@pytest.fixture(autouse=True)
def anew() -> None:
    looks.forget()


@contextmanager
def looking(
    server: LiveServer, *, stream: str = "", width: int = 1280, dark: bool = False
) -> Iterator[Page]:
    """A page whose stream says something, once."""
    with running() as browser:
        yield from _looking(browser, server, stream, width=width, dark=dark)


def _looking(
    browser: Browser, server: LiveServer, stream: str, *, width: int, dark: bool
) -> Iterator[Page]:
    def answer(route: Route) -> None:
        body = f"retry: 600000\n\n{stream}"
        route.fulfill(status=200, content_type="text/event-stream", body=body)

    with opened(browser, server, width=width, dark=dark) as page:
        page.route(STREAM, answer)
        yield page


def event(kind: str, said: object) -> str:
    return f"event: {kind}\ndata: {json.dumps(said)}\n\n"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_shuts_anybody_out_and_nothing_is_too_wide(
    full: LiveServer, *, width: int, dark: bool
) -> None:
    found: list[str] = []
    options = {"runOnly": RULES, "resultTypes": ["violations"]}
    with looking(full, width=width, dark=dark) as page:
        for place in PLACES:
            page.goto(place)
            expect(page.locator("[data-drawn] canvas").first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, place
            violations = Axe().run(page, options=options).response["violations"]
            found += [f"{place}: {one['id']}: {one['nodes'][0]['html']}" for one in violations]
        page.goto("/last/hour/")
        page.get_by_role("button", name="Choose probes").click()
        expect(page.get_by_role("checkbox", name="mirror")).to_be_visible()
        violations = Axe().run(page, options=options).response["violations"]
        found += [f"chooser: {one['id']}: {one['nodes'][0]['html']}" for one in violations]
    assert found == []


def test_a_reading_of_the_stream_is_drawn(full: LiveServer) -> None:
    now_ms = SystemClock().now_ms()
    probes = {
        name: {"timestamp": now_ms / 1000, "w": 100.0, "kwh": 1.5}
        for name in ("mirror", "builder", "rocket")
    }
    said = event("state", {"probes": probes}) + event(
        "power", {"at": now_ms + 3000, "w": {"mirror": 987.0}, "kwh": {"mirror": 1.6}}
    )
    with looking(full, stream=said) as page:
        page.goto("/last/minute/")
        expect(page.locator("#now-watts")).to_have_text("1.19 kW")
        expect(page.locator("[data-live=mirror]")).to_have_text("987 W")
        expect(page.locator("#bands")).to_contain_text("987 W")
        expect(page.locator("#live")).to_have_text("live")
        page.goto("/probe/mirror/")
        expect(page.locator("#watts")).to_have_text("987 W")
        expect(page.locator("#counter")).to_have_text("1.600 kWh")


def test_without_a_stream_the_page_asks_again(full: LiveServer) -> None:
    with running() as browser, opened(browser, full) as page:
        page.route(STREAM, lambda route: route.fulfill(status=204))
        page.goto("/last/minute/")
        expect(page.locator(DRAWN)).to_be_visible()
        with page.expect_response(re.compile(r"/last/minute/data/")) as answer:
            pass
        assert answer.value.ok
        expect(page.locator("#live")).to_have_text("refreshed every few seconds")
        expect(page.locator("#now-watts")).to_have_text("300 W")


def test_dragging_and_keys_look_closer_and_home_goes_back_to_live(full: LiveServer) -> None:
    with looking(full) as page:
        page.goto("/last/hour/")
        expect(page.locator(DRAWN)).to_be_visible()
        place = page.locator("#stack .u-over").bounding_box()
        assert place is not None
        y = place["y"] + place["height"] / 2
        page.mouse.move(place["x"] + place["width"] * 0.85, y)
        page.mouse.down()
        page.mouse.move(place["x"] + place["width"] * 0.95, y, steps=4)
        page.mouse.up()
        page.wait_for_url(re.compile(r"/last/hour/\?from=.*&to="))
        expect(page.locator(DRAWN)).to_be_visible()
        closer = page.url
        page.locator("#stack").focus()
        page.keyboard.press("-")
        page.wait_for_url(lambda url: url != closer)
        expect(page.locator(DRAWN)).to_be_visible()
        page.get_by_role("button", name="Earlier").click()
        page.wait_for_url(re.compile("from="))
        expect(page.locator(DRAWN)).to_be_visible()
        page.locator("#stack").focus()
        page.keyboard.press("Home")
        page.wait_for_url(re.compile(r"/last/(hour|minute)/$"))


def test_probes_are_chosen_with_the_keyboard_and_remembered(full: LiveServer) -> None:
    with looking(full) as page:
        page.goto("/last/hour/")
        page.get_by_role("button", name="Choose probes").press("Enter")
        find = page.get_by_role("searchbox", name="Find", exact=True)
        expect(find).to_be_focused()
        page.keyboard.type("rock")
        expect(page.get_by_role("checkbox", name="mirror")).to_be_hidden()
        page.get_by_role("button", name="All", exact=True).press("Enter")
        expect(page.locator("#picked")).to_have_text("1 chosen")
        page.get_by_role("button", name="Show these").press("Enter")
        expect(page.get_by_text("1 of 3 probes")).to_be_visible()
        page.goto("/last/day/")
        expect(page.locator("#bands li")).to_have_count(2)  # when, and rocket
        page.get_by_role("button", name="1 chosen").click()
        page.get_by_role("button", name="Show all probes").click()
        expect(page.get_by_text("All 3 probes")).to_be_visible()


def test_the_legend_is_sorted_and_searched_where_it_stands(full: LiveServer) -> None:
    with looking(full) as page:
        page.goto("/last/hour/")
        lines = page.locator(".probes tbody .name a")
        page.get_by_role("link", name="Probe", exact=True).click()
        expect(page.locator(".probes th").first).to_have_attribute("aria-sort", "ascending")
        assert lines.all_text_contents() == ["builder", "mirror", "rocket"]
        page.get_by_role("link", name="Probe", exact=True).click()
        expect(lines.first).to_have_text("rocket")


def test_the_graph_is_read_as_a_table(full: LiveServer) -> None:
    with looking(full) as page:
        page.goto("/last/hour/")
        page.get_by_text("The graph as a table").click()
        table = page.get_by_role("region", name="The graph as a table")
        expect(table.get_by_role("columnheader", name="mirror")).to_be_visible()
        expect(table.locator("tbody tr").first).to_contain_text("300.0")


def test_a_page_of_many_probes_stands_before_they_are_added_up(full: LiveServer) -> None:
    now_ms = SystemClock().now_ms()
    cast.record(
        [
            Sample(POWER, f"pdu/n{number}", float(number), at)
            for number in range(300)
            for at in (now_ms - 20_000, now_ms - 10_000, now_ms - 100)
        ],
        now_ms,
        sequence=2,
    )
    with looking(full) as page:
        page.goto("/last/minute/")
        expect(page.locator(".probes tbody tr")).to_have_count(40)
        expect(page.locator("#bands")).to_contain_text("nos. 13 to")
        expect(page.get_by_text("1 to 40 of 303")).to_be_visible()
        page.get_by_role("link", name="After").click()
        expect(page.get_by_text("41 to 80 of 303")).to_be_visible()
        page.get_by_placeholder("Find a probe").fill("n29")
        expect(page.locator(".probes tbody tr")).to_have_count(11)
        expect(page.get_by_placeholder("Find a probe")).to_be_focused()


PAINTED = """() => {
    const canvas = document.querySelector("#stack canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const counts = {};
    for (const item of document.querySelectorAll("#bands button")) {
        const [r, g, b] = getComputedStyle(item.querySelector(".swatch")).color.match(/\\d+/g);
        let count = 0;
        for (let at = 0; at < data.length; at += 4) {
            count += data[at] == r && data[at + 1] == g && data[at + 2] == b;
        }
        counts[item.dataset.band] = count;
    }
    return counts;
}"""
"""How many pixels of the graph have the colour of each band."""


def _visible(page: Page) -> set[str]:
    return {name for name, count in page.evaluate(PAINTED).items() if count > 50}


def test_a_band_is_picked_in_the_list_and_given_back(full: LiveServer) -> None:
    everybody = {"mirror", "builder", "rocket"}
    with looking(full) as page:
        page.goto("/last/minute/")
        expect(page.locator(DRAWN)).to_be_visible()
        band = page.locator("#bands").get_by_role("button", name="rocket")
        assert _visible(page) == everybody
        band.click()
        expect(band).to_have_attribute("aria-pressed", "true")
        assert _visible(page) == {"rocket"}
        band.click()
        expect(band).to_have_attribute("aria-pressed", "false")
        assert _visible(page) == everybody
        band.press("Enter")
        assert _visible(page) == {"rocket"}
        band.press("Space")
        assert _visible(page) == everybody


def test_an_address_without_meaning_is_asked_once(full: LiveServer) -> None:
    refused: list[str] = []
    faults: list[str] = []
    with running() as browser, browser.new_context(base_url=full.url) as context:
        page = context.new_page()
        page.on("response", lambda each: refused.append(each.url) if each.status >= 400 else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto("/login/")
        page.get_by_label("Login").fill("root")
        page.get_by_label("Password").fill(cast.PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        page.goto("/last/week/?from=foo")
        expect(page.locator(DRAWN)).to_be_visible()
        expect(page.get_by_text("is no moment")).to_be_visible()
        expect(page).to_have_url(re.compile(r"/last/week/$"))
        page.wait_for_timeout(6000)
    assert [url for url in refused if "/live/" not in url] == [f"{full.url}/last/week/?from=foo"]
    assert faults == []
