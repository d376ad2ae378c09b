"""What a collector would have brought home, had it watched the simulated cloud for some time."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from meterhouse.metering.periods import to_ms
from meterhouse.metering.samples import Columns
from meterhouse.metering.snapshots import Snapshot
from meterhouse.sources import Reading
from meterhouse.sources.simulator import people
from meterhouse.sources.simulator.cloud import Cloud
from meterhouse.sources.simulator.rhythm import DAY_MS, HOUR_MS, MONDAY_MS, Ints

OUTAGE_MS = 5 * HOUR_MS
MS = timedelta(milliseconds=1)


def history(cloud: Cloud, start: datetime, end: datetime, step: timedelta) -> Iterator[Reading]:
    """Yield what was read from start (in) to end (out), oldest first, a reading a UTC day.

    step: between two readings of a meter. Nodes, outlets and instances are listed each hour;
          institutions, projects and users each day and when shares change.

    Once in four weeks nobody was there to read for five hours: a gap that reports have to name.
    """
    first, last, step_ms = to_ms(start), to_ms(end), step // MS
    for day in range(first // DAY_MS, -(-last // DAY_MS)):
        since, until = max(first, day * DAY_MS), min(last, (day + 1) * DAY_MS)
        at, hours = watched(since, until, step_ms), watched(since, until, HOUR_MS)
        parts = [cloud.power(at)] if len(at) else []
        parts += [cloud.cpu_time(int(hour)) for hour in hours]
        snapshots = [each for hour in hours for each in _listed(cloud, int(hour), since)]
        yield Reading(Columns.join(parts), tuple(snapshots))


def _listed(cloud: Cloud, at_ms: int, since_ms: int) -> Iterator[Snapshot]:
    new_shares = people.turn(at_ms) != people.turn(at_ms - HOUR_MS)
    if new_shares or at_ms - since_ms < HOUR_MS:  # the first hour of the day
        yield from cloud.organization(at_ms)
    yield from cloud.machines(at_ms)


def watched(since_ms: int, until_ms: int, step_ms: int) -> Ints:
    """The multiples of a step from ``since_ms`` (in) to ``until_ms`` (out) outside the outages."""
    at = np.arange(-(-since_ms // step_ms) * step_ms, until_ms, step_ms, dtype=np.int64)
    into_cycle = (at - OUTAGE_BEGINS_MS) % people.CYCLE_MS
    return at[into_cycle >= OUTAGE_MS]


OUTAGE_BEGINS_MS = MONDAY_MS + 11 * DAY_MS + 9 * HOUR_MS + 20 * 60 * 1000
