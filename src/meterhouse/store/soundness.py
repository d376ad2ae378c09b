"""Looks for rows that cannot be read: every row of the head, and the newest blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connections

from meterhouse.store import blocks, heads
from meterhouse.store.blocks import Block, Granularity
from meterhouse.store.damage import Table
from meterhouse.store.screening import Reason

BLOCKS_LOOKED_AT = 20_000  # of those that are there, the newest: some seconds
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Soundness:
    """How many rows were looked at, and what is wrong.

    damaged: table and id of each row that cannot be read
    lost:    samples and buckets of damaged rows that were left out and are gone
    """

    heads: int
    blocks: int
    damaged: tuple[tuple[Table, int], ...]
    lost: int


def soundness(using: str = "default") -> Soundness:
    """Decode every row of the head, and the newest blocks."""
    with connections[using].cursor() as cursor:
        rows = list(heads.every(cursor))
        damaged = [(Table.HEAD, row.id) for row in rows if not row.is_sound]
        looked = 0
        for granularity, block in _newest(cursor):
            looked += 1
            if not _is_sound(granularity, block):
                damaged.append((Table.BLOCK, block.id))
        cursor.execute("SELECT samples FROM store_refusal WHERE reason = %s", [Reason.DAMAGED])
        lost = cursor.fetchone()
    return Soundness(len(rows), looked, tuple(damaged), lost[0] if lost else 0)


def _newest(cursor: Any) -> Iterator[tuple[int, Block]]:
    cursor.execute("SELECT id FROM store_block ORDER BY id DESC LIMIT %s", [BLOCKS_LOOKED_AT])
    ids = [one for (one,) in cursor.fetchall()]
    for first in range(0, len(ids), _AT_ONCE):
        part = ids[first : first + _AT_ONCE]
        places = ", ".join(["%s"] * len(part))
        cursor.execute(
            "SELECT granularity, id, series, start_ms, end_ms, count, payload FROM store_block"
            f" WHERE id IN ({places})",
            part,
        )
        yield from ((row[0], Block._make(row[1:])) for row in cursor.fetchall())


def _is_sound(granularity: int, block: Block) -> bool:
    if granularity == Granularity.RAW:
        return len(blocks.samples(block)[0]) > 0
    return len(blocks.rows(block)) > 0
