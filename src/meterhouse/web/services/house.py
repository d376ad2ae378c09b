"""A whole house in one process: collector, bus, recorder, keeper and web in one event loop.

The parts meet as they would on many machines: the collector journals and publishes, the recorder
follows and acknowledges; only the sockets are private to this process.
"""

import asyncio
import logging
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from meterhouse import __version__
from meterhouse.bus.endpoints import Endpoint
from meterhouse.bus.follow import PublisherState
from meterhouse.bus.journal import Journal
from meterhouse.bus.publisher import Publisher
from meterhouse.metering.clock import Clock
from meterhouse.station.gathering import Publish
from meterhouse.station.keyfile import kept_key
from meterhouse.station.kwapi_out import KwapiWire, keep_sending
from meterhouse.station.service import Health, keep_running
from meterhouse.station.telling import Counts
from meterhouse.web import counted
from meterhouse.web.asgi import Front
from meterhouse.web.health import OK, Healthz
from meterhouse.web.kwapi import Kwapi
from meterhouse.web.readers import Readers
from meterhouse.web.ready import refusal
from meterhouse.web.replies import Application
from meterhouse.web.services.aside import Aside
from meterhouse.web.services.collector import Collector
from meterhouse.web.services.keeper import keep_house
from meterhouse.web.services.live import Live
from meterhouse.web.services.observing import Observing
from meterhouse.web.services.recording import Recording
from meterhouse.web.services.server import serve
from meterhouse.web.stream import Stream

log = logging.getLogger(__name__)


@dataclass
class House:
    """What runs in one process, and how each part of it does.

    data:       the data folder
    publisher:  the name under which this process publishes, unique in the house
    follow:     where publishers elsewhere, or forwarders before them, are reached
    kwapi:      where power is sent on Kwapi's wire too
    also:       services beside the usual ones, by name: the demo's back-fill
    announce:   called once the pages can be asked for
    """

    data: Path
    host: str
    port: int
    clock: Clock
    publisher: str
    follow: Sequence[Endpoint] = ()
    kwapi: KwapiWire | None = None
    also: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    announce: Callable[[], None] = lambda: None
    healths: dict[str, Health] = field(default_factory=dict)
    live: Live = field(init=False)
    front: Front | None = None  # while the web runs
    trouble: Callable[[], str] = lambda: ""

    async def run(self) -> None:
        """Run every service until this is cancelled."""
        secret = kept_key(self.data / "bus.key")
        with (
            tempfile.TemporaryDirectory(prefix="meterhouse-") as sockets,
            Journal(self.data / "journal" / self.publisher, self.publisher, self.clock) as journal,
        ):
            endpoint = Endpoint.ipc(Path(sockets), "bus")
            publisher = Publisher(journal, secret, endpoint.live, endpoint.replay)
            collector = Collector(self.publish(publisher), self.clock, memory=self.data / "memory")
            endpoints = [endpoint, *self.follow]
            recording = Recording(endpoints, secret, self.clock, Aside(self.data / "aside"))
            self.trouble = lambda: collector.trouble
            observing = self._observing(publisher, collector, recording)
            recording.on_told = observing.told
            self.live = Live(endpoints, secret, self.clock, settings.LIVE_SILENT_MS)
            recording.on_recorded = self.live.recorded
            async with asyncio.TaskGroup() as group:
                for name, service in {
                    "bus": publisher.run,
                    "recorder": recording.run,
                    "live": self.live.run,
                    "collector": collector.run,
                    "keeper": lambda: keep_house(recording.seal, recording.prune, self.clock),
                    "observer": observing.run,
                    "web": self._web,
                    **self._kwapi(endpoints, secret),
                    **self.also,
                }.items():
                    health = self.healths[name] = Health(name)
                    group.create_task(
                        keep_running(health, service, self.clock, refusal), name=name
                    )

    def _kwapi(
        self, endpoints: Sequence[Endpoint], secret: bytes
    ) -> Mapping[str, Callable[[], Awaitable[None]]]:
        kwapi = self.kwapi
        return {"kwapi": lambda: keep_sending(kwapi, endpoints, secret)} if kwapi else {}

    def _observing(
        self, publisher: Publisher, collector: Collector, recording: Recording
    ) -> Observing:
        """What tells pages and /metrics of the parts of this process."""

        def counts() -> Counts:
            follower = recording.follower
            return {
                "bus": publisher.counts,
                "recorder": follower.counts if follower else {},
                counted.LINKS: follower.links() if follower else {},
                "live": self.live.counts,
                "journal": {"lost": publisher.journal.state.lost},
                "gathering": {"refused": collector.refused},
                **self._lanes(),
            }

        def publishers() -> list[PublisherState]:
            return recording.follower.states() if recording.follower else []

        return Observing(self.clock, counts, publishers, self.healths)

    def publish(self, publisher: Publisher) -> Publish:
        """How a batch is published; to see each acknowledged batch, override this."""
        return publisher.publish

    async def _web(self) -> None:
        from meterhouse.web.keystone import door  # noqa: PLC0415 - heavy, and may not be wanted
        from meterhouse.web.wsgi import pages  # noqa: PLC0415 - Django must be ready first

        readers = Readers(self.clock, door())
        rooms: dict[str, Application] = {
            "healthz": Healthz(self.health, readers),
            "v1": Kwapi(self.live.answers, readers),
            "live": Stream(self.live.events, readers),
        }
        self.front = Front(
            pages,
            rooms,
            whose=readers.whose,
            hosts=settings.ALLOWED_HOSTS,
            https=settings.HTTPS,
            hsts_s=settings.SECURE_HSTS_SECONDS,
        )
        await serve(self.front, self.host, self.port, self.announce)

    def _lanes(self) -> Counts:
        """How requests for pages fared, by the lane they waited in."""
        front = self.front
        return {} if front is None else {"pages": front.lane.counts, "heavy": front.heavy.counts}

    def health(self) -> dict[str, object]:
        """What /healthz tells: failing as soon as one service has failed, or nothing is kept."""
        now_ms, trouble = self.clock.now_ms(), self.trouble()
        failed = trouble or not all(health.is_well(now_ms) for health in self.healths.values())
        services = {
            name: {
                "status": health.status,
                "since_ms": health.since_ms,
                "failures": health.failures,
                "error": health.error,
            }
            for name, health in self.healths.items()
        }
        return {
            "status": "failing" if failed else OK,
            "version": __version__,
            "services": services,
            "readings": trouble or "are kept",
        }
