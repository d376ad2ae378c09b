"""/healthz: a word for anybody, all of it for those who see everything, and no comfort."""

import asyncio
from concurrent.futures import Executor
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User as Login
from tests.web.lean import Answer, ask

from meterhouse.metering.clock import Clock, FixedClock
from meterhouse.station.service import Health
from meterhouse.web import tokens
from meterhouse.web.health import Healthz
from meterhouse.web.readers import Readers
from meterhouse.web.services.house import House

pytestmark = pytest.mark.django_db
REFUSED = "OperationalError: connection to db.internal port 5432 failed"


@pytest.fixture
def running(tmp_path: Path, clock: FixedClock, people: dict[str, Login]) -> House:
    one = House(data=tmp_path, host="127.0.0.1", port=0, clock=clock, publisher="osl-dc1")
    one.healths = {"recorder": Health("recorder", "running"), "web": Health("web", "running")}
    return one


def asked(running: House, threads: Executor, path: str = "/healthz", **how: str) -> Answer:
    healthz = Healthz(running.health, Readers(running.clock, threads=threads))
    return asyncio.run(ask(healthz, path, **how))


def key(people: dict[str, Login], name: str, clock: Clock) -> str:
    return tokens.issue(people[name], "test", expires=None, now=clock.now())


def test_anybody_hears_one_word(running: House, aside: Executor) -> None:
    answer = asked(running, aside)
    assert (answer.status, answer.json) == (200, {"status": "ok"})
    running.healths["recorder"].become("failed", running.clock, REFUSED)
    answer = asked(running, aside)
    assert (answer.status, answer.json) == (503, {"status": "failing"})


@pytest.mark.parametrize(("name", "hears"), [("root", True), ("alice", False)])
def test_who_sees_everything_hears_everything(
    running: House, people: dict[str, Login], aside: Executor, name: str, *, hears: bool
) -> None:
    running.healths["recorder"].become("failed", running.clock, REFUSED)
    answer = asked(running, aside, X_Auth_Token=key(people, name, running.clock))
    assert answer.status == 503
    assert ("db.internal" in answer.body.decode()) == hears
    assert ("version" in answer.json) == hears


def test_what_cannot_be_kept_is_not_well(running: House, aside: Executor) -> None:
    running.trouble = lambda: "[Errno 28] the journal cannot be written: No space left on device"
    assert asked(running, aside).status == 503
    assert running.health()["readings"] == running.trouble()


def test_a_service_that_fails_again_and_again_is_not_well_in_between(
    running: House, clock: FixedClock
) -> None:
    recorder = running.healths["recorder"]
    recorder.failures = 1
    recorder.become("running", clock)
    assert running.health()["status"] == "failing"
    clock.move(timedelta(seconds=3))
    assert running.health()["status"] == "ok"


def test_there_is_nothing_else_there(running: House, aside: Executor) -> None:
    assert asked(running, aside, "/healthz/more").status == 404
    assert asked(running, aside, method="POST").status == 405
