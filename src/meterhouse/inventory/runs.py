"""How sightings become history: the pure arithmetic of stretches.

What a listing says about one thing (a resource, a membership, a share) at the moments it was
taken is a row of values, nothing where the thing was missing. A run is a stretch of equal values.
Working one more moment into the runs gives the same runs in whatever order the moments come.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

Value = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One value, first shown at ``seen_ms`` and no more at ``end_ms`` (both moments of lists).

    start_ms: from when the value holds: ``seen_ms``, or earlier (see ``begin``)
    since_ms: when the source says the thing was made; 0: it does not say
    id:       the row that holds it; 0: none yet
    """

    seen_ms: int
    end_ms: int
    value: Value
    start_ms: int
    since_ms: int = 0
    id: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What one list says of one thing."""

    value: Value
    since_ms: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """When a list was taken, and the complete ones around it.

    before:   the last complete one earlier; None if there is none
    after:    the first complete one later; FOREVER if there is none
    complete: whether what is missing from this one was not there
    """

    at_ms: int
    before: int | None
    after: int
    complete: bool = True

    @property
    def known_from(self) -> int | None:
        """For what was first seen after this moment: the last complete one before that."""
        return self.at_ms if self.complete else self.before


def insert(runs: Sequence[Run], moment: Moment, seen: Seen | None) -> list[Run]:
    """Work what was seen of one thing at one moment into its runs.

    runs: oldest first; at least those that end at the moment or later and were seen first no
          later than ``moment.after``

    What was seen holds until the next moment at which the thing is known: a complete list, or a
    run's own edge. Equal neighbours become one run; the row of the earlier is kept.
    """
    at = moment.at_ms
    edges = [edge for run in runs for edge in (run.seen_ms, run.end_ms) if edge > at]
    until = min([moment.after, *edges])
    parts = [part for run in runs for part in _outside(run, at, until)]
    if seen is not None:
        parts.append(Run(at, until, seen.value, at, seen.since_ms))
    return _begin(_join(sorted(parts, key=lambda run: run.seen_ms)), moment)


def _outside(run: Run, start: int, end: int) -> Iterable[Run]:
    """What is left of a run when start .. end is cut out; the first part keeps the row."""
    if run.end_ms <= start or run.seen_ms >= end:
        yield run
        return
    if run.seen_ms < start:
        yield replace(run, end_ms=start)
    if run.end_ms > end:
        kept = run.id if run.seen_ms >= start else 0
        yield replace(run, id=kept, seen_ms=end, start_ms=end)


def _join(runs: Iterable[Run]) -> list[Run]:
    joined: list[Run] = []
    for run in runs:
        last = joined[-1] if joined else None
        if last is not None and last.end_ms == run.seen_ms and last.value == run.value:
            joined[-1] = replace(last, end_ms=run.end_ms, id=last.id or run.id)
        else:
            joined.append(run)
    return joined


def _begin(runs: Sequence[Run], moment: Moment) -> list[Run]:
    """Work out again from when those hold that the moment has a bearing on."""
    begun, last_end = [], None
    for run in runs:
        follows = last_end == run.seen_ms
        last_end = run.end_ms
        if run.seen_ms < moment.at_ms or run.seen_ms > moment.after:
            begun.append(run)
        else:
            here = run.seen_ms == moment.at_ms
            before = moment.before if here else moment.known_from
            start = run.seen_ms if follows else begin(run.seen_ms, run.since_ms, before)
            begun.append(replace(run, start_ms=start))
    return begun


def begin(seen_ms: int, since_ms: int, before: int | None) -> int:
    """From when something newly seen holds.

    since_ms: when the source says it was made; 0: it does not say
    before:   the last complete list that lacked it; None: there was no list before

    Nothing is dated back to before somebody watched, nor into a list that lacked it.
    """
    if not since_ms or before is None:
        return seen_ms
    return max(min(since_ms, seen_ms), before)
