"""Puts what was measured elsewhere before a series' own readings, as if it were old.

The time from a series' first own reading on is its own. What is brought of the time before becomes
hours, and minutes where it is finer than an hour, just as if readings had been recorded, closed
and thrown away. The hour in which the own readings begin will be closed from readings; so what is
brought of it becomes readings, one a hold.

An hour that is there already stays as it is: to bring the same twice changes nothing.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from django.db import connections, transaction

from meterhouse.store import blocks, ends, sealing, states
from meterhouse.store.blocks import HOUR_MS, WIDTH_MS, Granularity, Span
from meterhouse.store.folding import Floats, Ints, Rows, edges
from meterhouse.store.locking import alone
from meterhouse.store.merging import Part
from meterhouse.store.past import Past, as_readings, laid
from meterhouse.store.retention import Policy, kept_from
from meterhouse.store.screening import EARLIEST_MS
from meterhouse.store.states import State, hour_of

MINUTE, HOUR = Granularity.MINUTE, Granularity.HOUR
_STARTS = frozenset({"start"})
_EVER = np.iinfo(np.int64).max


class NotMeasured(LookupError):
    """A series has no reading of its own: nobody can tell up to when its past reaches."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of a past.

    own_ms:     when the series' own readings begin
    start_ms, end_ms: of what was brought; equal if nothing was
    integral:   of it, value x seconds
    covered_ms: for how much of it something is known
    own, known, too_old: milliseconds that were left out: from ``own_ms`` on; of hours that were
                there already; and older than what is kept
    """

    own_ms: int
    start_ms: int
    end_ms: int
    integral: float
    covered_ms: int
    own: int
    known: int
    too_old: int


class _Gain(NamedTuple):
    """What one series gets: whole hours, minutes from a moment on, and readings after them."""

    hours: Rows
    minutes: Rows
    minutes_ms: int
    at: Ints
    value: Floats
    known: int  # milliseconds of hours that were there already

    def __bool__(self) -> bool:
        return bool(len(self.hours) or len(self.at))

    def span(self, of: Past, hold_ms: int) -> tuple[int, int]:
        """From when until when something is known in it."""
        starts = [*self.hours.start[:1], *self.at[:1]]
        ends = [*(self.hours.start[-1:] + HOUR_MS), *(self.at[-1:] + hold_ms)]
        inside = of.within(int(min(starts)), int(max(ends)))
        return int(inside.start_ms[0]), int(inside.end_ms[-1])


def bring(
    resource: str,
    meter: str,
    past: Past,
    *,
    now_ms: int,
    policy: Policy,
    using: str = "default",
) -> Brought:
    """Put a past of one series before its first own reading, in one transaction.

    Readings that come later and are older than the hour in which the own ones began are refused,
    as pruned ones are. Raises NotMeasured.
    """
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        alone(cursor, using)
        found = states.where(cursor, "resource = %s AND meter = %s", (resource, meter))
        own_ms = _own_since(cursor, found[0]) if found else None
        if own_ms is None:
            raise NotMeasured(resource)
        # A clock that is ahead must not have what is read until then refused.
        state, own_ms = found[0], min(own_ms, now_ms)
        since_ms = max(kept_from(now_ms, policy.hour), EARLIEST_MS)
        kept = past.within(since_ms, own_ms)
        gain = _gained(cursor, state, kept, own_ms, kept_from(now_ms, policy.minute))
        hold_ms = state.hold_at(own_ms - 1)
        start_ms, end_ms = gain.span(kept, hold_ms) if gain else (own_ms, own_ms)
        if gain:
            _write(cursor, state, gain, own_ms, start_ms)
    return Brought(
        own_ms=own_ms,
        start_ms=start_ms,
        end_ms=end_ms,
        integral=float(gain.hours.integral.sum() + gain.value.sum() * hold_ms / 1000),
        covered_ms=int(gain.hours.covered_ms.sum()) + len(gain.at) * hold_ms,
        own=past.within(own_ms, _EVER).covered_ms,
        known=gain.known,
        too_old=past.within(0, since_ms).covered_ms,
    )


def _own_since(cursor: Any, state: State) -> int | None:
    """When the readings begin that were recorded here, sealed or not."""
    if state.own_ms is not None:
        return state.own_ms
    cursor.execute("SELECT MIN(min_ms) FROM store_head")
    (oldest,) = cursor.fetchone()
    moments = [] if state.first_ms is None else [state.first_ms]
    if oldest is not None and (state.first_ms is None or oldest < state.first_ms):
        moments += ends.first_moments(cursor, [state.id]).values()
    return min(moments, default=None)


def _gained(cursor: Any, state: State, kept: Past, own_ms: int, minutes_ms: int) -> _Gain:
    """What is new. kept: what may be brought; minutes_ms: from when on minutes are kept."""
    begin_ms = hour_of(own_ms)
    before = kept.within(0, begin_ms)
    hours = _new_hours(cursor, state, before, begin_ms)
    minutes_ms = _minutes_from(state, before, begin_ms, minutes_ms)
    # What was brought before of the first own hour stands; once readings go, none may come.
    is_open = state.own_ms is None and state.pruned_ms <= begin_ms
    since_ms = begin_ms if is_open else own_ms
    seam = as_readings(kept, since_ms, own_ms, state.hold_at(own_ms - 1))
    known = (before if is_open else kept).covered_ms - int(hours.covered_ms.sum())
    return _Gain(hours, _minutes_of(hours, before, minutes_ms), minutes_ms, *seam, known)


def _new_hours(cursor: Any, state: State, before: Past, begin_ms: int) -> Rows:
    """The hours of which something is known, and that are not there yet."""
    if not len(before):
        return Rows.none()
    start_ms = hour_of(int(before.start_ms[0]))
    rows = laid(before, edges(start_ms, begin_ms, HOUR_MS))
    found = blocks.touching(cursor, HOUR, [Span(state.id, start_ms, begin_ms)])
    there = [blocks.rows(block, _STARTS).start for block in found]
    is_new = ~np.isin(rows.start, np.concatenate([*there, np.empty(0, np.int64)]))
    return rows.take((rows.covered_ms > 0) & is_new)


def _minutes_from(state: State, before: Past, begin_ms: int, kept_ms: int) -> int:
    """From when on minutes are made beside hours: of all that is finer than an hour."""
    if not state.makes_minutes:
        return begin_ms
    if state.minutes_pruned_ms:
        return min(state.minutes_pruned_ms, begin_ms)
    fine = before.start_ms[before.step_ms < HOUR_MS]
    first_ms = hour_of(int(fine[0]) + HOUR_MS - 1) if len(fine) else begin_ms
    return min(max(first_ms, kept_ms), begin_ms)


def _minutes_of(hours: Rows, before: Past, minutes_ms: int) -> Rows:
    wanted = hours.start[hours.start >= minutes_ms]
    if not len(wanted):
        return Rows.none()
    cuts = edges(int(wanted[0]), int(wanted[-1]) + HOUR_MS, WIDTH_MS[MINUTE])
    rows = laid(before, cuts)
    return rows.take(np.isin(rows.start // HOUR_MS * HOUR_MS, wanted))


def _write(cursor: Any, state: State, gain: _Gain, own_ms: int, first_ms: int) -> None:
    begin_ms = hour_of(own_ms)
    _lay(cursor, state.id, HOUR, gain.hours)
    _lay(cursor, state.id, MINUTE, gain.minutes)
    states.save_brought(
        cursor,
        state._replace(
            first_ms=first_ms if state.first_ms is None else min(state.first_ms, first_ms),
            folded_ms=max(state.folded_ms, begin_ms),
            pruned_ms=max(state.pruned_ms, begin_ms),
            minutes_pruned_ms=max(state.minutes_pruned_ms, gain.minutes_ms),
            own_ms=own_ms,
        ),
    )
    if len(gain.at):
        sealing.seal_parts(cursor, [Part(state.id, gain.at, gain.value)])


def _lay(cursor: Any, series: int, granularity: Granularity, rows: Rows) -> None:
    """Write rows of a series, none of which is there yet, among those that are."""
    if not len(rows):
        return
    span = Span(series, int(rows.start[0]), int(rows.start[-1]) + WIDTH_MS[granularity])
    found = list(blocks.touching(cursor, granularity, [span]))
    whole = Rows.join([*map(blocks.rows, found), rows])
    blocks.delete(cursor, [block.id for block in found])
    in_order = whole.take(np.argsort(whole.start, kind="stable"))
    blocks.write(cursor, blocks.of_rows(granularity, [(series, in_order)]))
