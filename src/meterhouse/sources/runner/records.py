"""What the runner tells about its work: one run of a source, and how a source is doing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Outcome(StrEnum):
    """How one run ended."""

    GOOD = "good"  # read and published
    PARTIAL = "partial"  # read and published; some of what was asked for was not said
    BAD = "bad"  # the device answered nonsense, which was dropped
    UNREACHABLE = "unreachable"  # no answer, or not in time; it is closed and opened again
    FAILED = "failed"  # the source's own code failed; it is closed and opened again
    UNPUBLISHED = "unpublished"  # read, but publishing failed; the reading is kept and retried
    STUCK = "stuck"  # it neither answers nor can be stopped


class Status(StrEnum):
    """How a source is doing at present."""

    STARTING = "starting"  # not read yet
    GOOD = "good"
    PARTIAL = "partial"  # it is read, and does not say all that it is asked for
    FAILING = "failing"  # it will be tried again at ``next_run``
    STUCK = "stuck"  # it cannot be stopped; it goes on when it comes back by itself
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One try to read one source.

    at:      when it began; ``took`` how long it took
    samples: how many were published; ``objects`` the same of what snapshots listed
    refused: how many numbers were not believed
    error:   one line, without any secret; of a partial run what was lacking; "" if it went well
    """

    source: str
    kind: str
    at: datetime
    took: timedelta
    outcome: Outcome
    samples: int = 0
    objects: int = 0
    refused: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """How one source is doing, and what has been counted since it was set up.

    error:        of the last run; of a partial one what was lacking; "" if it was good
    samples:      published
    bad_readings: dropped
    reopenings:   tries to open it again
    failures:     runs that brought nothing, bad readings among them
    lost:         samples read that could not be published before the source was stopped
    refused:      numbers that were not believed, by reason
    blocked:      times it held up all other sources
    """

    name: str
    kind: str
    status: Status
    last_run: datetime | None
    last_good: datetime | None
    next_run: datetime | None
    error: str
    samples: int
    bad_readings: int
    reopenings: int
    failures: int
    lost: int
    refused: Mapping[str, int] = field(default_factory=dict)
    blocked: int = 0
