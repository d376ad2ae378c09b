"""What the store holds, what it refused, and what was lost on the way to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connections

from meterhouse.store.blocks import Granularity


@dataclass(frozen=True, slots=True)
class Loss:
    """Batches ``first`` to ``last`` that a publisher forgot before they were recorded."""

    publisher: str
    epoch: int
    first: int
    last: int
    at_ms: int  # when it was learnt


@dataclass(frozen=True, slots=True)
class Statistics:
    """How much there is.

    samples:  raw samples kept, in blocks and in the head
    waiting:  those of them in the head
    heads:    rows of the head
    blocks:   number of blocks of each granularity
    bytes:    in the payloads of each granularity
    refused:  samples that were not kept, by reason
    batches:  recorded, of all publishers
    """

    series: int
    samples: int
    waiting: int
    heads: int
    blocks: Mapping[Granularity, int]
    bytes: Mapping[Granularity, int]
    refused: Mapping[str, int]
    losses: tuple[Loss, ...]
    batches: int

    @property
    def bytes_per_sample(self) -> float | None:
        """Of sealed raw samples, without what the database adds to a row."""
        sealed = self.samples - self.waiting
        return self.bytes[Granularity.RAW] / sealed if sealed else None


def statistics(using: str = "default") -> Statistics:
    """Count what there is. Looks at every block's row: some seconds where there are millions."""
    with connections[using].cursor() as cursor:
        heads, waiting = _row(cursor, "SELECT COUNT(*), COALESCE(SUM(count), 0) FROM store_head")
        cursor.execute(
            "SELECT granularity, COUNT(*), SUM(count), SUM(LENGTH(payload)) FROM store_block"
            " GROUP BY granularity"
        )
        found = {Granularity(row[0]): [int(number) for number in row[1:]] for row in cursor}
        cursor.execute("SELECT reason, samples FROM store_refusal ORDER BY reason")
        refused = dict(cursor.fetchall())
        cursor.execute(
            "SELECT publisher, epoch, first, last, at_ms FROM store_loss ORDER BY at_ms, id"
        )
        losses = tuple(Loss(*row) for row in cursor.fetchall())
        return Statistics(
            series=_row(cursor, "SELECT COUNT(*) FROM store_series")[0],
            samples=int(waiting) + found.get(Granularity.RAW, [0, 0, 0])[1],
            waiting=int(waiting),
            heads=heads,
            blocks={g: found.get(g, [0, 0, 0])[0] for g in Granularity},
            bytes={g: found.get(g, [0, 0, 0])[2] for g in Granularity},
            refused=refused,
            losses=losses,
            batches=int(_row(cursor, "SELECT COALESCE(SUM(batches), 0) FROM store_position")[0]),
        )


def _row(cursor: Any, query: str) -> Any:
    cursor.execute(query)
    return cursor.fetchone()
