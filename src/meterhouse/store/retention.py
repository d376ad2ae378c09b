"""Throws away what is older than it has to be kept: raw samples first, then minutes, then hours.

A whole block goes when all of it is old enough and everything coarser has been made of it. Each
step is one bounded transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connections, transaction

from meterhouse.store import blocks, holds
from meterhouse.store.blocks import HOUR_MS, Granularity
from meterhouse.store.bridging import BEFORE, CEILINGS
from meterhouse.store.locking import alone
from meterhouse.store.states import hour_of

_MS = timedelta(milliseconds=1)
_BLOCKS = 2000  # in one transaction
_STEPS = 500  # transactions in one call, at most
_LONGEST = "COALESCE((SELECT MAX(h.hold_ms) FROM store_hold h WHERE h.series = s.id), s.hold_ms)"
_ENDS = f"CASE WHEN b.granularity = 0 THEN b.end_ms - 1 + {_LONGEST} ELSE b.end_ms END"
_BRIDGED = (
    "(SELECT SUM(later.count) FROM (SELECT c.count FROM store_block c WHERE c.series = s.id"
    " AND c.granularity = 0 AND c.start_ms > b.start_ms AND c.end_ms <= s.folded_ms"
    f" ORDER BY c.start_ms LIMIT {BEFORE}) later) >= {BEFORE}"
)
_WATERMARK = {Granularity.RAW: "pruned_ms", Granularity.MINUTE: "minutes_pruned_ms"}


@dataclass(frozen=True, slots=True)
class Policy:
    """How long each granularity is kept; None: for ever. None may outlive a coarser one."""

    raw: timedelta | None = timedelta(days=30)
    minute: timedelta | None = timedelta(days=365)
    hour: timedelta | None = None

    def __post_init__(self) -> None:
        lengths = [
            timedelta.max if length is None else length
            for length in (self.raw, self.minute, self.hour)
        ]
        if lengths != sorted(lengths):
            raise ValueError("finer samples cannot be kept longer than coarser ones")


DEFAULT = Policy()


def prune(now_ms: int, policy: Policy = DEFAULT, *, using: str = "default") -> int:
    """Delete the blocks that no granularity's retention covers any more; return how many."""
    gone = 0
    for granularity, retention in zip(
        Granularity, (policy.raw, policy.minute, policy.hour), strict=True
    ):
        if retention is None:
            continue
        before_ms = kept_from(now_ms, retention)
        # Where there are no minutes, the readings are kept in their stead.
        instead_ms = (
            kept_from(now_ms, policy.minute) if granularity is Granularity.RAW else before_ms
        )
        for _ in range(_STEPS):
            deleted = _prune_some(granularity, before_ms, instead_ms, using)
            gone += deleted
            if deleted < _BLOCKS:
                break
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        alone(cursor, using)
        holds.forget(cursor)
    return gone


def kept_from(now_ms: int, retention: timedelta | None) -> int:
    """What is older may go: the start of an hour. Nothing is older than 0."""
    return 0 if retention is None else hour_of(now_ms - retention // _MS)


def _prune_some(granularity: Granularity, before_ms: int, instead_ms: int, using: str) -> int:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        alone(cursor, using)
        old = _old(cursor, granularity, before_ms, instead_ms)
        blocks.delete(cursor, [block for block, *_ in old])
        if granularity in _WATERMARK:
            _raise_watermark(cursor, _WATERMARK[granularity], old)
        return len(old)


def _old(
    cursor: Any, granularity: Granularity, before_ms: int, instead_ms: int
) -> list[tuple[int, int, int]]:
    """Block, series, and when the last reading (or bucket) in it ends, of what may go.

    Nothing goes before minutes and hours are made of all the time its readings stand for; of a
    counter that is spread over time, as many readings before that stay as bridging.between wants.

    before_ms, instead_ms: what ends before may go, where there are minutes and where not
    """
    cursor.execute(
        f"SELECT b.id, b.series, {_ENDS} FROM store_series s CROSS JOIN store_block b"
        " WHERE b.series = s.id AND b.granularity = %s AND b.start_ms < %s AND b.end_ms <="
        " CASE WHEN b.start_ms < s.minutes_pruned_ms THEN %s ELSE %s END"
        f" AND {_ENDS} <= s.folded_ms"
        f" AND (b.granularity > 0 OR s.meter NOT IN (%s, %s) OR {_BRIDGED})"
        " ORDER BY b.series, b.start_ms LIMIT %s",
        (granularity, before_ms, instead_ms, before_ms, *CEILINGS, _BLOCKS),
    )
    rows: list[tuple[int, int, int]] = cursor.fetchall()
    return rows


def _raise_watermark(cursor: Any, column: str, old: Sequence[tuple[int, int, int]]) -> None:
    """Note from where on everything is there: the first whole hour after what is gone."""
    since = {series: hour_of(end_ms - 1) + HOUR_MS for _, series, end_ms in old}
    cursor.executemany(
        f"UPDATE store_series SET {column} = %s WHERE id = %s AND {column} < %s",
        [(moment, series, moment) for series, moment in since.items()],
    )
