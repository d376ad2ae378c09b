"""The API: what it lists, how it pages, how it refuses, and that it says all that itself."""

import re

import pytest
from django.contrib.auth.models import User as Login
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.web import cast

from meterhouse.metering.meters import POWER
from meterhouse.metering.samples import Sample

pytestmark = pytest.mark.django_db

LISTS = ("institutions", "projects", "users", "resources", "series", "latest")


def keys(client: Client, address: str) -> list[str]:
    return [one["key"] for one in client.get(f"/api/v1/{address}").json()["items"]]


def test_lists_hold_what_there_is(root: Client, furnished: int) -> None:
    assert keys(root, "institutions") == ["nsf", "open-source-lab"]
    assert keys(root, "projects") == ["debian", "debian/cd", "moon"]
    assert keys(root, "users") == ["alice", "bob", "carol"]
    assert keys(root, "resources") == ["cloud/builder", "cloud/mirror", "cloud/rocket"]


def test_a_project_names_its_parent_and_its_path(root: Client, furnished: int) -> None:
    found = root.get("/api/v1/projects").json()["items"][1]
    assert (found["parent"], found["path"]) == ("debian", ["Debian", "CD"])


def test_a_resource_tells_its_owner_and_size(root: Client, furnished: int) -> None:
    found = root.get("/api/v1/resources/cloud/builder").json()
    assert (found["project"], found["user"], found["vcpus"]) == ("debian/cd", "bob", 8)
    assert found["ended"] is None


def test_resources_are_filtered(root: Client, furnished: int) -> None:
    assert keys(root, "resources?q=rock") == ["cloud/rocket"]
    assert keys(root, "resources?project=debian") == ["cloud/builder", "cloud/mirror"]
    assert keys(root, "resources?state=stopped") == []
    assert keys(root, "resources?source=cloud&kind=instance&size=1") == ["cloud/builder"]


@pytest.mark.parametrize("name", LISTS)
def test_lists_come_page_by_page(root: Client, furnished: int, name: str) -> None:
    total = root.get(f"/api/v1/{name}").json()["total"]
    pages = [root.get(f"/api/v1/{name}?size=1&page={n + 1}").json() for n in range(total)]
    assert [len(page["items"]) for page in pages] == [1] * total
    assert {page["pages"] for page in pages} == {total}
    after = root.get(f"/api/v1/{name}?size=1&page={total + 1}")
    assert after.status_code == 400
    assert f"the last is {total}" in after.json()["detail"]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_takes_a_few_questions_to_the_database(
    root: Client, furnished: int, name: str
) -> None:
    with CaptureQueriesContext(connection) as asked:
        root.get(f"/api/v1/{name}")
    assert len(asked) <= 12


def test_history_is_newest_first(root: Client, furnished: int) -> None:
    [revision] = root.get("/api/v1/resources/cloud/mirror/history").json()
    assert revision["project"] == "debian"
    assert revision["end"] is None


def test_series_data_are_readings_or_buckets(root: Client, furnished: int) -> None:
    few = root.get("/api/v1/series/data?resource=cloud/mirror&meter=power&last=hour").json()
    assert (few["unit"], few["width_s"], few["rate"]) == ("W", 0, False)
    rate = root.get("/api/v1/series/data?resource=cloud/mirror&meter=cpu.time&last=hour").json()
    assert (rate["unit"], rate["rate"]) == ("CPUs", True)
    assert {round(value, 9) for value in rate["average"]} == {0.5}


def test_the_newest_reading_says_whether_it_stands(root: Client, furnished: int) -> None:
    old = Sample(POWER, "cloud/old", 5.0, furnished - 3_600_000)
    cast.record([old], furnished, sequence=2)
    found = root.get("/api/v1/latest?meter=power").json()["items"]
    stands = {one["resource"]: (one["value"], one["stands"]) for one in found}
    assert stands["cloud/mirror"] == (100.0, True)
    assert stands["cloud/old"] == (5.0, False)


@pytest.mark.parametrize(
    ("form", "media"),
    [("json", "application/json"), ("csv", "text/csv"), ("pdf", "application/pdf")],
)
def test_a_report_comes_in_every_format(
    root: Client, furnished: int, form: str, media: str
) -> None:
    response = root.get(f"/api/v1/report?by=user&period=last-7d&format={form}")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith(media)


@pytest.mark.parametrize(
    ("address", "status", "word"),
    [
        ("report?by=colour", 400, "colour"),
        ("report?format=docx", 400, "docx"),
        ("report?project=nothing", 400, "nothing"),
        ("resources?project=nothing", 400, "nothing"),
        ("resources?page=0", 422, "page"),
        ("resources?size=1001", 422, "size"),
        ("resources?state=asleep", 422, "state"),
        ("resources/cloud/nothing", 404, "does not exist"),
        ("resources/cloud/nothing/history", 404, "does not exist"),
        ("series/data?resource=cloud/mirror&meter=voltage", 404, "does not exist"),
        ("series/data?resource=cloud/mirror", 422, "meter"),
        ("series/data?resource=cloud/mirror&meter=power&last=aeon", 400, "aeon"),
        ("series/data?resource=cloud/mirror&meter=power&width=9999", 422, "width"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_reason(
    root: Client, furnished: int, address: str, status: int, word: str
) -> None:
    response = root.get(f"/api/v1/{address}")
    assert response.status_code == status
    assert set(response.json()) == {"error", "detail"}
    assert word in response.json()["detail"]


def test_nothing_can_be_changed(root: Client) -> None:
    for method in (root.post, root.put, root.patch, root.delete):
        assert method("/api/v1/projects").status_code == 405


def test_a_refusal_says_how_to_log_in(db: None) -> None:
    response = Client().get("/api/v1/projects")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_the_house_says_that_it_answers(db: None) -> None:
    assert Client().get("/api/v1/healthz").json()["status"] == "ok"


def test_everything_is_described(people: dict[str, Login], root: Client) -> None:
    described = root.get("/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert "/api/v1/resources/{key}/history" in described["paths"]
    summaries = [one["get"]["summary"] for one in described["paths"].values()]
    assert len(set(summaries)) == len(summaries)


def test_the_errors_of_each_address_are_described(root: Client) -> None:
    described = root.get("/api/v1/openapi.json").json()
    shape = {"$ref": "#/components/schemas/Refusal"}
    assert set(described["components"]["schemas"]["Refusal"]["properties"]) == {"error", "detail"}
    for at, methods in described["paths"].items():
        for operation in methods.values():
            errors = {code: one for code, one in operation["responses"].items() if code >= "400"}
            assert set(errors) >= ({"503"} if at.endswith("healthz") else {"400", "401", "404"})
            for one in errors.values():
                assert one["content"]["application/json"]["schema"] == shape


def test_the_description_is_shown_from_this_house_alone(root: Client) -> None:
    text = root.get("/api/v1/docs").content.decode()
    assert re.search(r'"/static/ninja/swagger-ui-bundle\.[0-9a-f]{12}\.js"', text)
    assert "https://" not in text.replace("https://django-ninja", "")


@pytest.mark.parametrize("address", ["/api/v1/nope", "/api/nope", "/api/v1/projects/nope/x"])
def test_an_address_that_leads_nowhere_is_json_too(house: None, address: str) -> None:
    for answer in (Client().get(address), Client(enforce_csrf_checks=True).post(address)):
        assert answer.status_code == 404
        assert answer.json()["error"]
