"""Readings gathered for a moment, so that many small ones travel as one batch.

A thousand sources that read once a second would be a thousand batches, each synced to disk;
gathered for a fifth of a second they are five.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from meterhouse.metering.samples import Columns
from meterhouse.metering.snapshots import Snapshot

Publish = Callable[[Columns, tuple[Snapshot, ...]], None]

MOST_WAITING = 2_000_000  # samples; some minutes of a large site while the disk is full


class Full(Exception):
    """Nothing can be published at present, and no more can be kept waiting."""


@dataclass
class Gathering:
    """Collects readings until ``flush`` publishes them as one batch.

    publish:  raises OSError while the journal cannot be written; what was gathered then waits
    most:     samples that may wait; beyond it ``add`` raises Full and the source shows it
    """

    publish: Publish
    most: int = MOST_WAITING
    _samples: list[Columns] = field(default_factory=list)
    _snapshots: list[Snapshot] = field(default_factory=list)
    _waiting: int = 0

    def add(self, samples: Columns, snapshots: tuple[Snapshot, ...]) -> None:
        """Take one reading. Raises Full."""
        if self._waiting + len(samples) > self.most:
            raise Full(f"{self._waiting:,} samples wait to be written; is the disk full?")
        if len(samples):
            self._samples.append(samples)
            self._waiting += len(samples)
        self._snapshots.extend(snapshots)

    def flush(self) -> None:
        """Publish what was gathered as one batch; on OSError it goes on waiting."""
        if not self._samples and not self._snapshots:
            return
        self.publish(Columns.join(self._samples), tuple(self._snapshots))
        self._samples, self._snapshots, self._waiting = [], [], 0
