"""Everybody sees what is theirs, on every page and every path of the API, and nothing else."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.models import User as Login
from django.test import Client
from django.urls import URLPattern, URLResolver
from tests.inventory.cast import everybody
from tests.web import cast

from meterhouse.inventory.keep import keep
from meterhouse.inventory.scope import Scope
from meterhouse.web import rights, urls
from meterhouse.web.models import Grant

pytestmark = pytest.mark.django_db

SECRETS = ("debian", "builder", "mirror", "alice", "bob", "open source lab", "osl")
"""Words of Alice's that no answer for Carol may hold, but for those she typed herself."""

SERIES = "resource=cloud/mirror&meter=power"

ADDRESSES = {
    "overview": ["/", "/?format=csv"],
    "now": ["/now/"],
    "institutions": ["/institutions/", "/institutions/?format=csv"],
    "institution": ["/institutions/open-source-lab/", "/institutions/nsf/"],
    "projects": ["/projects/", "/projects/?format=csv"],
    "project": ["/projects/debian/", "/projects/debian/cd/", "/projects/debian/?format=csv"],
    "users": ["/users/", "/users/?format=csv"],
    "user": ["/users/alice/", "/users/bob/"],
    "resources": [
        "/resources/",
        "/resources/?ended=1",
        "/resources/?format=csv",
        "/resources/?q=mirror",
        "/resources/?project=debian",
        "/resources/?user=alice",
    ],
    "resource": ["/resources/cloud/mirror/", "/resources/cloud/mirror/?format=csv"],
    "graphs": ["/graphs/", "/graphs/?format=csv", f"/graphs/?{SERIES}"],
    "graph-data": [f"/graphs/data/?{SERIES}"],
    "choose": ["/last/choose/"],
    "last": ["/last/hour/", "/last/hour/?probes=mirror", "/last/year/?format=csv"],
    "last-data": ["/last/hour/data/", "/last/year/data/?probes=mirror,cloud/mirror"],
    "legend": ["/last/year/legend/", "/last/year/legend/?probes=mirror"],
    "last-table": ["/last/year/table/", "/last/year/table/?probes=mirror"],
    "chooser": ["/last/hour/probes/", "/last/hour/probes/?q=mirror"],
    "probe": ["/probe/mirror/", "/probe/cloud/mirror/"],
    "probe-data": ["/graphs/power/mirror/", "/graphs/power/cloud/mirror/"],
    "picture": ["/graph/year/", "/graph/year.svg", "/graph/year.svg?probes=mirror"],
    "picture-of": ["/graph/year/mirror/", "/graph/year/mirror.svg", "/graph/year/cloud/mirror/"],
    "reports": [
        "/reports/",
        "/reports/?by=resource&format=csv",
        "/reports/?by=user&format=json",
        "/reports/?by=institution&institution=open-source-lab",
        "/reports/?project=debian",
    ],
    "usage": [
        "/usage/?project=debian",
        "/usage/?resource=cloud/mirror",
        "/usage/?institution=open-source-lab",
        "/usage/?user=alice",
    ],
    "sources": ["/sources/"],
    "source": ["/sources/cloud/"],
    "search": ["/search/?q=a", "/search/?q=debian", "/search/?q=mirror&format=csv"],
    "account": ["/account/", "/account/?format=csv"],
    "make-token": ["/account/tokens/"],
    "revoke-token": ["/account/tokens/1/revoke/"],
    "password": ["/account/password/"],
    "logins": ["/logins/", "/logins/?format=csv"],
    "make-login": ["/logins/make/"],
    "login-of": ["/logins/1/"],
    "grant": ["/logins/1/grant/"],
    "withdraw": ["/logins/1/withdraw/"],
    "renew-password": ["/logins/1/password/"],
    "close-login": ["/logins/1/close/"],
    "reopen-login": ["/logins/1/reopen/"],
    "delete-login": ["/logins/1/delete/"],
    "see-everything": ["/logins/1/everything/"],
    "end-tokens": ["/logins/1/end/"],
    "login": ["/login/"],
    "logout": ["/logout/"],
    "api-root": ["/api/v1/"],
    "openapi-json": ["/api/v1/openapi.json"],
    "openapi-view": ["/api/v1/docs"],
    "healthz": ["/api/v1/healthz"],
    "all_sources": ["/api/v1/sources"],
    "all_publishers": ["/api/v1/publishers"],
    "metrics": ["/metrics"],
    "history": ["/api/v1/resources/cloud/mirror/history"],
    "data": [f"/api/v1/series/data?{SERIES}"],
    "series": ["/api/v1/series", "/api/v1/series?resource=cloud/mirror"],
    "latest": ["/api/v1/latest", "/api/v1/latest?resource=cloud/mirror"],
    "report": [
        "/api/v1/report?by=resource",
        "/api/v1/report?by=institution&format=csv",
        "/api/v1/report?project=debian",
    ],
    "api institutions": ["/api/v1/institutions"],
    "api projects": ["/api/v1/projects"],
    "api users": ["/api/v1/users"],
    "api resources": ["/api/v1/resources?ended=true", "/api/v1/resources?project=debian"],
    "api resource": ["/api/v1/resources/cloud/mirror"],
}
"""Every route there is, by name, asked for what is Alice's."""


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    """The names of all routes; those of the API that pages have too get ``api`` in front."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, "api ")
        elif pattern.name:
            name = before + pattern.name
            yield name if name in ADDRESSES else pattern.name


def every() -> list[str]:
    return [address for addresses in ADDRESSES.values() for address in addresses]


def leaked(address: str, text: str) -> list[str]:
    asked = unquote(address).lower()
    said = re.sub(r"\b[A-Za-z0-9]{32,}\b", "", text).lower()  # tokens: any word may be in them
    return [word for word in SECRETS if word in said and word not in asked]


def test_every_route_is_walked() -> None:
    assert set(routes(urls.urlpatterns)) == set(ADDRESSES)


@pytest.mark.parametrize("address", every())
def test_carol_sees_nothing_of_alices(carol: Client, furnished: int, address: str) -> None:
    response = carol.get(address)
    assert response.status_code in {200, 302, 400, 403, 404, 405}
    assert leaked(address, response.content.decode(errors="replace")) == []


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/now/",
        "/institutions/",
        "/projects/",
        "/users/",
        "/resources/",
        "/graphs/",
        "/reports/?by=user&format=json",
        "/search/?q=a",
        "/api/v1/institutions",
        "/api/v1/projects",
        "/api/v1/users",
        "/api/v1/resources",
        "/api/v1/series",
        "/api/v1/latest",
        "/api/v1/report?by=resource",
    ],
)
def test_what_is_hidden_from_carol_is_there_for_alice(
    alice: Client, furnished: int, address: str
) -> None:
    assert leaked(address, alice.get(address).content.decode()) != []


@pytest.mark.parametrize(
    "address",
    [
        "/institutions/open-source-lab/",
        "/projects/debian/",
        "/projects/debian/cd/",
        "/users/alice/",
        "/users/bob/",
        "/resources/cloud/mirror/",
        f"/graphs/?{SERIES}",
        f"/graphs/data/?{SERIES}",
        f"/graphs/?{SERIES}&format=csv",
        "/api/v1/resources/cloud/mirror",
        "/api/v1/resources/cloud/mirror/history",
        f"/api/v1/series/data?{SERIES}",
    ],
)
def test_what_is_alices_exists_for_her_and_not_for_carol(
    alice: Client, carol: Client, furnished: int, address: str
) -> None:
    assert alice.get(address).status_code == 200
    assert carol.get(address).status_code == 404


@pytest.mark.parametrize("address", every())
def test_nothing_is_shown_to_who_is_not_logged_in(furnished: int, address: str) -> None:
    response = Client().get(address)
    if address in {"/login/", "/api/v1/healthz"}:
        assert response.status_code == 200
    elif address == "/metrics" or address.startswith("/graph/"):  # asked for by programs
        assert response.status_code == 401
    elif address.startswith("/api/v1/") and response.status_code == 401:
        assert response.json()["error"] == "not logged in"
    else:
        assert response.status_code in {302, 404}
    assert leaked(address, response.content.decode(errors="replace")) == []


def test_a_login_without_grants_sees_nothing(furnished: int) -> None:
    nobody = Login.objects.create_user("nobody", password=cast.PASSWORD)
    assert rights.scope_of(nobody) == Scope.none()
    assert cast.session(nobody).get("/api/v1/resources").json()["total"] == 0


def test_who_is_not_logged_in_has_no_scope(db: None) -> None:
    assert rights.scope_of(AnonymousUser()) == Scope.none()


def test_a_login_that_was_closed_sees_nothing(people: dict[str, Login]) -> None:
    people["root"].is_active = False
    assert rights.scope_of(people["root"]) == Scope.none()


def test_a_grant_on_an_institution_shows_what_it_funds(furnished: int) -> None:
    osl = Login.objects.create_user("osl-finance", password=cast.PASSWORD)
    Grant.objects.create(login=osl, institution="open-source-lab")
    keys = [one["key"] for one in cast.session(osl).get("/api/v1/projects").json()["items"]]
    assert keys == ["debian", "debian/cd"]


def test_sources_are_for_those_who_see_everything(alice: Client, root: Client) -> None:
    assert alice.get("/sources/").status_code == 403
    assert alice.get("/api/v1/sources").status_code == 403
    assert b"/sources/" not in alice.get("/").content
    assert root.get("/sources/").status_code == 200


def test_readings_from_before_it_was_theirs_stay_hidden(
    carol: Client, alice: Client, furnished: int
) -> None:
    """Alice's machine is given to Carol five minutes from the end of what was read."""
    given = furnished - 300_000
    keep(cast.moved(everybody(given), "cloud/mirror", "p-moon"))
    address = f"/api/v1/series/data?{SERIES}&from={furnished - 600_000}&to={furnished}"
    for client, before in ((carol, False), (alice, True)):
        points = client.get(address).json()
        shown = [
            round(at * 1000)
            for at, value in zip(points["at"], points["average"], strict=True)
            if value is not None
        ]
        assert shown
        assert all((at < given) is before for at in shown)


def test_the_newest_reading_is_for_who_has_it_now(
    carol: Client, alice: Client, furnished: int
) -> None:
    keep(cast.moved(everybody(furnished + 1), "cloud/mirror", "p-moon"))

    def latest(client: Client) -> set[str]:
        return {one["resource"] for one in client.get("/api/v1/latest").json()["items"]}

    assert latest(carol) == {"cloud/rocket", "cloud/mirror"}
    assert "cloud/mirror" not in latest(alice)
