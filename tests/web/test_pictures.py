"""Pictures under Kwapi's addresses: for who may see them, sent once, and bounded."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User as Login
from django.test import Client
from tests.web.cast import HOUR_MS, PASSWORD, record

from meterhouse.metering.clock import SystemClock
from meterhouse.metering.meters import POWER
from meterhouse.metering.samples import Sample
from meterhouse.web import tokens
from meterhouse.web.pages import embedding

pytestmark = pytest.mark.usefixtures("furnished")
PNG = b"\x89PNG\r\n\x1a\n"
PERIODS = ("minute", "hour", "day", "week", "month", "year")


def got(client: Client, path: str, status: int = 200, **headers: str) -> bytes:
    response = client.get(path, headers=headers)
    assert response.status_code == status, (path, response.content[:200])
    return bytes(response.content)


@pytest.mark.parametrize("name", PERIODS)
def test_kwapis_addresses_are_png(root: Client, name: str) -> None:
    for path in (f"/graph/{name}/", f"/graph/{name}/mirror/", f"/graph/{name}/cloud/mirror/"):
        response = root.get(path)
        assert response.headers["Content-Type"] == "image/png"
        assert response.content.startswith(PNG)
        assert response.headers["Cache-Control"].startswith("private, max-age=")


@pytest.mark.parametrize(
    "path",
    ["/graph/day.svg", "/graph/day/mirror.svg", "/graph/day/?format=svg", "/graph/day.svg/"],
)
def test_a_picture_may_be_svg(root: Client, path: str) -> None:
    response = root.get(path)
    assert response.headers["Content-Type"] == "image/svg+xml"
    assert response.content.startswith(b"<svg")


def test_a_probe_may_be_called_like_a_picture(root: Client) -> None:
    now_ms = SystemClock().now_ms()
    record([Sample(POWER, "pdu/mirror.svg", 1.0, now_ms - 1000)], now_ms, sequence=2)
    assert root.get("/graph/hour/mirror.svg").headers["Content-Type"] == "image/png"
    assert got(root, "/graph/hour/mirror.svg.svg").startswith(b"<svg")


def test_the_same_picture_is_not_sent_twice(root: Client) -> None:
    first = root.get("/graph/day/mirror/")
    again = root.get("/graph/day/mirror/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"].startswith("private")
    other = root.get("/graph/day/?theme=dark", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200


def test_nobody_gets_a_picture_of_what_is_not_theirs(
    root: Client, alice: Client, carol: Client
) -> None:
    mark = alice.get("/graph/day/mirror/").headers["ETag"]
    for path in ("/graph/day/mirror/", "/graph/day/mirror.svg", "/graph/day/cloud/mirror/"):
        got(carol, path, 404)
        got(carol, path, 404, if_none_match=mark)
    all_of_it = root.get("/graph/day/")
    hers = carol.get("/graph/day/", headers={"If-None-Match": all_of_it.headers["ETag"]})
    assert hers.status_code == 200
    assert hers.headers["ETag"] != all_of_it.headers["ETag"]
    assert b"mirror" not in got(carol, "/graph/day.svg")
    assert b"rocket" in got(carol, "/graph/day.svg")
    got(carol, "/graph/day.svg?probes=mirror", 404)


def test_a_picture_wants_a_login(client: Client) -> None:
    got(client, "/graph/day/", 401)
    response = client.get("/graph/day/", headers={"Accept": "text/html"})
    assert response.headers["Location"] == "/login/?next=/graph/day/"


def test_a_token_of_the_api_opens_pictures(client: Client, people: dict[str, Login]) -> None:
    text = tokens.issue(people["carol"], "wall", expires=None, now=SystemClock().now())
    svg = got(client, "/graph/day.svg", authorization=f"Bearer {text}")
    assert b"rocket" in svg
    assert b"mirror" not in svg
    got(client, "/graph/day/", 401, authorization="Bearer mh_nonsense")


def address(client: Client, path: str) -> str:
    page = client.get(path).content.decode()
    return str(page.split('id="picture-address">')[1].split("<")[0]).replace("&amp;", "&")


def test_the_key_of_a_picture_opens_it_and_nothing_else(
    client: Client, carol: Client, people: dict[str, Login]
) -> None:
    there = address(carol, "/last/day/").removeprefix("http://testserver")
    assert b"rocket" in got(client, f"{there}&format=svg")
    got(client, there.replace("/day/", "/week/"), 401)
    got(client, there.replace("/day/", "/day/rocket/"), 401)
    got(client, f"{there}&probes=rocket", 401)
    got(client, there.replace(f"login={people['carol'].pk}", f"login={people['root'].pk}"), 401)
    got(client, there.replace("login=", "login=x"), 401)
    assert client.get("/last/day/", {"key": "x"}).status_code == 302


def test_a_key_is_good_for_a_year_and_not_for_longer(
    client: Client, carol: Client, people: dict[str, Login]
) -> None:
    said, now = embedding.Said("day", "", "", "", ""), SystemClock().now()
    key = embedding.key_of(people["carol"], said, f"{now:%Y%m%d}")
    number = str(people["carol"].pk)

    def opens(key: str, days: int) -> bool:
        then = now + timedelta(days=days)
        return embedding.login_by_key(number, key, said, now=then) is not None

    assert opens(key, 0)
    assert not opens(key, 1)
    assert not opens(key.replace(key[:8], f"{now + timedelta(days=9):%Y%m%d}"), 1)
    assert not opens(key.partition("-")[2], 0)
    last_day = address(carol, "/last/day/").partition("key=")[2][:8]
    ends = [now + timedelta(days=365), SystemClock().now() + timedelta(days=365)]
    assert last_day in {f"{end:%Y%m%d}" for end in ends}


def test_the_key_of_a_picture_of_some_moments_opens_no_others(
    client: Client, carol: Client, furnished: int
) -> None:
    start, end = furnished - HOUR_MS, furnished - HOUR_MS // 2
    page = f"/last/day/?from={start}&to={end}"
    there = address(carol, page).removeprefix("http://testserver")
    got(client, there)
    live = address(carol, "/last/day/").removeprefix("http://testserver")
    path, _, query = there.partition("?")
    signed = [part for part in query.split("&") if not part.startswith(("from=", "to="))]
    got(client, f"{path}?{'&'.join(signed)}", 401)
    got(client, f"{path}?from={start - 1000}&to={end}&{'&'.join(signed)}", 401)
    got(client, f"{live}&from={start}&to={end}", 401)


def test_a_key_does_not_tell_which_probes_there_are(client: Client, carol: Client) -> None:
    key = address(carol, "/last/day/").removeprefix("http://testserver/graph/day/")
    for word in ("mirror", "cloud/mirror", "nobody", "mirror.svg", "nobody.svg"):
        got(client, f"/graph/day/{word}/{key}", 401)


def test_a_key_ends_with_the_password_and_with_the_login(
    client: Client, carol: Client, people: dict[str, Login]
) -> None:
    there = address(carol, "/last/day/").removeprefix("http://testserver")
    got(client, there)
    login = people["carol"]
    login.set_password(f"{PASSWORD} and more")
    login.save()
    got(client, there, 401)
    login.set_password(PASSWORD)
    login.is_active = False
    login.save()
    got(client, there, 401)


@pytest.mark.parametrize(
    "query",
    [
        "width=199",
        "width=2001",
        "height=99999999",
        "scale=4",
        "scale=0",
        "width=-1",
        "width=2000&height=1600&scale=3",
        "theme=pink",
        "format=gif",
        "legend=2",
        "size=9",
        "from=never",
        "to=2026-05-01",
        "from=2026-05-01&to=2026-04-01",
        "probes=~x",
    ],
)
def test_what_no_picture_can_be_is_refused_in_one_line(root: Client, query: str) -> None:
    said = got(root, f"/graph/day/?{query}", 400)
    assert said.count(b"\n") == 1


def test_a_picture_of_any_two_moments(root: Client, furnished: int) -> None:
    start, end = furnished - 2 * HOUR_MS, furnished - HOUR_MS
    svg = got(root, f"/graph/day/mirror.svg?from={start}&to={end}&width=900&height=300&theme=dark")
    assert b'width="900" height="300"' in svg
    assert b"Nothing was read in this period" in svg


def test_the_cookie_of_a_choice_changes_no_picture(root: Client) -> None:
    root.cookies["probes"] = "mirror"
    assert b"rocket" in got(root, "/graph/day.svg")


def test_without_probes_there_is_no_summary(alice: Client, people: dict[str, Login]) -> None:
    nobody = Client()
    nobody.force_login(Login.objects.create_user("nobody", password=PASSWORD))
    got(nobody, "/graph/day/", 404)


def test_pictures_are_only_looked_at(root: Client) -> None:
    assert root.post("/graph/day/").status_code == 405
    assert root.head("/graph/day/").status_code == 200
