"""Readings gathered for a moment, so that many small ones travel as one batch.

A thousand sources that read once a second would be a thousand batches, each synced to disk;
gathered for a fifth of a second they are five.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from meterhouse.metering.samples import Columns
from meterhouse.metering.snapshots import Snapshot

log = logging.getLogger(__name__)

Reading = tuple[Columns, tuple[Snapshot, ...]]
Publish = Callable[[Columns, tuple[Snapshot, ...]], None]

GATHER_S = 0.2
MOST_WAITING = 2_000_000  # samples; some minutes of a large site while the disk is full


class Full(Exception):
    """Nothing can be published at present, and no more can be kept waiting."""


@dataclass
class Gathering:
    """Collects readings until ``flush`` publishes them as one batch.

    publish:  raises OSError while the journal cannot be written; what was gathered then waits;
              and ValueError for what no reader of the bus would accept, which is dropped
    most:     samples that may wait; beyond it ``add`` raises Full and the source shows it
    refused:  readings that were dropped
    trouble:  why what was gathered cannot be published at present, one line
    """

    publish: Publish
    most: int = MOST_WAITING
    refused: int = 0
    trouble: str = ""
    _readings: list[Reading] = field(default_factory=list)
    _waiting: int = 0

    def add(self, samples: Columns, snapshots: tuple[Snapshot, ...]) -> None:
        """Take one reading. Raises Full."""
        if self._waiting + len(samples) > self.most:
            raise Full(f"{self._waiting:,} samples wait to be written; is the disk full?")
        self._readings.append((samples, snapshots))
        self._waiting += len(samples)

    def flush(self) -> None:
        """Publish what was gathered as one batch; on OSError it goes on waiting."""
        if not self._readings:
            return
        try:
            self._publish(self._readings)
        except ValueError:
            self._publish_each()
        self._readings, self._waiting = [], 0

    async def keep_flushing(self) -> None:
        """Publish every GATHER_S what was gathered, until this is cancelled."""
        while True:
            await asyncio.sleep(GATHER_S)
            try:
                self.flush()
            except OSError as error:
                if not self.trouble:
                    log.error("readings wait: %s", error)  # noqa: TRY400 - it says it all
                self.trouble = str(error)
            else:
                self.trouble = ""

    def _publish(self, readings: Sequence[Reading]) -> None:
        samples = Columns.join([samples for samples, _ in readings if len(samples)])
        self.publish(samples, tuple(chain.from_iterable(each for _, each in readings)))

    def _publish_each(self) -> None:
        """One of them is not to be had: the others must not suffer for it."""
        while self._readings:
            try:
                self._publish(self._readings[:1])
            except ValueError as error:
                self.refused += 1
                log.error("a reading is dropped: %s", error)  # noqa: TRY400 - it says it all
            del self._readings[0]
