"""The demo's simulated cloud: it has a past, and goes on from there."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from meterhouse.bus.journal import Journal
from meterhouse.inventory.keep import keep
from meterhouse.metering.clock import Clock, SystemClock
from meterhouse.metering.periods import Period
from meterhouse.sources import configure
from meterhouse.sources.simulator.source import past
from meterhouse.store import sealing
from meterhouse.store.recorder import Recorder
from meterhouse.web import sourcebook
from meterhouse.web.models import SourceConfig
from meterhouse.web.services.delivery import Delivery
from meterhouse.web.services.guests import make_guests
from meterhouse.web.sourcebook import DEMO

log = logging.getLogger(__name__)

PAST = timedelta(days=30)
STEP = timedelta(minutes=1)
AT_A_TIME = 3  # readings, a simulated day each, that are journalled before they are recorded


@dataclass(frozen=True, slots=True)
class Simulation:
    """Gives a house a past, then lets the simulated cloud go on from there.

    say: is told how those log in who see a part of it
    """

    data: Path
    seed: int
    say: Callable[[str], None]
    clock: Clock = field(default_factory=SystemClock)

    def begin(self) -> None:
        """Record the past unless that was done, then let the source go on live.

        May block for half a minute. Killed in the middle, it is done again: the past is the same
        each time, and what is recorded twice counts once.
        """
        table = {"kind": "simulator", "seed": self.seed}
        row = SourceConfig.objects.filter(name=DEMO).first()
        if row is None:
            sourcebook.save(DEMO, {**table, "enabled": False})
        elif not sourcebook.is_prepared(row):
            return
        folder = self.data / "journal" / "past"
        with Journal(folder, "simulated-past", self.clock) as journal:
            self._record(Delivery(journal, Recorder(keep, clock=self.clock)), table)
        sealing.seal(self.clock.now_ms())
        for line in make_guests():
            self.say(line)
        sourcebook.save(DEMO, table)

    def _record(self, delivery: Delivery, table: dict[str, object]) -> None:
        config = configure(DEMO, table, where="the demo").config
        period = Period.last(PAST, now=self.clock.now())
        delivery.deliver()
        for number, reading in enumerate(past(config, DEMO, period.start, period.end, STEP), 1):
            delivery.publish(reading.samples, reading.snapshots)
            if number % AT_A_TIME == 0:
                delivery.deliver()
        delivery.deliver()
