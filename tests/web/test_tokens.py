"""API tokens: shown once, kept hashed, expiring, revoked."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User as Login
from django.test import Client

from meterhouse.metering.clock import FixedClock, SystemClock
from meterhouse.web import tokens
from meterhouse.web.models import Token

pytestmark = pytest.mark.django_db


def asked(token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    return Client().get("/api/v1/projects", headers=headers).status_code


def issued(login: Login, days: int | None = 30) -> str:
    now = SystemClock().now()
    expires = None if days is None else now + timedelta(days=days)
    return tokens.issue(login, "a script", expires=expires, now=now)


def test_a_token_is_enough_for_the_api(people: dict[str, Login]) -> None:
    assert asked(issued(people["root"])) == 200


def test_a_token_is_not_enough_for_pages(people: dict[str, Login]) -> None:
    headers = {"authorization": f"Bearer {issued(people['root'])}"}
    assert Client().get("/projects/", headers=headers).status_code == 302


@pytest.mark.parametrize("token", ["", "mh_guess", "mh_" + "x" * 43])
def test_a_made_up_token_is_refused(people: dict[str, Login], token: str) -> None:
    assert asked(token) == 401


def test_the_text_of_a_token_is_not_kept(people: dict[str, Login]) -> None:
    text = issued(people["root"])
    kept = Token.objects.values().get()
    assert not any(text in str(value) for value in kept.values())
    assert text.startswith(kept["beginning"])


def test_a_token_ends_when_it_expires(people: dict[str, Login], clock: FixedClock) -> None:
    now = clock.now()
    text = tokens.issue(people["root"], "short", expires=now + timedelta(days=1), now=now)
    assert tokens.login_of(text, now=now + timedelta(hours=23)) == people["root"]
    assert tokens.login_of(text, now=now + timedelta(days=1)) is None


def test_a_token_of_a_closed_login_is_refused(people: dict[str, Login]) -> None:
    text = issued(people["root"])
    Login.objects.filter(username="root").update(is_active=False)
    assert asked(text) == 401


def test_its_use_is_noted_to_the_minute(people: dict[str, Login], clock: FixedClock) -> None:
    text = tokens.issue(people["root"], "a script", expires=None, now=clock.now())
    for seconds in (0, 30, 61):
        tokens.login_of(text, now=clock.now() + timedelta(seconds=seconds))
    assert Token.objects.get().last_used == clock.now() + timedelta(seconds=61)


def test_a_token_is_shown_once(root: Client) -> None:
    root.post("/account/tokens/", {"name": "a script", "expires": "30"})
    shown = root.get("/account/")
    assert shown.context["new_token"].startswith(tokens.PREFIX)
    assert shown.headers["Cache-Control"] == "no-store"
    assert asked(shown.context["new_token"]) == 200
    assert tokens.PREFIX + "" in shown.content.decode()
    assert shown.context["new_token"] not in root.get("/account/").content.decode()


def test_a_token_needs_a_name(root: Client) -> None:
    assert root.post("/account/tokens/", {"name": "", "expires": "30"}).status_code == 400
    assert not Token.objects.exists()


def test_a_token_is_neither_made_nor_revoked_by_looking(root: Client) -> None:
    assert root.get("/account/tokens/").status_code == 405
    assert root.get("/account/tokens/1/revoke/").status_code == 405


def test_a_revoked_token_is_refused(people: dict[str, Login], root: Client) -> None:
    text = issued(people["root"], None)
    root.post(f"/account/tokens/{Token.objects.get().pk}/revoke/")
    assert asked(text) == 401
    assert root.get("/account/").context["own_tokens"].count() == 0


def test_nobody_revokes_anothers_token(people: dict[str, Login], carol: Client) -> None:
    text = issued(people["root"])
    response = carol.post(f"/account/tokens/{Token.objects.get().pk}/revoke/")
    assert response.status_code == 404
    assert asked(text) == 200


@pytest.mark.parametrize(
    ("asked", "days"), [({}, 365), ({"expires": ""}, 365), ({"expires": "30"}, 30)]
)
def test_a_token_expires_in_a_year_unless_something_else_is_asked_for(
    root: Client, asked: dict[str, str], days: int
) -> None:
    root.post("/account/tokens/", {"name": "a script", **asked})
    token = Token.objects.get()
    assert token.expires is not None
    assert token.expires - token.created == timedelta(days=days)
    root.post("/account/tokens/", {"name": "for ever", "expires": "never"})
    assert Token.objects.get(name="for ever").expires is None


def test_a_login_has_no_end_of_tokens(root: Client, people: dict[str, Login]) -> None:
    now = SystemClock().now()
    for number in range(tokens.MOST):
        tokens.issue(people["root"], f"script {number}", expires=None, now=now)
    response = root.post("/account/tokens/", {"name": "one too many"})
    assert response.status_code == 400
    assert "at most" in response.content.decode()
    tokens.revoke(people["root"], Token.objects.all()[0].pk, now=now)
    assert root.post("/account/tokens/", {"name": "in its place"}).status_code == 302
