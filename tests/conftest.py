"""What every test may use: a data folder of its own, and the cast's clock."""

import os
import tempfile
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, settings

from meterhouse.metering.clock import FixedClock

# How long an example takes says how busy the machine is, not whether a law holds. The examples are
# the same each time, so that a red run is the change's fault; `--hypothesis-profile search` looks
# for others.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("house", PATIENT, derandomize=True)
settings.register_profile("search", PATIENT, max_examples=1000)
settings.load_profile("house")

# Before Django reads its settings: tests never touch the developer's own data folder.
os.environ["METERHOUSE_DATA"] = tempfile.mkdtemp(prefix="mh-test-")

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)
