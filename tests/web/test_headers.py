"""How answers are sent: compressed where that helps, static files kept for good."""

import gzip
import re

import pytest
from django.test import Client

from meterhouse.web import headers

pytestmark = pytest.mark.django_db

GZIP = {"Accept-Encoding": "gzip"}


def test_a_page_is_compressed_for_who_takes_that(root: Client, furnished: int) -> None:
    plain, packed = root.get("/reports/"), root.get("/reports/", headers=GZIP)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert len(packed.content) < len(plain.content) / 3
    assert gzip.decompress(packed.content).startswith(b"<!doctype html>")
    assert "Accept-Encoding" in packed.headers["Vary"]


def test_the_length_of_a_compressed_page_tells_nothing(root: Client, furnished: int) -> None:
    lengths = {len(root.get("/account/", headers=GZIP).content) for _ in range(8)}
    assert len(lengths) > 1


def test_points_are_compressed_and_still_answered_by_their_mark(
    root: Client, furnished: int
) -> None:
    address = "/graphs/data/?resource=cloud/mirror&meter=power&from=2026-05-01&to=2026-05-02"
    first = root.get(address, headers=GZIP)
    again = root.get(address, headers={**GZIP, "If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_a_picture_is_not_compressed_twice(root: Client, furnished: int) -> None:
    picture = root.get("/graph/hour/", headers=GZIP)
    assert picture.headers["Content-Type"] in headers.DENSE
    assert "Content-Encoding" not in picture.headers
    assert root.get("/graph/hour.svg", headers=GZIP).headers["Content-Encoding"] == "gzip"


def test_static_files_are_named_by_what_they_hold_and_kept_for_good(root: Client) -> None:
    page = root.get("/graphs/").content.decode()
    addresses = set(re.findall(r"(?:src|href)=\"(/static/[^\"#]+)", page))
    assert len(addresses) > 4
    for address in addresses:
        assert re.search(r"\.[0-9a-f]{12}\.\w+$", address)
        found = root.get(address, headers=GZIP)
        assert found.status_code == 200
        assert "immutable" in found.headers["Cache-Control"]
        assert found.headers["Content-Encoding"] == "gzip"
        whole = b"".join(found.streaming_content)  # type: ignore[attr-defined]
        assert gzip.decompress(whole)


def test_a_static_file_by_its_plain_name_is_not_kept_for_good(root: Client) -> None:
    found = root.get("/static/meterhouse/house.css")
    assert found.status_code == 200
    found.close()
    assert "immutable" not in found.headers["Cache-Control"]


def test_a_part_of_a_static_file_is_sent_as_it_is(root: Client) -> None:
    part = root.get("/static/meterhouse/house.css", headers={**GZIP, "Range": "bytes=0-99"})
    assert part.status_code == 206
    assert len(b"".join(part.streaming_content)) == 100  # type: ignore[attr-defined]
    part.close()
    assert "Content-Encoding" not in part.headers
