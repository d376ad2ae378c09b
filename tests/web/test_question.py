"""Every address, asked what has no meaning: 4xx in the form of the address, and never a fault."""

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote, urlencode

import pytest
from django.contrib.auth.models import User as Login
from django.db import connection
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meterhouse.metering.errors import Mistake
from meterhouse.metering.periods import from_ms
from meterhouse.store.models import Series
from meterhouse.web import tokens
from meterhouse.web.converters import Key
from meterhouse.web.pages.question import FLAG, PAGE, Check, Question, moment, one_of, text, whole
from meterhouse.web.pages.refusals import Form

pytestmark = pytest.mark.django_db

NAMES = {
    "key": "cloud/mirror",
    "word": "mirror",
    "name": "hour",
    "token": "1",
    "login": "1",
    "rest": "nowhere",
}
"""What stands for the parts of an address that a pattern leaves open."""

OWN = {
    "institutions/<key:key>/": {"key": "nsf"},
    "projects/<key:key>/": {"key": "debian"},
    "users/<key:key>/": {"key": "alice"},
    "sources/<key:name>/": {"name": "cloud"},
}

ASKED = (
    *("from", "to", "last", "period", "page", "size", "q", "by", "sort", "find", "probes"),
    *("format", "table", "width", "project", "user", "institution", "resource", "meter"),
)
"""What addresses are asked, most of them."""

TYPES = {
    Form.PAGE: "text/html; charset=utf-8",
    Form.PART: "text/html; charset=utf-8",
    Form.JSON: "application/json",
    Form.TEXT: "text/plain; charset=utf-8",
}


def _patterns(
    found: list[URLPattern | URLResolver], before: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for each in found:
        route = f"{before}{each.pattern}"
        if isinstance(each, URLResolver):
            yield from _patterns(each.url_patterns, route)
        else:
            yield route, each


def _address(route: str) -> str:
    own = {**NAMES, **OWN.get(route, {})}
    return "/" + re.sub(r"<\w+:(\w+)>", lambda part: own[part[1]], route)


def _form(pattern: URLPattern, route: str) -> Form:
    question = getattr(pattern.callback, "question", None)
    return question.form if question else Form.JSON if route.startswith("api/") else Form.PAGE


ROUTES = [
    (_address(route), _form(pattern, route))
    for route, pattern in _patterns(get_resolver().url_patterns)
]
WRONG = (
    "no-such-word=1",
    "fro%00m=1",
    "from=fo%00o",
    "%00",
    "no%0Asuch=1",
    "page=1&page=2",
    "format=csv&format=csv",
    "limit=2",
)
"""What means nothing at any address."""

ODD = (
    *("page=-1", "page=0", "page=x", "page=99999999999999999999999", "page=999", "size=0"),
    *("from=foo", "from=foo&to=bar", "from=2026-05-02&to=2026-05-01", "to=2026-05-01"),
    *("from=0001-01-01", "from=9999-12-31T23:59:59%2B00:00", "from=99999999999999999999"),
    *("format=docx", "format=", "table=nothing&format=csv", "width=-5", "width=99999999999"),
    *("last=aeon", "period=aeon", "by=colour", "sort=colour", "order=colour", "state=colour"),
    *("probes=~~~", "probes=nobody", "project=nobody", "user=nobody", "institution=nobody"),
    *("q=%ED%A0%80", "q=%FF%FE", "q=" + "x" * 5000, "key=1&login=99999999999999999999"),
    *("resource=cloud/mirror", "resource=x&meter=y", "ended=2", "back=//elsewhere.example"),
    *("period=custom", "scale=9", "height=1", "theme=pink", "around=2", "figures=x", "turned=9"),
)
"""What means nothing at some."""


def _holds(response: HttpResponseBase, form: Form) -> None:
    assert 400 <= response.status_code < 500
    assert response.headers["Content-Type"].startswith(TYPES[form])
    if form in {Form.PAGE, Form.PART}:
        assert isinstance(response, HttpResponse)
        assert (b"<!doctype html>" in response.content) is (form is Form.PAGE)


@pytest.mark.parametrize(("address", "form"), ROUTES)
def test_what_no_address_takes_is_refused_in_its_form(
    root: Client, furnished: int, *, address: str, form: Form
) -> None:
    root.raise_request_exception = False
    for query in WRONG:
        is_file = "format=csv" in query and form is Form.PAGE
        _holds(root.get(f"{address}?{query}"), Form.TEXT if is_file else form)


@pytest.mark.parametrize(("address", "form"), ROUTES)
def test_nothing_that_is_asked_is_a_fault(
    root: Client, furnished: int, *, address: str, form: Form
) -> None:
    root.raise_request_exception = False
    for query in ODD:
        response = root.get(f"{address}?{query}")
        assert response.status_code < 500, query
        if response.status_code >= 400 and "format" not in query:
            _holds(response, form)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_any_question_is_answered_or_refused(
    root: Client, furnished: int, data: st.DataObject
) -> None:
    names = st.sampled_from(ASKED)
    words = st.lists(
        st.tuples(names | st.text(max_size=5), st.text(max_size=12) | st.integers().map(str)),
        max_size=4,
    )
    address, _ = data.draw(st.sampled_from(ROUTES))
    root.raise_request_exception = False
    asked = data.draw(words)
    query = urlencode(asked, errors="replace")
    assert root.get(f"{address}?{query}").status_code < 500


@pytest.mark.parametrize("address", ["/logins/make/", "/account/tokens/", "/last/choose/"])
def test_a_form_with_a_zero_byte_is_refused(root: Client, furnished: int, address: str) -> None:
    response = root.post(address, {"name": "a\0b", "probe": "mir\0ror", "back": "/"})
    assert response.status_code == 400


def test_a_cookie_with_a_zero_byte_is_refused(client: Client) -> None:
    response = client.get("/", headers={"Cookie": r'sessionid="aaaaaaaaaaaa\000"'})
    assert response.status_code == 400


@pytest.mark.parametrize("address", ["/resources/a%00b/", "/api/v1/resources/a%00b", "/%00"])
def test_a_path_with_a_zero_byte_leads_nowhere(root: Client, address: str) -> None:
    assert root.get(address).status_code == 404


@pytest.mark.parametrize(("address", "form"), ROUTES)
def test_a_method_that_is_not_taken_is_refused_in_the_form_of_the_address(
    root: Client, furnished: int, *, address: str, form: Form
) -> None:
    response = root.delete(address)
    if response.status_code == 405:
        _holds(response, form)
        assert response.headers["Allow"]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/resources/?page=999", "the last is 1"),
        ("/resources/?limit=2", "limit: nothing is called that here"),
        ("/last/week/?from=foo", "is no moment"),
        ("/graphs/?page=7", "the last is 1"),
        ("/resources/?user=nobody", "no such user"),
        ("/projects/?table=nothing&format=csv", "there are: projects"),
        ("/reports/?by=project&sort=-kwh", "order of the tree"),
    ],
)
def test_it_says_what_is_wrong(root: Client, furnished: int, address: str, words: str) -> None:
    response = root.get(address)
    assert response.status_code == 400
    assert words in response.content.decode()


# What the description of an operation says


def test_the_api_knows_its_parameters(root: Client, furnished: int) -> None:
    assert root.get("/api/v1/resources?q=mirror&size=2&page=1&ended=true").status_code == 200
    assert root.get("/api/v1/report?from=2026-05-01&to=2026-05-02&by=user").status_code == 200
    said = root.get("/api/v1/resources?limit=2")
    assert said.status_code == 400
    assert said.json()["detail"].startswith("limit: nothing is called that here")
    assert set(said.json()) == {"error", "detail"}


def test_a_token_reads_the_description(furnished: int, people: dict[str, Login]) -> None:
    token = tokens.issue(people["alice"], "test", expires=None, now=from_ms(furnished))
    bearer = {"Authorization": f"Bearer {token}"}
    described = Client().get("/api/v1/openapi.json", headers=bearer)
    assert described.status_code == 200
    for path in described.json()["paths"].values():
        assert {"200", "400", "401", "404", "422"} <= set(path["get"]["responses"])
    for headers in ({}, {"Authorization": "Bearer mh_wrong"}):
        refused = Client().get("/api/v1/openapi.json", headers=headers)
        assert refused.status_code == 401
        assert set(refused.json()) == {"error", "detail"}
    assert Client().get("/api/v1/docs").status_code == 302


# Checks


def test_a_word_that_means_nothing_is_a_mistake_that_names_the_near_one() -> None:
    question = Question({"from": text, "to": text})
    question.check(QueryDict("from=&to="))
    with pytest.raises(Mistake, match='form: nothing is called that here; did you mean "from"'):
        question.check(QueryDict("form="))


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (PAGE, "7", "\N{ARABIC-INDIC DIGIT SEVEN}"),
        (whole(0, 10), "0", "011"),
        (whole(5, 10), "5", "4"),
        (FLAG, "1", "0"),
        (one_of(("a", "b")), "b", "c"),
        (moment, "2026-05-01", "2026-05-32"),
    ],
)
def test_a_check_lets_only_what_means_something_pass(check: Check, right: str, wrong: str) -> None:
    check("word", right)
    with pytest.raises(Mistake, match="word: "):
        check("word", wrong)


# Keys that no source should have given


@given(key=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_any_key_has_an_address_that_leads_to_it(key: str) -> None:
    converter = Key()
    assert converter.to_python(converter.to_url(key)) == key
    address = reverse("resource", args=[key])
    parts = address.removeprefix("/resources/").removesuffix("/").split("/")
    assert not {"", ".", ".."} & set(parts)
    assert get_resolver().resolve(_decoded(address)).kwargs == {"key": key}


def _decoded(address: str) -> str:
    """As a server hands it on: escaped signs are themselves."""
    return unquote(address)


@pytest.mark.parametrize("key", ["plain", "cloud/mirror", "a+b", "ü/名", "x@y:z~"])
def test_an_ordinary_key_stands_as_it_is(key: str) -> None:
    assert reverse("resource", args=[key]) == f"/resources/{quote(key, safe='/+@:~')}/"


@pytest.mark.parametrize("name", ["web\nlog", "a\r\nb", "..", "50%", "%2e", "tab\there"])
@pytest.mark.parametrize(
    "address", ["/", "/resources/", "/search/?q=e", "/reports/?by=resource&period=last-7d"]
)
def test_a_name_that_was_let_in_takes_no_page_down(
    root: Client, furnished: int, *, name: str, address: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE inventory_resource SET key = %s WHERE key = 'cloud/mirror'", [f"cloud/{name}"]
        )
        cursor.execute("UPDATE inventory_project SET key = %s WHERE key = 'debian'", [name])
    assert root.get(address).status_code == 200
    assert root.get(reverse("resource", args=[f"cloud/{name}"])).status_code == 200
    shown = root.get(reverse("project", args=[name]))
    assert shown.status_code == 200
    for to in re.findall(r'(?:href|hx-get)="([^"#]+)"', shown.content.decode()):
        if to.startswith(("/projects/", "/usage/", "/reports/", "/resources/")):
            assert root.get(to.replace("&amp;", "&")).status_code == 200, to


def test_a_probe_that_never_spoke_has_a_page(root: Client, furnished: int) -> None:
    Series.objects.create(resource="pdu/n1", meter="power", hold_ms=10_000)
    shown = root.get("/probe/n1/")
    assert shown.status_code == 200
    assert "it has not said a number yet" in shown.content.decode()
    points = root.get("/graphs/power/n1/?period=hour&figures=1")
    assert points.status_code == 200
    assert points.json()["columns"] == [[], [], [], []]
    assert root.get("/graph/hour/n1/").status_code == 200
    assert root.get("/last/hour/").status_code == 200
