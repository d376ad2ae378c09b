"""What every test may use: a data folder of its own, and the cast's clock."""

import math
import os
import tempfile
import time
from collections.abc import Generator
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from meterhouse.metering.clock import FixedClock, SystemClock

# How long an example takes says how busy the machine is, not whether a law holds. The examples are
# the same each time, so that a red run is the change's fault; `make search` looks for others.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("house", PATIENT, derandomize=True)
settings.register_profile("search", PATIENT, max_examples=1000)
settings.register_profile("glance", PATIENT, max_examples=100)  # at more laws in a short time
settings.load_profile("house")

# Before Django reads its settings: tests never touch the developer's own data folder.
os.environ["METERHOUSE_DATA"] = tempfile.mkdtemp(prefix="mh-test-")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--clock",
        type=a_moment,
        default=NOON,
        metavar="MOMENT",
        help="when it is in tests of what asks the machine's clock: 2028-02-29T23:59:30Z",
    )

    parser.addoption(
        "--seconds",
        type=float,
        default=math.inf,
        help="begin no test once so much time has gone by",
    )


def a_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text}: a moment has a zone")
    return moment.astimezone(UTC)


NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


TOUCHES_A_DATABASE = {"db", "transactional_db", "django_db_setup", "live_server"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what touches a database, so that no folder of it is forgotten (``-m database``)."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if item.get_closest_marker("django_db") or fixtures & TOUCHES_A_DATABASE:
            item.add_marker("database")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return report if hasattr(report, "wasxfail") else not_passed_over(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return not_passed_over((yield))


Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def not_passed_over(report: Report) -> Report:
    """In CI a test that is skipped has failed: what it would have seen nobody has seen."""
    if report.skipped and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which fails in CI: {report.longreprtext}"
    return report


END = pytest.StashKey[float]()


def pytest_collection_finish(session: pytest.Session) -> None:
    session.config.stash[END] = time.monotonic() + session.config.getoption("--seconds")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Leave a test out, without a word, when the time for the search is over."""
    return True if time.monotonic() > item.config.stash[END] else None


@pytest.fixture
def moment(pytestconfig: pytest.Config) -> datetime:
    """When it is: the cast's noon, or what ``--clock`` says. Right at any date and hour."""
    chosen = pytestconfig.getoption("--clock")
    assert isinstance(chosen, datetime)
    return chosen


@pytest.fixture
def machine(moment: datetime, monkeypatch: pytest.MonkeyPatch) -> FixedClock:
    """The clock that this process takes for the machine's. It stands until a test moves it."""
    standing = FixedClock(moment)
    monkeypatch.setattr(SystemClock, "source", standing)
    return standing


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)
