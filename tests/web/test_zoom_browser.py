"""Hands on a graph of power, in a real browser: it follows them without leaving the page."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Locator, Page, Request, Route, expect
from pytest_django.live_server_helper import LiveServer
from tests.web.test_browser import RULES, full, one_browser, opened, running, served

from meterhouse.live import looks

__all__ = ["full", "one_browser", "served"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, databases=["default", "reports"]),
]

DATA = re.compile(r"/last/\w+/data/")
LEGEND = re.compile(r"/last/\w+/legend/.*around=1")
NEAR_S = 25
"""So far may a window be from where a hand put it: some pixels of an hour."""


@pytest.fixture(autouse=True)
def anew() -> None:
    looks.forget()


@contextmanager
def hour(server: LiveServer, *, width: int = 1280) -> Iterator[Page]:
    """The page of the last hour, drawn. It must be the same page until the end."""
    with running() as browser, opened(browser, server, width=width) as page:
        page.goto("/last/hour/")
        expect(page.locator("#stack[data-drawn] canvas")).to_be_visible()
        page.evaluate("window.isTheSamePage = true")
        yield page
        assert page.evaluate("window.isTheSamePage"), "the page was loaded anew"


def over(page: Page) -> Locator:
    return page.locator("#stack .u-over")


def point(page: Page, along: float) -> tuple[float, float]:
    """A point of the graph, a share of the way from its left to its right."""
    over(page).scroll_into_view_if_needed()
    box = over(page).bounding_box()
    assert box is not None
    return box["x"] + box["width"] * along, box["y"] + box["height"] / 2


def drag(page: Page, start: float, end: float) -> None:
    page.mouse.move(*point(page, start))
    page.mouse.down()
    page.mouse.move(*point(page, end), steps=5)
    page.mouse.up()


@contextmanager
def turned(page: Page) -> Iterator[None]:
    """What is done inside leads to another window: its points and its figures are fetched."""
    with page.expect_response(LEGEND) as legend, page.expect_response(DATA) as data:
        yield
    assert data.value.ok
    assert legend.value.ok
    assert urlsplit(data.value.url).query == urlsplit(page.url).query


def moments(page: Page) -> tuple[float, float]:
    """From when to when the address says; of what goes on, until now."""
    query = parse_qs(urlsplit(page.url).query)
    now = page.evaluate("Date.now() / 1000")
    if "from" not in query:
        return now - 3600, now
    start, end = (query.get(word, [""])[0] for word in ("from", "to"))
    return seconds(start), seconds(end) if end else now


def seconds(text: str) -> float:
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


def shown(page: Page, found: tuple[float, float], start: float, end: float) -> None:
    """The window is that part of what was shown before."""
    first, length = found[0], found[1] - found[0]
    now = moments(page)
    assert now == pytest.approx((first + start * length, first + end * length), abs=NEAR_S)


def zoomed(page: Page) -> tuple[float, float]:
    """Half an hour that ends well before now: nothing moves it but hands."""
    with turned(page):
        drag(page, 0.4, 0.9)
    return moments(page)


def test_a_drag_looks_closer_and_back_shows_what_was_there(full: LiveServer) -> None:
    with hour(full) as page:
        before, energy = moments(page), page.locator("#tiles .tile").nth(1)
        expect(energy).to_contain_text(re.compile(r"(49|50)\.\d Wh"))
        with turned(page):
            drag(page, 0.9, 0.95)
        shown(page, before, 0.9, 0.95)
        expect(energy).to_contain_text(re.compile(r"1[45]\.\d Wh"))
        expect(page.locator(".probes tfoot")).to_contain_text(re.compile(r"1[45]\.\d Wh"))
        page.go_back()
        expect(page).to_have_url(re.compile(r"/last/hour/$"))
        expect(energy).to_contain_text(re.compile(r"(49|50)\.\d Wh"))
        page.go_forward()
        expect(energy).to_contain_text(re.compile(r"1[45]\.\d Wh"))


def test_all_that_stands_around_a_graph_is_of_the_same_moments(full: LiveServer) -> None:
    with hour(full) as page:
        zoomed(page)
        start, end = (parse_qs(urlsplit(page.url).query)[word][0] for word in ("from", "to"))
        expect(page.locator("#shown")).to_contain_text(start.replace("T", " "))
        expect(page.locator("#p-from")).to_have_value(start.replace("T", " "))
        expect(page.locator("#asked [aria-current]")).to_have_count(0)
        for name in ("Permalink", "Look at it"):
            link = page.get_by_role("link", name=name).get_attribute("href")
            assert link is not None
            assert parse_qs(urlsplit(link).query)["to"] == [end], name
        with page.expect_download() as download:
            page.locator("#doing").get_by_role("link", name="CSV").click()
        lines = download.value.path().read_text().splitlines()
        assert lines[1].startswith(start)
        page.get_by_text("The graph as a table").click()
        expect(page.locator("#in-words tbody th").first).to_contain_text(end[:10])


def test_a_table_that_is_read_stays_open_and_is_of_the_new_moments(full: LiveServer) -> None:
    with hour(full) as page:
        page.get_by_text("The graph as a table").click()
        rows = page.locator("#in-words tbody tr")
        expect(rows.first).to_be_visible()
        with turned(page):
            drag(page, 0.9, 0.92)
        expect(page.locator("#in-words details")).to_have_attribute("open", "")
        start = parse_qs(urlsplit(page.url).query)["from"][0]
        expect(rows.last).to_contain_text(start.replace("T", " "))


def test_probes_are_chosen_on_a_zoomed_page_and_it_stays_where_it_is(full: LiveServer) -> None:
    with running() as browser, opened(browser, full) as page:
        page.goto("/last/hour/")
        expect(page.locator("#stack[data-drawn] canvas")).to_be_visible()
        zoomed(page)
        address = page.url
        page.get_by_role("button", name="Choose probes").click()
        page.get_by_role("checkbox", name="rocket").check()
        page.get_by_role("button", name="Show these").click()
        expect(page.get_by_text("1 of 3 probes")).to_be_visible()
        assert page.url == address
        page.context.clear_cookies(name="probes")


def test_the_picture_of_a_zoomed_page_is_of_its_moments(full: LiveServer) -> None:
    with hour(full) as page:
        zoomed(page)
        address = page.get_by_role("link", name="Look at it").get_attribute("href")
        answer = page.request.get(f"{full.url}{address}&format=svg")
        start = parse_qs(urlsplit(page.url).query)["from"][0]
        assert answer.ok
        shown = [
            datetime.fromisoformat(text)
            for text in re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?", answer.text())
        ]
        # The picture begins at a whole bucket or minute near the moment that was asked for.
        near = timedelta(minutes=2)
        assert any(abs(each - datetime.fromisoformat(start[:19])) <= near for each in shown)


def test_the_old_picture_stays_until_the_new_one_is_there(full: LiveServer) -> None:
    held: list[Route] = []
    with hour(full) as page:
        page.route(DATA, lambda route: held.append(route))  # noqa: PLW0108 its name is written to
        drag(page, 0.5, 0.9)
        page.wait_for_url(re.compile("from="))
        expect(page.locator("#stack.asking canvas")).to_be_visible()
        expect(page.locator("#stack .state")).to_have_count(0)
        with page.expect_response(DATA):
            held[0].continue_()
        expect(page.locator("#stack.asking")).to_have_count(0)
        page.unroute(DATA)


def test_a_slow_answer_does_not_replace_a_later_one(full: LiveServer) -> None:
    held: list[Route] = []
    with hour(full) as page:
        page.route(DATA, lambda route: route.continue_() if held else held.append(route))
        drag(page, 0.2, 0.9)
        page.wait_for_url(re.compile("from="))
        with turned(page):
            page.get_by_role("button", name="Earlier").click()
        told = page.locator(".said-aloud")
        start = parse_qs(urlsplit(page.url).query)["from"][0].replace("T", " ")
        expect(told).to_contain_text(start)
        held[0].continue_()
        expect(told).to_contain_text(start)
        page.unroute(DATA)


def test_shift_and_drag_moves(full: LiveServer) -> None:
    with hour(full) as page:
        before = zoomed(page)
        page.keyboard.down("Shift")
        with turned(page):
            drag(page, 0.2, 0.5)
        page.keyboard.up("Shift")
        shown(page, before, -0.3, 0.7)


def test_a_wheel_sideways_moves_with_control_zooms_and_else_scrolls(full: LiveServer) -> None:
    with hour(full) as page:
        before = zoomed(page)
        page.mouse.move(*point(page, 0.5))
        with turned(page):
            page.mouse.wheel(-200, 0)
        start, end = moments(page)
        assert start < before[0]
        assert end - start == pytest.approx(before[1] - before[0], abs=2)
        page.keyboard.down("Control")
        with turned(page):
            page.mouse.wheel(0, -150)
        page.keyboard.up("Control")
        closer = moments(page)
        assert closer[1] - closer[0] < 0.7 * (end - start)
        assert start < closer[0] < closer[1] < end
        at, address = page.evaluate("scrollY"), page.url
        page.mouse.wheel(0, 120)
        page.wait_for_function("at => scrollY > at", arg=at)
        assert page.url == address


def test_a_double_click_goes_back_and_so_does_its_button(full: LiveServer) -> None:
    with hour(full) as page:
        back = page.get_by_role("button", name="Back")
        expect(back).to_be_hidden()
        zoomed(page)
        once = page.url
        with turned(page):
            drag(page, 0.3, 0.7)
        expect(back).to_be_visible()
        over(page).dblclick()
        expect(page).to_have_url(once)
        back.click()
        expect(page).to_have_url(re.compile(r"/last/hour/$"))
        expect(back).to_be_hidden()


def test_keys_do_all_of_it(full: LiveServer) -> None:
    with hour(full) as page:
        zoomed(page)
        page.locator("#stack").focus()
        for key, start, end in (("+", 0.25, 0.75), ("-", -0.5, 1.5), ("ArrowLeft", -0.5, 0.5)):
            before = moments(page)
            with turned(page):
                page.keyboard.press(key)
            shown(page, before, start, end)
        before, address = moments(page), page.url
        with turned(page):
            page.keyboard.press("ArrowRight")
        shown(page, before, 0.5, 1.5)
        page.keyboard.press("Escape")
        expect(page).to_have_url(address)
        page.keyboard.press("Home")
        expect(page).to_have_url(re.compile(r"/last/hour/$"))
        expect(page.locator("#stack")).to_be_focused()


def test_many_steps_at_once_ask_once(full: LiveServer) -> None:
    asked: list[Request] = []
    with hour(full) as page:
        before = zoomed(page)
        page.on(
            "request", lambda request: asked.append(request) if DATA.search(request.url) else None
        )
        page.locator("#stack").focus()
        with turned(page):
            for _ in range(4):
                page.keyboard.press("ArrowLeft")
        shown(page, before, -2, -1)
        assert len(asked) == 1


def test_what_ends_now_goes_on_and_what_does_not_stands_still(full: LiveServer) -> None:
    with hour(full) as page:
        live = page.locator("#live")
        expect(live).to_be_visible()
        zoomed(page)
        expect(live).to_be_hidden()
        with page.expect_request(re.compile("/live/power/")), turned(page):
            page.locator("#stack").focus()
            for _ in range(4):
                page.keyboard.press("ArrowRight")
        assert "to=" not in page.url
        expect(live).to_be_visible()
        expect(page.locator("#shown")).to_contain_text("since ")
        with turned(page):
            page.get_by_role("button", name="Zoom in").click()
        assert "to=" not in page.url
        expect(live).to_be_visible()
        with turned(page):
            page.get_by_role("link", name="Live", exact=True).click()
        expect(page).to_have_url(re.compile(r"/last/(minute|hour)/$"))


def test_other_periods_are_shown_in_place(full: LiveServer) -> None:
    with hour(full) as page:
        with turned(page):
            page.get_by_role("link", name="Week", exact=True).click()
        expect(page).to_have_url(re.compile(r"/last/week/$"))
        expect(page).to_have_title(re.compile("week"))
        expect(page.get_by_role("link", name="Week", exact=True)).to_have_attribute(
            "aria-current", "true"
        )


# Fingers


Fingers = list[tuple[float, float]]


def touch(page: Page, *steps: Fingers) -> None:
    """Fingers come down, move from step to step, and lift."""
    session = page.context.new_cdp_session(page)

    def send(kind: str, fingers: Fingers) -> None:
        points: list[Any] = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(fingers)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", steps[0])
    for fingers in steps[1:]:
        send("touchMove", fingers)
    send("touchEnd", [])


def between(first: Callable[[float], Fingers]) -> list[Fingers]:
    return [first(step / 8) for step in range(9)]


def test_two_fingers_zoom(full: LiveServer) -> None:
    with hour(full, width=390) as page:
        with turned(page):
            page.get_by_role("button", name="Earlier").tap()
        before, (_, y) = moments(page), point(page, 0)
        with turned(page):
            touch(
                page,
                *between(
                    lambda s: [
                        (point(page, 0.4 - 0.2 * s)[0], y),
                        (point(page, 0.6 + 0.2 * s)[0], y),
                    ]
                ),
            )
        start, end = moments(page)
        assert end - start == pytest.approx((before[1] - before[0]) / 3, rel=0.1)
        assert (start + end) / 2 == pytest.approx(sum(before) / 2, abs=120)


def test_a_finger_moves_a_graph_and_scrolls_the_page(full: LiveServer) -> None:
    with hour(full, width=390) as page:
        with turned(page):
            page.get_by_role("button", name="Earlier").tap()
        before, (_, y) = moments(page), point(page, 0)
        with turned(page):
            touch(page, *between(lambda s: [(point(page, 0.3 + 0.4 * s)[0], y)]))
        start, end = moments(page)
        assert end - start == pytest.approx(before[1] - before[0], abs=2)
        assert before[0] - start == pytest.approx(0.4 * (end - start), rel=0.15)
        address, at = page.url, page.evaluate("scrollY")
        x, y = point(page, 0.5)
        touch(page, *between(lambda s: [(x, y - 150 * s)]))
        page.wait_for_function("at => scrollY > at + 50", arg=at)
        assert page.url == address


def test_a_tap_reads_the_graph(full: LiveServer) -> None:
    with hour(full, width=390) as page:
        address = page.url
        page.touchscreen.tap(*point(page, 0.95))
        expect(page.locator("#bands")).to_contain_text("100 W")
        assert page.url == address


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_shuts_anybody_out_of_a_zoomed_page(full: LiveServer, width: int) -> None:
    options = {"runOnly": RULES, "resultTypes": ["violations"]}
    with hour(full, width=width) as page:
        with turned(page):
            page.get_by_role("button", name="Earlier").click()
        expect(page.get_by_role("button", name="Back")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        violations = Axe().run(page, options=options).response["violations"]
        assert [f"{one['id']}: {one['nodes'][0]['html']}" for one in violations] == []


# Small graphs


def drag_over(page: Page, graph: Locator, start: float, end: float) -> None:
    graph.scroll_into_view_if_needed()
    box = graph.locator(".u-over").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * start, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, y, steps=5)
    page.mouse.up()


def test_one_graph_of_a_probe_looks_elsewhere_and_back(full: LiveServer) -> None:
    with running() as browser, opened(browser, full) as page:
        page.goto("/probe/mirror/")
        sheet = page.locator(".sheet", has=page.locator("[data-name=hour]"))
        graph = sheet.locator(".graph[data-drawn]")
        expect(graph).to_be_visible()
        expect(sheet).to_contain_text(re.compile(r"1[67]\.\d Wh"))
        page.evaluate("window.isTheSamePage = true")
        with page.expect_response(re.compile(r"/graphs/power/mirror/.*from=")) as answer:
            drag_over(page, graph, 0.9, 0.95)
        assert answer.value.json()["figures"]["average"] == "100 W"
        expect(sheet).to_contain_text(re.compile(r"[45]\.\d\d Wh"))
        expect(sheet.locator("[data-shown]")).to_contain_text(" to ")
        assert "turned=hour" in page.url
        day = page.locator(".sheet", has=page.locator("[data-name=day]"))
        expect(day.get_by_role("button", name="Back", include_hidden=True)).to_be_hidden()
        sheet.get_by_role("button", name="Back").click()
        expect(page).to_have_url(re.compile(r"/probe/mirror/$"))
        expect(sheet).to_contain_text(re.compile(r"1[67]\.\d Wh"))
        assert page.evaluate("window.isTheSamePage")
        page.go_forward()
        expect(sheet).to_contain_text(re.compile(r"[45]\.\d\d Wh"))
        page.reload()
        expect(sheet).to_contain_text(re.compile(r"[45]\.\d\d Wh"))


def test_all_graphs_of_a_resource_look_where_one_is_turned(full: LiveServer) -> None:
    with running() as browser, opened(browser, full) as page:
        page.goto("/resources/cloud/mirror/")
        graphs = page.locator(".graph[data-drawn]")
        expect(graphs).to_have_count(2)
        page.evaluate("window.isTheSamePage = true")
        with (
            page.expect_response(re.compile(r"meter=power.*from=")),
            page.expect_response(re.compile(r"meter=cpu.time.*from=")),
        ):
            drag_over(page, graphs.first, 0.9, 0.95)
        expect(page.locator("[data-shown]").last).to_contain_text(" to ")
        title = page.get_by_role("link", name="Power", exact=True).last.get_attribute("href")
        assert title is not None
        assert "from=" in title
        graphs.last.focus()
        before = page.url
        page.keyboard.press("-")
        page.wait_for_url(lambda url: url != before)
        page.keyboard.press("Home")
        expect(page).to_have_url(re.compile(r"/resources/cloud/mirror/$"))
        expect(page.locator("[data-shown]").first).to_have_text("last hour")
        assert page.evaluate("window.isTheSamePage")


def test_the_graph_of_one_series_follows_hands_too(full: LiveServer) -> None:
    with running() as browser, opened(browser, full) as page:
        page.goto("/graphs/?resource=cloud%2Fmirror&meter=power&last=hour")
        graph = page.locator("#graph[data-drawn]")
        expect(graph).to_be_visible()
        page.evaluate("window.isTheSamePage = true")
        page.keyboard.down("Shift")
        with page.expect_response(re.compile("/graphs/data/.*from=.*to=")):
            drag_over(page, graph, 0.5, 0.55)
        page.keyboard.up("Shift")
        expect(page.locator("#figures")).to_contain_text("Average100 W")
        graph.focus()
        page.keyboard.press("Escape")
        expect(page).to_have_url(re.compile("last=hour"))
        assert page.evaluate("window.isTheSamePage")
