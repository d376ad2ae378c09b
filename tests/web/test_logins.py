"""Logins: made, granted and withdrawn on a page, by those who see everything and nobody else."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User as Login
from django.test import Client
from tests.web import cast

from meterhouse.inventory.scope import Scope
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.errors import Mistake
from meterhouse.web import endings, rights, tokens
from meterhouse.web import logins as book
from meterhouse.web.models import Grant, Person, Token

pytestmark = pytest.mark.django_db

CHANGES = ("grant", "withdraw", "password", "close", "reopen", "delete", "everything", "end")


def shown_password(content: bytes) -> str:
    found = re.search(r'id="new-password">([^<]+)<', content.decode())
    assert found is not None
    return found[1]


def alice_of(people: dict[str, Login]) -> str:
    return f"/logins/{people['alice'].pk}/"


def test_a_login_is_made_and_its_password_shown_once(root: Client, furnished: int) -> None:
    response = root.post("/logins/make/", {"name": "dave"})
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    password = shown_password(response.content)
    dave = Login.objects.get(username="dave")
    assert rights.scope_of(dave) == Scope.none()
    assert Client().login(username="dave", password=password)
    assert password not in root.get(f"/logins/{dave.pk}/").content.decode()


def test_a_login_may_be_made_to_see_everything(root: Client, furnished: int) -> None:
    root.post("/logins/make/", {"name": "eve", "sees": "everything"})
    assert rights.scope_of(Login.objects.get(username="eve")).everything


@pytest.mark.parametrize(
    ("name", "words"),
    [("", "needs a name"), ("alice", "already"), ("no spaces!", "valid username")],
)
def test_a_login_that_cannot_be_made_says_why(
    root: Client, people: dict[str, Login], name: str, words: str
) -> None:
    response = root.post("/logins/make/", {"name": name})
    assert response.status_code == 400
    assert words in response.content.decode()
    assert Client().login(username="alice", password=cast.PASSWORD)


def test_what_is_granted_is_seen_and_what_is_withdrawn_is_not(
    root: Client, people: dict[str, Login], furnished: int
) -> None:
    carol = cast.session(people["carol"])
    assert carol.get("/resources/cloud/mirror/").status_code == 404
    page = f"/logins/{people['carol'].pk}/"
    said = root.post(f"{page}grant/", {"project": "debian"}, follow=True).content.decode()
    assert "carol may see debian." in said
    assert carol.get("/resources/cloud/mirror/").status_code == 200
    said = root.post(f"{page}withdraw/", {"project": "debian"}, follow=True).content.decode()
    assert "no more" in said
    assert carol.get("/resources/cloud/mirror/").status_code == 404
    assert carol.get("/resources/cloud/rocket/").status_code == 200


def test_institutions_and_users_are_granted_too(
    root: Client, people: dict[str, Login], furnished: int
) -> None:
    page = alice_of(people)
    root.post(f"{page}grant/", {"institution": "nsf", "user": "alice"})
    assert Grant.objects.filter(login=people["alice"], institution="nsf").exists()
    assert Person.objects.get(login=people["alice"]).user == "alice"
    root.post(f"{page}withdraw/", {"institution": "nsf"})
    root.post(f"{page}withdraw/", {"user": "alice"})
    assert Grant.objects.filter(login=people["alice"]).count() == 1
    assert not Person.objects.filter(login=people["alice"]).exists()


@pytest.mark.parametrize(
    ("form", "words"), [({}, "choose"), ({"project": "debiam"}, "did you mean")]
)
def test_what_cannot_be_granted_says_why(
    root: Client, people: dict[str, Login], furnished: int, form: dict[str, str], words: str
) -> None:
    response = root.post(f"{alice_of(people)}grant/", form)
    assert response.status_code == 400
    assert words in response.content.decode()
    assert Grant.objects.filter(login=people["alice"]).count() == 1


def test_taking_back_what_is_not_there_takes_nothing(
    root: Client, people: dict[str, Login]
) -> None:
    said = root.post(f"{alice_of(people)}withdraw/", follow=True).content.decode()
    assert "taken back before" in said
    assert Grant.objects.filter(login=people["alice"]).count() == 1


def test_a_new_password_ends_the_sessions_of_the_old_one(
    root: Client, alice: Client, people: dict[str, Login]
) -> None:
    password = shown_password(root.post(f"{alice_of(people)}password/").content)
    assert alice.get("/").status_code == 302
    assert not Client().login(username="alice", password=cast.PASSWORD)
    assert Client().login(username="alice", password=password)
    assert not Login.objects.get(username="alice").is_staff


def test_who_renews_their_own_password_stays(root: Client, people: dict[str, Login]) -> None:
    shown_password(root.post(f"/logins/{people['root'].pk}/password/").content)
    assert root.get("/logins/").status_code == 200


def test_a_grant_of_what_is_gone_is_shown_by_its_key(
    root: Client, people: dict[str, Login]
) -> None:
    assert "debian" in root.get(alice_of(people)).content.decode()


def test_the_list_says_what_each_may_see(root: Client, furnished: int) -> None:
    rows = root.get("/logins/?format=csv").content.decode().splitlines()
    assert [row.split(",")[:2] for row in rows[1:]] == [
        ["alice", "Debian"],
        ["carol", '"Moon'],
        ["root", "everything"],
    ]


def test_nobody_else_may_see_logins_or_change_them(
    alice: Client, people: dict[str, Login], furnished: int
) -> None:
    page = alice_of(people)
    assert b"/logins/" not in alice.get("/").content
    assert alice.get("/logins/").status_code == 403
    assert alice.get(page).status_code == 403
    assert alice.post("/logins/make/", {"name": "dave", "sees": "everything"}).status_code == 403
    for change in CHANGES:
        assert alice.post(f"{page}{change}/", {"project": "moon"}).status_code == 403
    assert not Login.objects.filter(username="dave").exists()
    assert Grant.objects.filter(login=people["alice"]).count() == 1
    assert Client().login(username="alice", password=cast.PASSWORD)


def test_changes_take_a_form_with_its_token(root: Client, people: dict[str, Login]) -> None:
    page = alice_of(people)
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(people["root"])
    for address in ("/logins/make/", *(f"{page}{change}/" for change in CHANGES)):
        assert root.get(address).status_code == 405
        assert careful.post(address, {"name": "dave", "project": "moon"}).status_code == 403
    assert not Login.objects.filter(username="dave").exists()


def test_a_login_that_is_not_there_is_not_found(root: Client) -> None:
    assert root.get("/logins/999999/").status_code == 404
    for change in CHANGES:
        assert root.post(f"/logins/999999/{change}/").status_code == 404


def test_a_login_that_sees_nothing_does_not_stand_in_for_the_first(house: None) -> None:
    Login.objects.create_user("alice")
    Login.objects.create_user("admin")
    made = book.make_first()
    assert made is not None
    assert made[0] == "admin-2"
    assert Login.objects.get(username="admin-2").is_superuser
    assert book.make_first() is None


def token_of(login: Login, name: str = "a script") -> str:
    now = SystemClock().now()
    return tokens.issue(login, name, expires=now + timedelta(days=1), now=now)


def opens(token: str) -> bool:
    headers = {"authorization": f"Bearer {token}"}
    return Client().get("/api/v1/projects", headers=headers).status_code == 200


def test_a_closed_login_opens_nothing_and_reopened_its_password_alone(
    root: Client, alice: Client, people: dict[str, Login], furnished: int
) -> None:
    token, page = token_of(people["alice"]), alice_of(people)
    assert opens(token)
    said = root.post(f"{page}close/", follow=True).content.decode()
    assert "alice: closed: 1 tokens and 1 sessions ended." in said
    assert "Reopen" in said
    assert "nothing: it is closed" in root.get("/logins/").content.decode()
    assert not Client().login(username="alice", password=cast.PASSWORD)
    for _ in range(2):
        assert not opens(token)
        assert alice.get("/").status_code == 302
        root.post(f"{page}reopen/")
    assert Client().login(username="alice", password=cast.PASSWORD)
    assert Grant.objects.filter(login=people["alice"]).exists()


def test_a_deleted_login_is_gone_with_all_that_is_its(
    root: Client, alice: Client, people: dict[str, Login]
) -> None:
    token = token_of(people["alice"])
    response = root.post(f"{alice_of(people)}delete/")
    assert response.headers["Location"] == "/logins/"
    assert not Login.objects.filter(username="alice").exists()
    assert not opens(token)
    assert alice.get("/").status_code == 302
    assert not Grant.objects.filter(project="debian").exists()


def test_everything_is_given_and_taken_back(
    root: Client, people: dict[str, Login], furnished: int
) -> None:
    page = alice_of(people)
    root.post(f"{page}everything/", {"give": "yes"})
    assert rights.scope_of(Login.objects.get(username="alice")).everything
    said = root.post(f"{page}everything/", follow=True).content.decode()
    assert "no more" in said
    assert not rights.scope_of(Login.objects.get(username="alice")).everything


@pytest.mark.parametrize("change", ["close", "delete", "everything"])
def test_nobody_shuts_himself_out(
    root: Client, people: dict[str, Login], furnished: int, change: str
) -> None:
    response = root.post(f"/logins/{people['root'].pk}/{change}/")
    assert response.status_code == 400
    assert "your own login" in response.content.decode()
    assert root.get("/logins/").status_code == 200


def test_the_last_who_sees_everything_stays(people: dict[str, Login]) -> None:
    root, alice = people["root"], people["alice"]
    endings.give_everything(alice)
    endings.take_everything(alice)
    endings.give_everything(alice)
    endings.close(alice, now=SystemClock().now())
    for refuse in (
        lambda: endings.close(root, now=SystemClock().now()),
        lambda: endings.delete(root, now=SystemClock().now()),
        lambda: endings.take_everything(root),
    ):
        with pytest.raises(Mistake, match="is the last that sees everything"):
            refuse()
    endings.reopen(alice)
    endings.delete(root, now=SystemClock().now())
    assert not Login.objects.filter(username="root").exists()


def test_tokens_and_sessions_of_others_are_listed_and_ended(
    root: Client, alice: Client, people: dict[str, Login], furnished: int
) -> None:
    first, second = token_of(people["alice"], "first"), token_of(people["alice"], "second")
    carols, page = token_of(people["carol"]), alice_of(people)
    said = root.get(page).content.decode()
    assert "first" in said
    assert "2 tokens and 1 session open" in said
    number = Token.objects.get(name="first").pk
    assert root.post(f"{page}end/", {"token": number}).status_code == 302
    assert (opens(first), opens(second)) == (False, True)
    for token in (number, Token.objects.get(login=people["carol"]).pk, "x"):
        assert root.post(f"{page}end/", {"token": token}).status_code == 404
    said = root.post(f"{page}end/", follow=True).content.decode()
    assert "1 tokens and 1 sessions ended" in said
    assert (opens(second), opens(carols)) == (False, True)
    assert alice.get("/").status_code == 302
    assert Client().login(username="alice", password=cast.PASSWORD)


def test_a_new_password_ends_tokens_too(root: Client, people: dict[str, Login]) -> None:
    token = token_of(people["alice"])
    root.post(f"{alice_of(people)}password/")
    assert not opens(token)
