"""What a reading must be to be believed, so that one source's nonsense goes no further."""

from collections.abc import Iterable

import numpy as np

from meterhouse.metering.errors import BadReading
from meterhouse.metering.samples import Columns
from meterhouse.metering.snapshots import Snapshot
from meterhouse.sources import Reading

FUTURE_MS = 60 * 60 * 1000  # a device's clock may be ahead by so much


def check(reading: object, name: str, now_ms: int) -> Reading:
    """Return the reading of the source called ``name`` if it can be believed.

    Raises BadReading if what the device said cannot be, TypeError if the source's code returned
    something else than a reading.
    """
    if not isinstance(reading, Reading):
        raise TypeError(f"read() returned {type(reading).__name__}, not a Reading")
    if len(reading.samples):
        _check_samples(reading.samples, now_ms)
    _check_snapshots(reading.snapshots, name, now_ms)
    return reading


def _check_samples(samples: Columns, now_ms: int) -> None:
    if samples.key.max() >= len(samples.series):
        raise BadReading("a sample belongs to no series")
    if not np.isfinite(samples.value).all():
        raise BadReading("a value is no number")
    if samples.at.min() <= 0 or samples.at.max() > now_ms + FUTURE_MS:
        raise BadReading("a sample's time is not of this world; is the device's clock right?")


def _check_snapshots(snapshots: Iterable[Snapshot], name: str, now_ms: int) -> None:
    for snapshot in snapshots:
        if snapshot.source != name:
            raise BadReading(f"a snapshot is {snapshot.source!r}'s instead of {name!r}'s")
        if not 0 < snapshot.at_ms <= now_ms + FUTURE_MS:
            raise BadReading("a snapshot's time is not of this world")
