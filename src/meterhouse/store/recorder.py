"""Writes batches: each exactly once, with position, samples and snapshots in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

import numpy as np
from django.db import connections, transaction
from numpy.typing import NDArray

from meterhouse.metering.batches import Batch, Position
from meterhouse.metering.clock import Clock, SystemClock
from meterhouse.metering.samples import Columns
from meterhouse.metering.snapshots import Snapshot
from meterhouse.store import heads, hold_changes, positions, quick
from meterhouse.store.catalogue import Catalogue, Known
from meterhouse.store.counting import count_refused
from meterhouse.store.heads import Samples, Span
from meterhouse.store.positions import Gap, Stale
from meterhouse.store.quick import Statement
from meterhouse.store.screening import Reason, is_believed, screen

__all__ = ["Gap", "Outcome", "Recorder"]


class Outcome(Enum):
    RECORDED = "recorded"
    REPEATED = "repeated"  # it was recorded before; nothing was written


class Recorder:
    """Records what publishers send. Of two recorders at once, each batch is written by one.

    keep:  what to do with a batch's snapshots; runs inside the same transaction
    """

    def __init__(
        self,
        keep: Callable[[Sequence[Snapshot]], None],
        *,
        clock: Clock | None = None,
        using: str = "default",
    ) -> None:
        self._keep = keep
        self._clock = clock or SystemClock()
        self._using = using
        self._catalogue = Catalogue(using)

    def record(self, batch: Batch) -> Outcome:
        """Write a batch durably, unless it was written before.

        Samples that are not to be believed are left out and counted by reason. Raises Gap when
        a batch before this one is missing; nothing is written then.
        """
        if self._record_quickly(batch):
            return Outcome.RECORDED
        with transaction.atomic(using=self._using), connections[self._using].cursor() as cursor:
            try:
                if not positions.advance(cursor, batch):
                    return Outcome.REPEATED
            except Stale:
                count_refused(cursor, {Reason.GIVEN_UP: len(batch.samples)})
                return Outcome.REPEATED
            if len(batch.samples):
                self._append(cursor, batch.samples)
            if batch.snapshots:
                self._keep(batch.snapshots)
        return Outcome.RECORDED

    def _record_quickly(self, batch: Batch) -> bool:
        """Write a batch that follows the last one and holds nothing new; False if it does not."""
        if batch.snapshots or not len(batch.samples) or not quick.is_possible(self._using):
            return False
        known = self._catalogue.remembered(batch.samples.series)
        insertion = self._insertion(batch.samples, known) if known else None
        return insertion is not None and quick.write(
            self._using, positions.claim(batch), insertion
        )

    def _insertion(self, columns: Columns, known: Known) -> Statement | None:
        """What writes samples if all are believed and have the holds they are named with."""
        samples = Samples(known.of(columns.key), columns.at, columns.value)
        span = Span.of(samples)
        if not known.stands(columns.key, columns.at, span.first_ms):
            return None
        if not known.all_known or not is_believed(samples, span, self._clock.now_ms()):
            return None
        packed = known.packed if samples.series is known.ids else None
        return heads.insertion(samples, span, known.version, packed)

    def _append(self, cursor: Any, columns: Columns) -> None:
        known = self._catalogue.known(columns.series)
        insertion = self._insertion(columns, known)
        if insertion:
            cursor.execute(*insertion)
            if cursor.rowcount == 1:
                return
        samples = Samples(known.of(columns.key), columns.at, columns.value)
        keep, refused = screen(samples, self._clock.now_ms())
        count_refused(cursor, refused)
        if keep.any():
            self._write(cursor, known, columns.key[keep], samples.only(keep))

    def _write(self, cursor: Any, known: Known, key: NDArray[np.uint32], samples: Samples) -> None:
        """Write samples, all believed, with the holds they are named with."""
        span, stands = Span.of(samples), known
        if not known.stands(key, samples.at, span.first_ms):
            stands = hold_changes.kept(cursor, known, key, samples.at)
        cursor.execute(*heads.insertion(samples, span, stands.version))
        while cursor.rowcount != 1:  # holds were changed since then, or are by somebody else now
            stands = hold_changes.kept(cursor, known, key, samples.at)
            cursor.execute(*heads.insertion(samples, span, stands.version))
        if stands is not known:
            self._catalogue.remember(stands)

    def positions(self) -> Mapping[str, Position]:
        """The last batch recorded of each publisher."""
        with connections[self._using].cursor() as cursor:
            return positions.positions(cursor)

    def lose(self, publisher: str, epoch: int, first: int, last: int) -> None:
        """Note that a publisher forgot batches ``first`` to ``last``, and go on after them."""
        with transaction.atomic(using=self._using), connections[self._using].cursor() as cursor:
            positions.lose(cursor, publisher, epoch, first, last, at_ms=self._clock.now_ms())
