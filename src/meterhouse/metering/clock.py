"""Where the time comes from. Nobody else asks the machine for it."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Protocol

from meterhouse.metering.periods import to_ms


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...

    def now_ms(self) -> int:
        """Return the present moment in milliseconds since 1970."""
        ...


class Machine:
    """The machine's clock itself."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class SystemClock:
    """The clock of this process: the machine's, unless a test has put another in its place."""

    source: ClassVar[Clock] = Machine()

    def now(self) -> datetime:
        return self.source.now()

    def now_ms(self) -> int:
        return self.source.now_ms()


@dataclass
class FixedClock:
    """A clock that stands still until it is moved: for tests and simulations."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def now_ms(self) -> int:
        return to_ms(self.at)

    def move(self, by: timedelta) -> None:
        self.at += by
