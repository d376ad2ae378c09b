"""What every test may use: a data folder of its own, and the cast's clock."""

import os
import tempfile
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, settings

from meterhouse.metering.clock import FixedClock, SystemClock

# How long an example takes says how busy the machine is, not whether a law holds. The examples are
# the same each time, so that a red run is the change's fault; `--hypothesis-profile search` looks
# for others.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("house", PATIENT, derandomize=True)
settings.register_profile("search", PATIENT, max_examples=1000)
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


def a_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text}: a moment has a zone")
    return moment.astimezone(UTC)


NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


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
