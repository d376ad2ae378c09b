"""From a journal straight into the database, without sockets: for what runs once and ends.

The same journal, the same numbers and the same transaction as over the bus: a process that is
killed between reading and recording loses nothing, because the next one delivers what it left.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from meterhouse.bus import envelope
from meterhouse.bus.journal import Journal
from meterhouse.bus.signing import SIGNATURE_BYTES
from meterhouse.metering.samples import Columns
from meterhouse.metering.snapshots import Snapshot
from meterhouse.store.recorder import Recorder


@dataclass(frozen=True, slots=True)
class Delivery:
    """Publishes into a journal and records from it. To be used from one thread."""

    journal: Journal
    recorder: Recorder

    def publish(self, samples: Columns, snapshots: Sequence[Snapshot]) -> None:
        """Journal one batch. Raises OSError naming the journal's folder."""
        self.journal.append(samples, tuple(snapshots))

    def deliver(self) -> int:
        """Record what the journal has and the database lacks; returns how many batches."""
        position = self.recorder.positions().get(self.journal.publisher)
        recorded = 0
        if position and position.epoch == self.journal.epoch:
            recorded = position.sequence
        batches = 0
        expected = recorded + 1
        for entry in self.journal.since(recorded):
            if entry.sequence > expected:
                self._lose(expected, entry.sequence - 1)
            # It never left this process: the place of the signature stays empty.
            self.recorder.record(envelope.unpack(bytes(SIGNATURE_BYTES) + entry.unsigned))
            expected = entry.sequence + 1
            batches += 1
        if expected <= self.journal.last:
            self._lose(expected, self.journal.last)
        self.journal.acknowledged(self.journal.epoch, self.journal.last)
        return batches

    def _lose(self, first: int, last: int) -> None:
        self.recorder.lose(self.journal.publisher, self.journal.epoch, first, last)
