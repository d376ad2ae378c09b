"""A real collector that also writes down every sample its journal has taken.

    python -m tests.acceptance.tapped_station FILE.toml FOLDER ADDRESS KEY TRUTH

TRUTH gets a line a batch: a JSON list of [resource, meter, milliseconds, value].
"""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.tapped_house import as_line

from meterhouse.bus.endpoints import Endpoint
from meterhouse.bus.journal import Journal
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.samples import Columns
from meterhouse.metering.snapshots import Snapshot
from meterhouse.station.declared import declared
from meterhouse.station.keyfile import read_key
from meterhouse.station.station import Station
from meterhouse.station.until_told import until_told


@dataclass
class TappedStation(Station):
    truth: int = -1

    def publish(self, samples: Columns, snapshots: tuple[Snapshot, ...]) -> None:
        Station.publish(self, samples, snapshots)
        os.write(self.truth, as_line(samples))


def main() -> None:
    file, folder, address, key, truth = sys.argv[1:]
    with Journal(Path(folder), "drivers", SystemClock()) as journal:
        station = TappedStation(
            file=Path(file),
            sources=declared(Path(file)),
            journal=journal,
            secret=read_key(Path(key)),
            endpoint=Endpoint.at(address),
            clock=SystemClock(),
            truth=os.open(truth, os.O_WRONLY | os.O_APPEND | os.O_CREAT),
        )
        asyncio.run(until_told(station.run))


if __name__ == "__main__":
    main()
