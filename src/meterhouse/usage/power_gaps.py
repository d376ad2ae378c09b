"""When a source's meters did not say what was drawn: the gaps of power in a report.

A gap is listed where for a whole minute nothing is known of a meter that was there; shorter ones
are in ``energy_coverage`` alone. All meters of one source that are silent at the same time are one
row, because they have one cause.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from meterhouse.metering.meters import POWER
from meterhouse.metering.periods import Period
from meterhouse.usage.gaps import Gap
from meterhouse.usage.stretches import Ints
from meterhouse.usage.windows import Floats, Windows

MINUTE_MS = 60_000
MOST_CELLS = 20_000_000
"""Meters times minutes that are looked at; where there are more, gaps are listed by the hour."""

Cover = Callable[[Sequence[str], Windows], Floats | Ints]
"""For how many milliseconds of each window each meter is known: [k, n]."""
Presence = Callable[[Sequence[str], Windows], Floats | Ints]
"""For how many milliseconds of each window each meter was there: [k, n]."""


def power_gaps(
    sources: Mapping[str, str],
    windows: Windows,
    cover: Cover,
    presence: Presence,
    most_cells: int = MOST_CELLS,
) -> tuple[Gap, ...]:
    """List when meters said nothing, a row a source and stretch.

    sources: meter to its source
    windows: of the period, mostly hours; those known in part are looked at by the minute, unless
             that were more than ``most_cells`` meters times minutes
    """
    meters = sorted(sources)
    if not meters or not len(windows):
        return ()
    missing = presence(meters, windows) - cover(meters, windows)
    lacking = np.flatnonzero((missing >= MINUTE_MS).any(axis=1))
    meters = [meters[row] for row in lacking.tolist()]
    if not meters:
        return ()
    finer = _finer(windows, missing[lacking], most_cells // len(meters))
    there, known = presence(meters, finer), cover(meters, finer)
    rows = (
        (sources[meter], interval)
        for number, meter in enumerate(meters)
        for interval in _dark(finer.edges, there[number], known[number])
    )
    return tuple(_joined(rows))


def _finer(windows: Windows, missing: Floats | Ints, most: int) -> Windows:
    """The windows, with a cut at each minute of those that some meter knows in part."""
    partly = ((missing >= MINUTE_MS) & (missing < windows.length)).any(axis=0)
    starts, ends = windows.edges[:-1][partly], windows.edges[1:][partly]
    if (ends - starts).sum() // MINUTE_MS > most:
        return windows
    minutes = [
        np.arange(start // MINUTE_MS * MINUTE_MS + MINUTE_MS, end, MINUTE_MS, dtype=np.int64)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    return Windows(np.unique(np.concatenate([windows.edges, *minutes])))


def _dark(edges: Ints, there: Floats | Ints, known: Floats | Ints) -> Iterator[tuple[int, int]]:
    """When one meter was there and not known, in milliseconds.

    From dark windows, and as far as their neighbours are not known either: that part lies beside
    the dark one.
    """
    missing = np.rint(np.maximum(there - known, 0)).astype(np.int64)
    dark = (missing >= np.minimum(MINUTE_MS, np.diff(edges))) & (known < 1)
    beside = np.where(dark, 0, missing)
    turns = np.flatnonzero(np.diff(np.concatenate(([0], dark.astype(np.int8), [0]))))
    for first, last in turns.reshape(-1, 2).tolist():
        before = int(beside[first - 1]) if first else 0
        after = int(beside[last]) if last < len(beside) else 0
        yield int(edges[first]) - before, int(edges[last]) + after


def _joined(rows: Iterable[tuple[str, tuple[int, int]]]) -> Iterator[Gap]:
    """Put together what overlaps, source by source."""
    by_source: dict[str, list[tuple[int, int]]] = {}
    for source, interval in rows:
        by_source.setdefault(source, []).append(interval)
    for source, intervals in sorted(by_source.items()):
        for start, end in _merged(sorted(intervals)):
            yield Gap(source, POWER.name, Period.from_ms(start, end))


def _merged(intervals: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    start, end = intervals[0]
    for low, high in intervals[1:]:
        if low > end:
            yield start, end
            start = low
        end = max(end, high)
    yield start, end
