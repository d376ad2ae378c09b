"""The files in which Kwapi keeps what it measured: which probe each is of, and what it says.

A file is named after its probe by a name-based UUID, from which the name cannot be had back: so
files are looked for by the names of probes that are known. The fork for Grid'5000 adds what is
measured to the name.

A file has archives that are the finer the shorter they reach back. Each moment is told by the
finest archive that covers it, also where that one says that nothing is known.

Of a coarse row in which a finer archive begins only the time before that is left to tell. Where a
silence touches that time (the finer archive begins with one, or the row before is unknown), nobody
knows how much of it the silence takes: then only as much counts as must have been known.

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
_EVER = int(np.iinfo(np.int64).max)

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
    parts: list[Means] = []
    before_s = _EVER
    for archive in sorted(archives, key=lambda one: (one.step_s, one.start_s)):
        parts.append(_believed(_until(archive, column, before_s, parts)))
        before_s = min(before_s, archive.start_s)
    columns = zip(*(part[:4] for part in parts[::-1]), strict=True)
    start_s, end_s, step_s, watts = map(np.concatenate, columns)
    return Means(start_s, end_s, step_s, watts, sum(part.refused for part in parts))


def _column(database: Database) -> int:
    for number, source in enumerate(database.sources):
        if source == (_SOURCE, _KIND):
            return number
    there = ", ".join(f"{one.name} ({one.kind})" for one in database.sources)
    raise BadReading(f"it holds no power ({_SOURCE}, {_KIND}) but {there or 'nothing'}")


def _until(archive: Archive, column: int, before_s: int, finer: Sequence[Means]) -> Means:
    """The rows of an archive before a moment from which on finer ones tell."""
    end_s = archive.end_s - archive.step_s * np.arange(len(archive.value) - 1, -1, -1)
    some = end_s - archive.step_s < before_s
    start_s, end_s, watts = end_s[some] - archive.step_s, end_s[some], archive.value[some, column]
    rows = Means(start_s, np.minimum(end_s, before_s), end_s - start_s, watts, 0)
    if len(watts) and end_s[-1] > before_s:
        start_s[-1], rows.end_s[-1] = _sure(rows, archive.xff, finer)
    return rows


def _sure(rows: Means, xff: float, finer: Sequence[Means]) -> tuple[int, int]:
    """From when until when the last row counts, in which a finer archive begins."""
    start_s, before_s, step_s = (int(column[-1]) for column in rows[:3])
    is_after_silence = len(rows.watts) > 1 and bool(np.isnan(rows.watts[-2]))
    is_before_silence = not any(before_s in part.start_s for part in finer)
    if not is_after_silence and not is_before_silence:
        return start_s, before_s
    told_s = sum(_within(part, before_s, start_s + step_s) for part in finer)
    least_s = min(max(step_s - int(xff * step_s) - told_s, 0), before_s - start_s)
    return (start_s, start_s + least_s) if is_before_silence else (before_s - least_s, before_s)


def _within(part: Means, start_s: int, end_s: int) -> int:
    """For how long between two moments something is known, in seconds."""
    length = np.minimum(part.end_s, end_s) - np.maximum(part.start_s, start_s)
    return int(np.maximum(length, 0).sum())


def _believed(rows: Means) -> Means:
    is_known = ~np.isnan(rows.watts)
    good = (rows.watts >= 0) & (rows.watts <= MOST_W)
    refused = int(np.count_nonzero(is_known & ~good))
    some = good & (rows.start_s < rows.end_s)
    start_s, end_s, step_s, watts, _ = rows
    return Means(start_s[some], end_s[some], step_s[some], watts[some], refused)
