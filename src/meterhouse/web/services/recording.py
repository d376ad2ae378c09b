"""The recorder follows the publishers and writes what they send, exactly once."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from meterhouse.bus.follow import Delivery, Endpoint, Loss, follow
from meterhouse.inventory.keep import keep
from meterhouse.metering.clock import Clock
from meterhouse.store import retention, sealing
from meterhouse.store.recorder import Recorder

log = logging.getLogger(__name__)


@dataclass
class Recording:
    endpoints: Sequence[Endpoint]
    secret: bytes
    clock: Clock

    def __post_init__(self) -> None:
        self.recorder = Recorder(keep)
        # One thread, one connection: batches are written in order and series stay cached.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="recorder")

    async def run(self) -> None:
        """Record until this is cancelled."""
        loop = asyncio.get_running_loop()
        positions = await loop.run_in_executor(self._writer, self.recorder.positions)
        async for arrival in follow(self.endpoints, self.secret, positions):
            match arrival:
                case Delivery():
                    await loop.run_in_executor(self._writer, self.recorder.record, arrival.batch)
                    await arrival.acknowledge()
                case Loss():
                    await loop.run_in_executor(self._writer, self._lose, arrival)

    def _lose(self, loss: Loss) -> None:
        log.error("a publisher forgot batches before they were recorded", extra={"loss": loss})
        self.recorder.lose(loss.publisher, loss.epoch, loss.first, loss.last)

    def seal(self, now_ms: int) -> None:
        sealing.seal(now_ms)

    def prune(self, now_ms: int) -> None:
        retention.prune(now_ms)
