"""Kwapi's API as its users know it: shapes, numbers, errors, and who may see what."""

import asyncio
from concurrent.futures import Executor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User as Login
from django.test import Client
from tests.inventory.cast import everybody
from tests.live.boards import HOLD_MS, T0, batch
from tests.web import cast
from tests.web.lean import Answer, ask

from meterhouse.inventory.keep import keep
from meterhouse.live.answers import Answers
from meterhouse.live.board import Board, Counted
from meterhouse.live.probes import Probes, named
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.periods import from_ms
from meterhouse.web import tokens
from meterhouse.web.kwapi import ABOUT, Kwapi
from meterhouse.web.readers import Readers

RECORDED = {
    "A": {"timestamp": 1357730232.68754, "w": 107.3, "kwh": 0.001058255421506034},
    "B": {"timestamp": 1357730232.048158, "w": 15.0, "kwh": 0.029019045026169896},
    "C": {"timestamp": 1357730232.223375, "w": 95.0, "kwh": 0.17361822634312918},
}
"""What Kwapi answered Ceilometer. Source: openstack/ceilometer, tests/unit/energy/test_kwapi.py,
PROBE_DICT. Moments are kept to the millisecond here."""


class Kwapis:
    """A small house: three probes of the cast's cloud, and what is asked of it."""

    def __init__(self, clock: FixedClock, threads: Executor) -> None:
        self.clock = clock
        self.board = Board(clock)
        self.answers = Answers(self.board, clock, silent_ms=300_000)
        self.readers = Readers(clock, threads=threads)
        self.application = Kwapi(self.answers, self.readers)

    def name(self, *keys: str) -> None:
        self.answers.name(Probes(named(keys, {})))

    def ask(self, address: str, **how: str) -> Answer:
        return asyncio.run(ask(self.application, address, **how))


@pytest.fixture
def kwapi(people: dict[str, Login], clock: FixedClock, aside: Executor) -> Kwapis:
    return Kwapis(clock, aside)


@pytest.fixture
def key(people: dict[str, Login], clock: FixedClock) -> dict[str, str]:
    """Of each person the header that shows who they are."""
    return {
        name: tokens.issue(login, "test", expires=None, now=clock.now())
        for name, login in people.items()
    }


def test_before_any_probe_came_lists_are_empty(kwapi: Kwapis, key: dict[str, str]) -> None:
    for address, body in (
        ("/v1/probe-ids/", {"probe_ids": []}),
        ("/v1/probes/", {"probes": {}}),
        ("/v1/probes/?format=list", {"probes": []}),
    ):
        answer = kwapi.ask(address, X_Auth_Token=key["root"])
        assert (answer.status, answer.json) == (200, body)


def test_what_kwapi_answered_is_answered(kwapi: Kwapis, key: dict[str, str]) -> None:
    kwapi.clock.at = from_ms(1357730233000)
    kwapi.board.restore(
        Counted(name, HOLD_MS, int(each["timestamp"] * 1000), each["w"], each["kwh"] * 3.6e6)
        for name, each in RECORDED.items()
    )
    kwapi.name("A", "B", "C")
    answer = kwapi.ask("/v1/probes/", X_Auth_Token=key["root"])
    assert answer.headers["content-type"] == "application/json"
    probes = answer.json["probes"]
    assert list(probes) == ["A", "B", "C"]
    for name, each in RECORDED.items():
        assert list(probes[name]) == ["timestamp", "w", "kwh"]
        assert probes[name]["timestamp"] == int(each["timestamp"] * 1000) / 1000
        assert probes[name]["w"] == each["w"]
        assert probes[name]["kwh"] == pytest.approx(each["kwh"], rel=1e-15)
    ids = kwapi.ask("/v1/probe-ids/", X_Auth_Token=key["root"])
    assert ids.json == {"probe_ids": ["A", "B", "C"]}


def test_one_probe_and_one_of_its_meters(kwapi: Kwapis, key: dict[str, str]) -> None:
    kwapi.board.hear(batch(1, ("rack/A", 0, 107.3), ("rack/A", 2, 107.3)))
    kwapi.name("rack/A")
    all_of_it = {"timestamp": T0 / 1000 + 2, "w": 107.3, "kwh": 107.3 * 2 / 3.6e6}
    for address, body in (
        ("/v1/probes/A/", {"A": all_of_it}),
        ("/v1/probes/rack%2FA/", {"A": all_of_it}),
        ("/v1/probes/rack/A/", {"A": all_of_it}),
        *((f"/v1/probes/A/{meter}/", {"A": {meter: all_of_it[meter]}}) for meter in all_of_it),
        ("/v1/probes/rack/A/w/", {"A": {"w": 107.3}}),
    ):
        answer = kwapi.ask(address, X_Auth_Token=key["root"])
        assert (answer.status, answer.json) == (200, body), address


def test_a_name_of_odd_signs_has_an_address(kwapi: Kwapis, key: dict[str, str]) -> None:
    kwapi.board.hear(batch(1, ("r/a b/w?#ü%", 0, 1.0), ("r/A", 0, 2.0), ("r/A/w", 0, 3.0)))
    names = Probes(named(["r/a b/w?#ü%", "r/A", "r/A/w"], {}))
    kwapi.answers.name(names)
    for probe in names.all:
        answer = kwapi.ask(f"/v1/probes/{probe.address}/", X_Auth_Token=key["root"])
        assert list(answer.json) == [probe.id]
        answer = kwapi.ask(f"/v1/probes/{probe.address}/w/", X_Auth_Token=key["root"])
        assert list(answer.json[probe.id]) == ["w"]
    assert kwapi.ask("/v1/probes/A/w/", X_Auth_Token=key["root"]).json == {"A": {"w": 2.0}}


@pytest.mark.parametrize(
    "address",
    ["/v1/nothing/", "/v1/probes/Z/", "/v1/probes/A/volts/", "/v1/probes/Z", "/v1//", "/v1/x"],
)
def test_what_is_not_there_is_said_in_json(
    kwapi: Kwapis, key: dict[str, str], address: str
) -> None:
    kwapi.board.hear(batch(1, ("A", 0, 1.0)))
    kwapi.name("A")
    answer = kwapi.ask(address, X_Auth_Token=key["root"])
    assert (answer.status, list(answer.json)) == (404, ["error"])


def test_a_shape_that_nobody_knows_is_refused(kwapi: Kwapis, key: dict[str, str]) -> None:
    answer = kwapi.ask("/v1/probes/?format=xml", X_Auth_Token=key["root"])
    assert (answer.status, list(answer.json)) == (400, ["error"])


@pytest.mark.parametrize("path", ["/v1", "/v1/probe-ids", "/v1/probes", "/v1/probes/a%2Fb"])
def test_without_the_slash_one_is_led_to_it(kwapi: Kwapis, key: dict[str, str], path: str) -> None:
    kwapi.board.hear(batch(1, ("a/b", 0, 1.0)))
    kwapi.name("a/b")
    answer = kwapi.ask(f"{path}?x=1", X_Auth_Token=key["root"])
    assert (answer.status, answer.headers["location"]) == (301, f"{path}/?x=1")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(kwapi: Kwapis, key: dict[str, str], method: str) -> None:
    answer = kwapi.ask("/v1/probes/", method=method, X_Auth_Token=key["root"])
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert list(answer.json) == ["error"]


def test_the_root_says_what_this_is(kwapi: Kwapis, key: dict[str, str]) -> None:
    about = kwapi.ask("/v1/", X_Auth_Token=key["root"])
    assert about.json == ABOUT
    welcome = kwapi.ask("/v1/", X_Auth_Token=key["root"], Accept="text/plain")
    assert welcome.body == b"Welcome to Kwapi!"


def test_a_silent_probe_leaves_and_goes_on_when_it_is_back(
    kwapi: Kwapis, key: dict[str, str]
) -> None:
    def shown() -> dict[str, dict[str, float]]:
        answer = kwapi.ask("/v1/probes/", X_Auth_Token=key["root"])
        return dict(answer.json["probes"])

    kwapi.board.hear(batch(1, ("A", 0, 3600.0), ("A", 1, 3600.0), ("B", 2, 1.0)))
    kwapi.name("A", "B")
    kwapi.clock.move(timedelta(seconds=300.9))
    assert list(shown()) == ["A", "B"]
    kwapi.clock.move(timedelta(seconds=0.2))
    assert list(shown()) == ["B"]
    gone = kwapi.ask("/v1/probes/A/", X_Auth_Token=key["root"])
    assert gone.status == 404
    kwapi.board.hear(batch(2, ("A", 301, 1.0)))
    assert (shown())["A"]["kwh"] == (3600 + 3 * 3600) / 3.6e6


def test_each_sees_the_probes_that_are_theirs(
    kwapi: Kwapis, key: dict[str, str], people: dict[str, Login]
) -> None:
    keep(everybody(T0))
    names = [f"cloud/{name}" for name in cast.OURS]
    kwapi.board.hear(batch(1, *((name, 0, 1.0) for name in names)))
    kwapi.name(*names)

    def seen(**who: str) -> list[str]:
        answer = kwapi.ask("/v1/probe-ids/", **who)
        return list(answer.json["probe_ids"])

    assert seen(X_Auth_Token=key["root"]) == ["builder", "mirror", "rocket"]
    assert seen(X_Auth_Token=key["alice"]) == ["builder", "mirror"]
    assert seen(Authorization=f"Bearer {key['carol']}") == ["rocket"]
    listed = kwapi.ask("/v1/probes/?format=list", X_Auth_Token=key["carol"])
    assert [each["resource_id"] for each in listed.json["probes"]] == ["cloud/rocket"]
    hidden = kwapi.ask("/v1/probes/mirror/w/", X_Auth_Token=key["carol"])
    assert hidden.status == 404
    keep(cast.moved(everybody(T0 + 1000), "cloud/mirror", "p-moon"))
    kwapi.clock.move(timedelta(seconds=11))
    assert seen(X_Auth_Token=key["carol"]) == ["mirror", "rocket"]
    assert seen(X_Auth_Token=key["alice"]) == ["builder"]


def test_who_is_logged_in_to_the_pages_may_ask_as_well(
    kwapi: Kwapis, people: dict[str, Login]
) -> None:
    client: Client = cast.session(people["root"])
    session = client.cookies["sessionid"].value
    assert (kwapi.ask("/v1/", Cookie=f"a=b; sessionid={session}")).status == 200
    assert (kwapi.ask("/v1/", Cookie="sessionid=guessed")).status == 401
    people["root"].set_password("another and better one")
    people["root"].save()
    kwapi.clock.move(timedelta(seconds=11))
    assert (kwapi.ask("/v1/", Cookie=f"sessionid={session}")).status == 401


def test_a_token_that_was_revoked_ends_soon(kwapi: Kwapis, people: dict[str, Login]) -> None:
    now = kwapi.clock.now()
    text = tokens.issue(people["alice"], "test", expires=None, now=now)
    assert (kwapi.ask("/v1/", X_Auth_Token=text)).status == 200
    tokens.revoke(people["alice"], people["alice"].tokens.get().pk, now=now)
    kwapi.clock.move(timedelta(seconds=11))
    assert (kwapi.ask("/v1/", X_Auth_Token=text)).status == 401


@pytest.mark.parametrize(
    "who",
    [
        {},
        {"X_Auth_Token": "mh_guessed"},
        {"X_Auth_Token": "gAAAAABnotkeystone"},
        {"Authorization": "Bearer mh_guessed"},
        {"Authorization": "Basic cm9vdDpyb290"},
        {"X_Auth_Token": "mh_\u00e9\u0000"},
    ],
)
def test_nobody_else_is_let_in(kwapi: Kwapis, who: dict[str, str]) -> None:
    answer = kwapi.ask("/v1/probes/", **who)
    assert (answer.status, list(answer.json)) == (401, ["error"])
    assert answer.headers["www-authenticate"] == 'Bearer realm="meterhouse"'
