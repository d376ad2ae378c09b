"""The recorder follows the publishers and writes what they send, exactly once."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from django.conf import settings
from django.db import close_old_connections
from django.db.utils import InterfaceError, OperationalError

from meterhouse.bus.endpoints import Endpoint
from meterhouse.bus.follow import Delivery, Follower, Loss
from meterhouse.bus.messages import Told
from meterhouse.inventory.keep import keep
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import Clock
from meterhouse.metering.snapshots import Snapshot
from meterhouse.store import retention, sealing
from meterhouse.store.recorder import Gap, Recorder
from meterhouse.web.services.aside import Aside

Done = TypeVar("Done")
Keep = Callable[[Sequence[Snapshot]], None]

log = logging.getLogger(__name__)


@dataclass
class Recording:
    """Records what the publishers at some endpoints send, and seals and prunes what was recorded.

    endpoints:  where the publishers, or forwarders before them, are reached
    keep:       what works snapshots into the inventory
    on_told:    called with what publishers say of themselves
    aside:      where batches go that the database cannot take
    on_recorded: called with each batch, in the event loop, once it is written
    """

    endpoints: Sequence[Endpoint]
    secret: bytes
    clock: Clock
    aside: Aside
    keep: Keep = keep
    on_told: Callable[[Told], None] | None = None
    on_recorded: Callable[[Batch], None] | None = None
    follower: Follower | None = None  # while it runs

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.keep, clock=self.clock)
        # One thread, one connection: batches are written in order and series stay cached.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="recorder")

    async def run(self) -> None:
        """Record until this is cancelled."""
        await self._written(close_old_connections)
        positions = await self._written(self.recorder.positions)
        following = Follower(
            self.endpoints, self.secret, positions, clock=self.clock, on_told=self.on_told
        )
        async with following as self.follower:
            async for arrival in self.follower:
                await self._record(arrival)

    async def _record(self, arrival: Delivery | Loss) -> None:
        if isinstance(arrival, Delivery):
            await self._written(self.record_or_set_aside, arrival.batch)
            if self.on_recorded:
                self.on_recorded(arrival.batch)
        else:
            log.error("batches were lost before they were recorded", extra={"loss": arrival})
            lost = (arrival.publisher, arrival.epoch, arrival.first, arrival.last)
            await self._written(self.recorder.lose, *lost)
        await arrival.acknowledge()

    def record_or_set_aside(self, batch: Batch) -> None:
        """Record a batch; one that the database cannot take must not hold up all that follow.

        Raises what says that the database does not answer: then it is tried again.
        """
        try:
            self.recorder.record(batch)
        except (OperationalError, InterfaceError, Gap):
            raise
        except Exception:
            path = self.aside.put(batch)
            log.exception("a batch cannot be recorded and is set aside", extra={"file": str(path)})
            self.recorder.lose(batch.publisher, batch.epoch, batch.sequence, batch.sequence)

    async def _written(self, write: Callable[..., Done], *arguments: object) -> Done:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, write, *arguments)

    def seal(self, now_ms: int) -> None:
        """Seal what is due. May block."""
        close_old_connections()  # a database that was away has left this thread a dead one
        sealing.seal(now_ms)

    def prune(self, now_ms: int) -> None:
        """Throw away what is older than it has to be kept. May block."""
        close_old_connections()
        retention.prune(now_ms, retention.Policy(*settings.RETENTIONS))
