"""Turns heads into blocks per series, and hours that are over into minutes and hours.

Heads are sealed when there are enough of them that a block is worth its row, and before they are
so many that reading past them is slow: 600 rows, or 600,000 samples. At 1 Hz that is every ten
minutes, and a query for one series spends a millisecond on the head. What comes slowly waits until
its hours are over: they are closed two at a time, two minutes after they end, and the small blocks
of those hours are joined. At midnight the small blocks of the day are.

Every step is one bounded transaction, so a crash at any moment loses nothing and doubles nothing,
and the recorder never waits for long.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from django.db import connections, transaction

from meterhouse.store import blocks, closing, heads, states
from meterhouse.store.blocks import DAY_MS, Granularity, Span
from meterhouse.store.counting import count_refused
from meterhouse.store.locking import alone
from meterhouse.store.merging import Part, by_series, merge
from meterhouse.store.screening import EARLIEST_MS, LARGEST, LATEST_MS, Reason
from meterhouse.store.states import State, hour_of

ROWS = 600  # heads that are worth sealing: ten minutes of one publisher at 1 Hz
SAMPLES = 600_000  # samples in heads that are worth sealing: a query reads past 1.2 MB of them
GRACE_MS = timedelta(minutes=2) // timedelta(milliseconds=1)  # for batches that are on the way
_STEPS = 100  # transactions in one call, at most


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one call did. more: whether it stopped before everything was done."""

    samples: int
    hours: int
    more: bool


def seal(now_ms: int, *, using: str = "default") -> Sealed:
    """Do what is due by now, in bounded steps. May be called at any time, by several at once."""
    together = closing.CLOSED_TOGETHER_MS
    over = (now_ms - GRACE_MS) // together * together
    sealed, seal_more = _again(_seal_some, over, using)
    closed, close_more = _again(_close_some, over, using)
    return Sealed(sealed, closed, more=seal_more or close_more)


def _again(step: Callable[[int, str], int], over_ms: int, using: str) -> tuple[int, bool]:
    """Take steps until one has nothing to do, but not for ever; the sum, and if there is more."""
    total = 0
    for _ in range(_STEPS):
        done = step(over_ms, using)
        if not done:
            return total, False
        total += done
    return total, True


def due(cursor: Any, over_ms: int) -> bool:
    """Whether sealing is worth it: many heads, many samples, or some of an hour that is over."""
    cursor.execute("SELECT COUNT(*), COALESCE(SUM(count), 0), MIN(min_ms) FROM store_head")
    rows, samples, oldest = cursor.fetchone()
    return bool(rows) and (rows >= ROWS or samples >= SAMPLES or oldest < over_ms)


def _seal_some(over_ms: int, using: str) -> int:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        alone(cursor, using)
        return seal_oldest(cursor) if due(cursor, over_ms) else 0


def seal_oldest(cursor: Any) -> int:
    """Turn the oldest heads into blocks; return how many samples they held."""
    rows = heads.oldest(cursor, SAMPLES)
    samples = heads.joined([row for row in rows if row.is_sound])
    lost = sum(max(row.size, 1) for row in rows if not row.is_sound)
    believed = np.abs(samples.value) <= LARGEST  # as all was that was written
    believed &= (samples.at >= EARLIEST_MS) & (samples.at < LATEST_MS)
    parts = by_series(samples.only(believed))
    known = states.by_id(cursor, [part.series for part in parts])
    lost += int((~believed).sum()) + sum(len(p.at) for p in parts if p.series not in known)
    if lost:
        count_refused(cursor, {Reason.DAMAGED: lost})
    seal_parts(cursor, [part for part in parts if part.series in known])
    heads.delete(cursor, rows)
    return sum(max(row.size, 1) for row in rows)


def _close_some(over_ms: int, using: str) -> int:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        alone(cursor, using)
        return closing.close_some(cursor, over_ms)


def seal_parts(cursor: Any, parts: list[Part]) -> None:
    """Put samples into blocks, and make anew the minutes and hours that they come late for."""
    known = states.by_id(cursor, [part.series for part in parts])
    kept = list(_not_pruned(cursor, parts, known))
    late = [part for part in kept if _is_late(part, known[part.series])]
    for part in late:
        _merge_in(cursor, part)
    newer = [part for part in kept if not _is_late(part, known[part.series])]
    blocks.write(cursor, blocks.of_samples(newer))
    states.save(cursor, [_extended(known[part.series], part) for part in kept])
    for part in kept:
        if known[part.series].remakes(int(part.at[0])):
            for day in _days(part):
                closing.close_again(cursor, known[part.series], day.at)


def _merge_in(cursor: Any, part: Part) -> None:
    """Merge samples with the blocks that they fall into, day by day: no block crosses midnight."""
    for day in _days(part):
        span = Span(part.series, int(day.at[0]), int(day.at[-1]) + 1)
        there = list(blocks.touching(cursor, Granularity.RAW, [span]))
        at, value = merge([blocks.samples(block) for block in there], day.at, day.value)
        blocks.delete(cursor, [block.id for block in there])
        blocks.write(cursor, blocks.of_samples([Part(part.series, at, value)]))


def _days(part: Part) -> Iterator[Part]:
    cuts = np.flatnonzero(np.diff(part.at // DAY_MS)) + 1
    for at, value in zip(np.split(part.at, cuts), np.split(part.value, cuts), strict=True):
        yield Part(part.series, at, value)


def _not_pruned(cursor: Any, parts: list[Part], known: dict[int, State]) -> Iterator[Part]:
    """Leave out what is so old that the raw samples beside it may be gone."""
    lost = 0
    for part in parts:
        since = known[part.series].pruned_ms
        first = int(np.searchsorted(part.at, since)) if part.at[0] < since else 0
        lost += first
        if first < len(part.at):
            yield Part(part.series, part.at[first:], part.value[first:])
    if lost:
        count_refused(cursor, {Reason.PRUNED: lost})


def _is_late(part: Part, state: State) -> bool:
    return state.last_ms is not None and bool(part.at[0] <= state.last_ms)


def _extended(state: State, part: Part) -> State:
    first, last = int(part.at[0]), int(part.at[-1])
    if not state.is_open and first > state.folded_ms:
        # Nothing is left to close before the hour in which the series begins or goes on.
        state = state.closed_until(hour_of(first))
    if state.first_ms is not None:
        first = min(first, state.first_ms)
    if state.last_ms is not None and state.last_ms > last:
        return state._replace(first_ms=first)
    return state._replace(first_ms=first, last_ms=last, last_value=float(part.value[-1]))
