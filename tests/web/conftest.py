"""A furnished house and its logins."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User as Login
from django.db import connections
from django.test import Client
from pytest_django.fixtures import Settings
from tests.web import cast

from meterhouse.live import looks
from meterhouse.live.pictures import drawing


@pytest.fixture(autouse=True)
def given_time(request: pytest.FixtureRequest) -> None:
    """Pages take the time from a clock of the tests'. A browser has none but the machine's."""
    if not request.node.get_closest_marker("browser"):
        request.getfixturevalue("machine")


@pytest.fixture
def house(db: None, settings: Settings) -> Iterator[None]:
    """A database of its own. Reports read over the test's own connection, so that they see its
    transaction; passwords are hashed in a moment, not in the half second that keeps them safe.
    """
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    looks.forget()
    drawing.forget()
    reports = connections["reports"]
    connections["reports"] = connections["default"]
    yield
    connections["reports"] = reports


@pytest.fixture
def people(house: None) -> dict[str, Login]:
    return cast.logins()


@pytest.fixture
def furnished(house: None) -> int:
    """The cast's cloud is there. Gives now in milliseconds."""
    return cast.furnish()


@pytest.fixture
def root(people: dict[str, Login]) -> Client:
    return cast.session(people["root"])


@pytest.fixture
def alice(people: dict[str, Login]) -> Client:
    return cast.session(people["alice"])


@pytest.fixture
def carol(people: dict[str, Login]) -> Client:
    return cast.session(people["carol"])


@pytest.fixture
def aside(house: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Executor]:
    """A thread beside the event loop that sees the test's own transaction."""
    shared = connections["default"]
    shared.inc_thread_sharing()
    # Django closes a connection that is left in a transaction, which here is the test's own; its
    # test client leaves that out for the same reason.
    monkeypatch.setattr(shared, "close_if_unusable_or_obsolete", lambda: None)
    with ThreadPoolExecutor(
        1, initializer=connections.__setitem__, initargs=("default", shared)
    ) as one:
        yield one
    shared.dec_thread_sharing()
