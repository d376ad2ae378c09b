"""What every test may use: a data folder of its own, and the cast's clock."""

import os
import tempfile
from datetime import UTC, datetime

import pytest

from meterhouse.metering.clock import FixedClock

# Before Django reads its settings: tests never touch the developer's own data folder.
os.environ["METERHOUSE_DATA"] = tempfile.mkdtemp(prefix="mh-test-")

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)
