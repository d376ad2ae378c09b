"""Logging in, guessing passwords, logging out."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User as Login
from django.test import Client
from pytest_django.fixtures import Settings
from tests.web.cast import PASSWORD

from meterhouse.metering.clock import FixedClock, SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.web import logins, throttle, tokens
from meterhouse.web.models import FailedLogin

pytestmark = pytest.mark.django_db
WINDOW_MS = throttle.WINDOW // timedelta(milliseconds=1)


def log_in(
    account: str, password: str, *, address: str = "10.0.0.1", client: Client | None = None
) -> int:
    form = {"username": account, "password": password}
    return (client or Client()).post("/login/", form, REMOTE_ADDR=address).status_code


def test_the_right_password_opens_the_door(people: dict[str, Login]) -> None:
    client = Client()
    assert log_in("alice", PASSWORD, client=client) == 302
    assert client.get("/").status_code == 200


def test_whoever_is_not_logged_in_is_led_to_the_login_and_back(people: dict[str, Login]) -> None:
    response = Client().get("/projects/")
    assert response.headers["Location"] == "/login/?next=/projects/"
    form = {"username": "root", "password": PASSWORD, "next": "/projects/"}
    assert Client().post("/login/", form).headers["Location"] == "/projects/"


def test_nobody_is_led_away_from_the_house(people: dict[str, Login]) -> None:
    form = {"username": "root", "password": PASSWORD, "next": "https://elsewhere.example/"}
    assert Client().post("/login/", form).headers["Location"] == "/"


def test_guessing_closes_the_door_for_that_account_from_there(people: dict[str, Login]) -> None:
    tries = [log_in("alice", f"guess {n}") for n in range(throttle.PER_PAIR)]
    assert tries == [200] * throttle.PER_PAIR
    assert log_in("alice", PASSWORD) == 429
    assert log_in("ALICE", PASSWORD) == 429
    assert log_in("alice", PASSWORD, address="10.0.0.2") == 302
    assert log_in("carol", PASSWORD) == 302


def test_the_door_opens_again_after_a_while(db: None) -> None:
    for _ in range(throttle.PER_PAIR):
        throttle.note_failure("alice", "10.0.0.1", now_ms=1000)
    assert throttle.is_closed("alice", "10.0.0.1", now_ms=1000 + WINDOW_MS - 1)
    assert not throttle.is_closed("alice", "10.0.0.1", now_ms=1000 + WINDOW_MS)


def test_an_account_is_closed_when_many_addresses_guess(db: None) -> None:
    for n in range(throttle.PER_ACCOUNT):
        throttle.note_failure("alice", f"10.0.1.{n}", now_ms=1000)
    assert throttle.is_closed("alice", "10.0.2.1", now_ms=2000)
    assert not throttle.is_closed("carol", "10.0.2.1", now_ms=2000)


def test_an_address_is_closed_when_it_tries_many_names(db: None) -> None:
    for n in range(throttle.PER_ADDRESS):
        throttle.note_failure(f"name-{n}", "10.0.0.1", now_ms=1000)
    assert throttle.is_closed("carol", "10.0.0.1", now_ms=2000)
    assert not throttle.is_closed("carol", "10.0.0.2", now_ms=2000)


def test_the_right_password_forgives_earlier_mistakes(people: dict[str, Login]) -> None:
    log_in("alice", "wrong")
    assert log_in("alice", PASSWORD) == 302
    assert not FailedLogin.objects.exists()


def test_old_failures_are_forgotten(db: None) -> None:
    throttle.note_failure("alice", "10.0.0.1", now_ms=1000)
    throttle.note_failure("alice", "10.0.0.1", now_ms=1000 + WINDOW_MS)
    assert FailedLogin.objects.count() == 1


def test_a_wrong_password_and_a_wrong_name_read_the_same(people: dict[str, Login]) -> None:
    form = {"username": "alice", "password": "wrong"}
    first = Client().post("/login/", form).content.decode()
    second = Client().post("/login/", {**form, "username": "nobody"}).content.decode()
    assert "notice error" in first
    assert first.split("notice error")[1][:200] == second.split("notice error")[1][:200]


def test_logging_out_takes_a_form(root: Client) -> None:
    assert root.get("/logout/").status_code == 405
    assert root.get("/").status_code == 200
    assert root.post("/logout/").status_code == 302
    assert root.get("/").status_code == 302


def test_a_new_password_is_asked_for_with_the_old_one(root: Client) -> None:
    fresh = "a different long phrase"
    form = {"old_password": "wrong", "new_password1": fresh, "new_password2": fresh}
    assert root.post("/account/password/", form).status_code == 200
    assert root.post("/account/password/", {**form, "old_password": PASSWORD}).status_code == 302
    assert log_in("root", fresh) == 302


def test_a_password_is_at_least_twelve_letters_long(root: Client) -> None:
    form = {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}
    response = root.post("/account/password/", form)
    assert b"too short" in response.content


def test_a_form_without_its_token_is_refused_in_words(people: dict[str, Login]) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/login/", {"username": "root", "password": PASSWORD})
    assert response.status_code == 403
    assert b"out of date" in response.content


def test_cookies_are_kept_from_scripts_and_other_sites(people: dict[str, Login]) -> None:
    client = Client()
    log_in("root", PASSWORD, client=client)
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_a_failure_is_noted_now(people: dict[str, Login], machine: FixedClock) -> None:
    log_in("alice", "wrong", address="10.0.0.9")
    noted = FailedLogin.objects.get()
    assert (noted.account, noted.address) == ("alice", "10.0.0.9")
    assert noted.at_ms == machine.now_ms()


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_added(
    db: None, settings: Settings
) -> None:
    forged = {"X-Forwarded-For": "1.1.1.1, 10.0.0.7"}
    form = {"username": "alice", "password": "wrong"}
    Client().post("/login/", form, headers=forged)
    settings.HTTPS = True
    Client().post("/login/", form, headers=forged)
    noted = FailedLogin.objects.order_by("pk").values_list("address", flat=True)
    assert list(noted) == ["127.0.0.1", "10.0.0.7"]


@pytest.mark.parametrize(
    "weak",
    [
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "Abcdef1Abcdef1",
        "121212121212",
        "123456789012",
        "alice-alice-a",
    ],
)
def test_weak_passwords_are_refused(alice: Client, weak: str) -> None:
    form = {"old_password": PASSWORD, "new_password1": weak, "new_password2": weak}
    assert alice.post("/account/password/", form).status_code == 200
    with pytest.raises(Mistake, match="login carol"):
        logins.set_password("carol", weak, everything=False)


def test_guessing_the_old_password_closes_the_door(root: Client, people: dict[str, Login]) -> None:
    fresh = "a different long phrase"
    form = {"old_password": "wrong", "new_password1": fresh, "new_password2": fresh}
    tries = [root.post("/account/password/", form).status_code for _ in range(throttle.PER_PAIR)]
    assert tries == [200] * throttle.PER_PAIR
    refused = root.post("/account/password/", {**form, "old_password": PASSWORD})
    assert refused.status_code == 429
    assert b"Too many wrong passwords" in refused.content
    assert log_in("root", PASSWORD, address="127.0.0.1") == 429


@pytest.mark.parametrize(("asked", "left"), [({"tokens": "on"}, 0), ({}, 1)])
def test_a_new_password_offers_to_revoke_tokens(
    root: Client, people: dict[str, Login], asked: dict[str, str], left: int
) -> None:
    now = SystemClock().now()
    tokens.issue(people["root"], "a script", expires=None, now=now)
    other = Client()
    assert log_in("root", PASSWORD, client=other) == 302
    fresh = "a different long phrase"
    assert b'name="tokens"' in root.get("/account/password/").content
    form = {"old_password": PASSWORD, "new_password1": fresh, "new_password2": fresh}
    assert root.post("/account/password/", {**form, **asked}).status_code == 302
    assert tokens.alive(people["root"], now=now).count() == left
    assert other.get("/").status_code == 302
    assert root.get("/").status_code == 200
