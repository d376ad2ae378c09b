"""How far each publisher is recorded. Of two that write the same batch, the database lets one."""

from collections.abc import Mapping
from typing import Any

from meterhouse.metering.batches import Batch, Position

_CLAIM = (
    "UPDATE store_position SET sequence = %s, batches = batches + 1, samples = samples + %s"
    " WHERE publisher = %s AND epoch = %s AND sequence = %s"
)


class Gap(Exception):
    """A batch came before one with a lower number. Ask the publisher for ``expected``."""

    def __init__(self, publisher: str, epoch: int, expected: int) -> None:
        super().__init__(f"{publisher}, epoch {epoch}: batch {expected} is missing")
        self.publisher = publisher
        self.epoch = epoch
        self.expected = expected


class Stale(Exception):
    """A batch is of a journal that its publisher has since begun anew."""


def claim(batch: Batch) -> tuple[str, tuple[object, ...]]:
    """The statement that moves the publisher's position to this batch from the one before it.

    It changes one row if the position was there, and none otherwise: of two recorders with the
    same batch, one.
    """
    values = (batch.sequence, len(batch.samples), batch.publisher, batch.epoch, batch.sequence - 1)
    return _CLAIM, values


def advance(cursor: Any, batch: Batch) -> bool:
    """Move the publisher's position to this batch; False if it is there or beyond already.

    Raises Gap if a batch before this one is missing, Stale if its epoch is over.
    """
    cursor.execute(*claim(batch))
    return cursor.rowcount == 1 or _begin(cursor, batch)


def _begin(cursor: Any, batch: Batch) -> bool:
    """Take the first batch of a publisher or of an epoch; say what any other lacks."""
    position = locked(cursor, batch.publisher)
    if position and batch.epoch < position.epoch:
        raise Stale
    reached = position.sequence if position and position.epoch == batch.epoch else 0
    if batch.sequence <= reached:
        return False
    if batch.sequence > reached + 1:
        raise Gap(batch.publisher, batch.epoch, reached + 1)
    move(cursor, batch.publisher, Position(batch.epoch, batch.sequence))
    cursor.execute(
        "UPDATE store_position SET batches = batches + 1, samples = samples + %s"
        " WHERE publisher = %s",
        (len(batch.samples), batch.publisher),
    )
    return True


def locked(cursor: Any, publisher: str) -> Position | None:
    """A publisher's position, which nobody else can move until this transaction ends."""
    # Writing first makes PostgreSQL lock the row, or wait for whoever is making it.
    cursor.execute(
        "INSERT INTO store_position (publisher, epoch, sequence, batches, samples)"
        " VALUES (%s, 0, 0, 0, 0)"
        " ON CONFLICT (publisher) DO UPDATE SET epoch = store_position.epoch",
        (publisher,),
    )
    cursor.execute("SELECT epoch, sequence FROM store_position WHERE publisher = %s", (publisher,))
    epoch, sequence = cursor.fetchone()
    return Position(epoch, sequence) if sequence else None


def move(cursor: Any, publisher: str, to: Position) -> None:
    cursor.execute(
        "UPDATE store_position SET epoch = %s, sequence = %s WHERE publisher = %s",
        (to.epoch, to.sequence, publisher),
    )


def lose(cursor: Any, publisher: str, epoch: int, first: int, last: int, *, at_ms: int) -> None:
    """Note that batches are gone for ever, and go on after them. Repeated notes count once."""
    position = locked(cursor, publisher)
    if position and epoch < position.epoch:
        return
    reached = position.sequence if position and position.epoch == epoch else 0
    first = max(first, reached + 1)
    if last < first:
        return
    cursor.execute(
        "INSERT INTO store_loss (publisher, epoch, first, last, at_ms)"
        " VALUES (%s, %s, %s, %s, %s)",
        (publisher, epoch, first, last, at_ms),
    )
    move(cursor, publisher, Position(epoch, last))


def positions(cursor: Any) -> Mapping[str, Position]:
    cursor.execute("SELECT publisher, epoch, sequence FROM store_position WHERE sequence > 0")
    return {
        publisher: Position(epoch, sequence) for publisher, epoch, sequence in cursor.fetchall()
    }
