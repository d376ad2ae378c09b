from typing import Any

import pytest

from meterhouse.metering.secrets import Secret, masked


def test_a_secret_shows_itself_nowhere_but_where_it_is_asked_for() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "hunter2"


def test_two_secrets_of_one_text_are_equal() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("http://a/x?token=hunter2", "http://a/x?token=…"),
        ("http://a/x?id=3&access_token=hunter2&y=1#z", "http://a/x?id=3&access_token=…&y=1#z"),
        ("http://a/?API-Key=hunter2;b=1", "http://a/?API-Key=…;b=1"),
        ("https://root:hunter2@a:1/x", "https://root:…@a:1/x"),
        (
            "http://a/cm?user=admin&password=hunter2&cmnd=Status%208",
            "http://a/cm?user=admin&password=…&cmnd=Status%208",
        ),
        ("'http://a/?sig=hunter2' does not answer", "'http://a/?sig=…' does not answer"),
        (["http://a/?auth=hunter2", 3], ["http://a/?auth=…", 3]),
        (("http://a/?auth=hunter2",), ["http://a/?auth=…"]),
        ({"urls": ["http://u:hunter2@a/"]}, {"urls": ["http://u:…@a/"]}),
        ("http://a:8080/x?channel=1", "http://a:8080/x?channel=1"),
        ("a@b.example: no such user", "a@b.example: no such user"),
        (None, None),
    ],
)
def test_what_an_address_holds_is_not_shown(value: Any, shown: Any) -> None:
    assert masked(value) == shown
    assert masked(shown) == shown
