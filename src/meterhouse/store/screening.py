"""Which samples are not to be believed, and why. Pure arithmetic on whole columns."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from meterhouse.metering.periods import to_ms
from meterhouse.store.heads import Samples, Span

EARLIEST_MS = to_ms(datetime(2000, 1, 1, tzinfo=UTC))
LATEST_MS = to_ms(datetime(2200, 1, 1, tzinfo=UTC))  # later ones are of damaged rows
LARGEST = 1e200  # sums and squares of larger values would overflow
AHEAD_MS = timedelta(days=1) // timedelta(milliseconds=1)
IN_STEP_MS = 5_000
"""Clocks that differ by less are in step: what is further ahead lies in the future."""


class Reason(StrEnum):
    """Why a sample was not kept. Public words: they are counted and shown."""

    NOT_FINITE = "not a finite number"  # nor is what exceeds LARGEST
    TOO_EARLY = "before the year 2000"
    TOO_LATE = "more than a day in the future"
    NO_METER = "unknown meter"
    DAMAGED = "of a damaged row of the database"
    PRUNED = "older than what is still kept"
    GIVEN_UP = "of a journal that was begun anew"


def is_believed(samples: Samples, span: Span, now_ms: int) -> bool:
    """Whether no sample is to be refused. No series may be of an unknown meter."""
    return (
        span.first_ms >= EARLIEST_MS
        and span.last_ms <= now_ms + AHEAD_MS
        and bool(np.abs(samples.value).max() <= LARGEST)  # false for what is not a number
    )


def screen(samples: Samples, now_ms: int) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Which of the samples to keep, and how many were refused, by reason.

    The id 0 stands for series of unknown meters.
    """
    keep = np.ones(len(samples), np.bool_)
    refused: dict[str, int] = {}
    for reason, bad in (
        (Reason.NO_METER, samples.series == 0),
        (Reason.NOT_FINITE, ~(np.abs(samples.value) <= LARGEST)),
        (Reason.TOO_EARLY, samples.at < EARLIEST_MS),
        (Reason.TOO_LATE, samples.at > now_ms + AHEAD_MS),
    ):
        count = int(np.count_nonzero(bad & keep))
        if count:
            refused[reason] = count
            keep &= ~bad
    return keep, refused
