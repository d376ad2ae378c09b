"""The files in which Kwapi keeps what it measured: which probe each is of, and what it says.

A file is named after its probe by a name-based UUID, from which the name cannot be had back: so
files are looked for by the names of probes that are known. The fork for Grid'5000 adds what is
measured to the name.

A file has archives that are the finer the shorter they reach back. Each moment is told by the
finest archive that covers it, also where that one says that nothing is known.

Source: openstack-archive/kwapi @ 402c28f and SimonDelamare/kwapi-g5k @ 0880994,
kwapi/plugins/rrd/rrd.py (and v1.py: a file that was downloaded bears the probe's name).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import NAMESPACE_DNS, uuid5

import numpy as np
from numpy.typing import NDArray

from meterhouse.clients.rrdtool.dump import Archive, Database
from meterhouse.metering.errors import BadReading

MOST_W = 1_000_000
"""No probe draws more; such a mean, or a negative one, is not believed."""

_SOURCE, _KIND, _FUNCTION = "w", "GAUGE", "AVERAGE"

Ints = NDArray[np.int64]


class Means(NamedTuple):
    """Mean watts over stretches of time, oldest first, none overlapping; between them unknown.

    start_s, end_s: int64[n], half-open, seconds since 1970
    step_s:         int64[n], how much time each is the mean of; a stretch may be a part of that
    watts:          float64[n]
    refused:        how many means were not believed
    """

    start_s: Ints
    end_s: Ints
    step_s: Ints
    watts: NDArray[np.float64]
    refused: int


def stems(probe: str) -> Iterator[str]:
    """What a probe's file may be called, without its suffix."""
    for name in (probe, f"{probe}.power"):
        yield str(uuid5(NAMESPACE_DNS, name))
        yield name


def means(database: Database) -> Means:
    """What a file says of power. Raises BadReading if it is of something else."""
    column = _column(database)
    archives = [one for one in database.archives if one.function == _FUNCTION and len(one.value)]
    if not archives:
        there = ", ".join(sorted({one.function for one in database.archives})) or "none"
        raise BadReading(f"it has no archive of means (AVERAGE); there are: {there}")
    parts, before_s = [], np.iinfo(np.int64).max
    for archive in sorted(archives, key=lambda one: (one.step_s, one.start_s)):
        parts.append(_until(archive, column, int(before_s)))
        before_s = min(before_s, archive.start_s)
    return _believed(parts[::-1])


def _column(database: Database) -> int:
    for number, source in enumerate(database.sources):
        if source == (_SOURCE, _KIND):
            return number
    there = ", ".join(f"{one.name} ({one.kind})" for one in database.sources)
    raise BadReading(f"it holds no power ({_SOURCE}, {_KIND}) but {there or 'nothing'}")


def _until(archive: Archive, column: int, before_s: int) -> Means:
    """The rows of an archive before a moment from which on a finer one tells."""
    end_s = archive.end_s - archive.step_s * np.arange(len(archive.value) - 1, -1, -1)
    start_s = end_s - archive.step_s
    some = start_s < before_s
    step_s = np.full(np.count_nonzero(some), archive.step_s)
    watts = archive.value[some, column]
    return Means(start_s[some], np.minimum(end_s[some], before_s), step_s, watts, 0)


def _believed(parts: Sequence[Means]) -> Means:
    start_s, end_s, step_s, watts = map(np.concatenate, zip(*(p[:4] for p in parts), strict=True))
    is_known = ~np.isnan(watts)
    good = (watts >= 0) & (watts <= MOST_W)
    refused = int(np.count_nonzero(is_known & ~good))
    return Means(start_s[good], end_s[good], step_s[good], watts[good], refused)
