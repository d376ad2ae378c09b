"""A Ganeti cluster, read through its remote API (RAPI) every quarter of an hour.

The bulk lists are read, since usage needs states and only they carry them: names and sizes alone
would cost a seventh through /2/query, which besides needs a right that the lists do not.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from meterhouse.clients.ganeti.answers import Cluster, Instance, Node
from meterhouse.clients.ganeti.client import Rapi, open_rapi
from meterhouse.metering import meters
from meterhouse.metering.errors import BadReading, Unreachable
from meterhouse.metering.meters import Meter
from meterhouse.metering.samples import Columns, Sample
from meterhouse.metering.snapshots import Resource, Snapshot
from meterhouse.sources import Named, Reading, Source, SourceKind
from meterhouse.sources.ganeti import instances, nodes
from meterhouse.sources.ganeti.config import Config, credentials
from meterhouse.sources.ganeti.instances import Owners, identity

log = logging.getLogger(__name__)

Described = tuple[Resource, Iterable[tuple[Meter, float]]]
"""What something is, and what it says of itself now."""


@dataclass(slots=True)
class Ganeti:
    """One cluster.

    sizes: what nodes had when they last answered, by id
    lame:  whether the nodes could not be listed the last time
    """

    rapi: Rapi
    config: Config
    named: Named
    sizes: dict[str, nodes.Size] = field(default_factory=dict)
    lame: bool = False

    async def read(self) -> Reading:
        """List instances, then nodes.

        Without its instances there is no reading. If only the nodes cannot be listed, what is
        known of the instances is not thrown away: the nodes' list is left out, which shows as a
        gap of theirs.
        """
        machines = await self.read_instances()
        try:
            hosts = [await self.read_nodes()]
        except (Unreachable, BadReading) as error:
            self.say(error)
            hosts = []
        else:
            self.say(None)
        parts = [machines, *hosts]
        return Reading(
            Columns.join([part.samples for part in parts]),
            tuple(snapshot for part in parts for snapshot in part.snapshots),
        )

    async def read_instances(self) -> Reading:
        at_ms = self.named.clock.now_ms()  # before asking: what is listed lived then, or later
        cluster = await self.rapi.info()
        listed = await self.rapi.instances()
        return self.instances(cluster, listed, at_ms)

    async def read_nodes(self) -> Reading:
        at_ms = self.named.clock.now_ms()
        groups = {group.uuid: group.name for group in await self.rapi.groups()}
        return self.nodes(await self.rapi.nodes(), groups, at_ms)

    def instances(self, cluster: Cluster, listed: Iterable[Instance], at_ms: int) -> Reading:
        """The instances' list is the cluster's configuration: complete whatever node is down."""
        name, config = self.named.name, self.config
        owners = Owners(config.project_tag, config.user_tag)
        only = cluster.enabled_hypervisors[0] if len(cluster.enabled_hypervisors) == 1 else ""
        described = [
            (instances.describe(instance, name, owners, only), instances.figures(instance))
            for instance in listed
        ]
        return self.reading("instance", described, at_ms, complete=True)

    def nodes(self, listed: Iterable[Node], groups: dict[str, str], at_ms: int) -> Reading:
        described: list[Described] = []
        complete = True
        for node in listed:
            id_ = identity(self.named.name, node.uuid or node.name)
            has = nodes.size(node, self.sizes.get(id_))
            if has is None:
                complete = False
                continue
            self.sizes[id_] = has
            resource = nodes.describe(node, self.named.name, has, groups)
            described.append((resource, nodes.figures(node)))
        return self.reading("node", described, at_ms, complete=complete)

    def reading(
        self,
        kind: str,
        described: Sequence[Described],
        at_ms: int,
        *,
        complete: bool,
    ) -> Reading:
        samples = [
            Sample(meter, resource.id, value, at_ms)
            for resource, figures in described
            for meter, value in figures
        ]
        snapshot = Snapshot(
            source=self.named.name,
            kind=kind,
            at_ms=at_ms,
            complete=complete,
            objects=tuple(resource for resource, _ in described),
        )
        return Reading(Columns.of(samples, hold_ms=self.named.hold_ms), (snapshot,))

    def say(self, error: Exception | None) -> None:
        """Log when the nodes go missing, and when they are back; not every time in between."""
        source = {"source": self.named.name}
        if error and not self.lame:
            log.warning("nodes cannot be listed: %s", error, extra=source)
        elif self.lame and not error:
            log.info("nodes are listed again", extra=source)
        self.lame = error is not None


@asynccontextmanager
async def open_ganeti(config: Config, named: Named) -> AsyncIterator[Source]:
    password, trusted = await asyncio.to_thread(credentials, config)
    async with open_rapi(
        config.url,
        trusted,
        user=config.user,
        password=password,
        deadline_s=config.deadline_s,
    ) as rapi:
        yield Ganeti(rapi, config, named)


SOURCE = SourceKind(
    name="ganeti",
    title="Ganeti cluster",
    config=Config,
    meters=(
        meters.CPU_COUNT,
        meters.MEMORY_TOTAL,
        meters.MEMORY_USED,
        meters.DISK_TOTAL,
        meters.DISK_USED,
    ),
    interval=timedelta(minutes=15),
    timeout=timedelta(minutes=5),
    open=open_ganeti,
)
