"""A real house that also writes down every sample it acknowledged, for the test that kills it.

    METERHOUSE_DATA=… METERHOUSE_DATABASE=… python tapped_house.py TRUTH

TRUTH gets a line a batch, a JSON list of [resource, meter, milliseconds, value], by one write(2)
after the journal has taken it: what a killed process leaves there was acknowledged for certain.
"""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from meterhouse.bus.publisher import Publisher
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.samples import Columns
from meterhouse.metering.snapshots import Snapshot
from meterhouse.web import ready

PROBES = 200


def probe(number: int) -> str:
    return f"probe-{number:03}"


def main() -> None:
    data, truth = Path(os.environ["METERHOUSE_DATA"]), Path(sys.argv[1])
    ready.migrate()
    from meterhouse.station.gathering import Publish
    from meterhouse.station.until_told import until_told
    from meterhouse.web import sourcebook
    from meterhouse.web.services.house import House
    from meterhouse.web.services.server import free_or_mistake

    table = {"kind": "dummy", "interval": 1, "probes": [probe(n) for n in range(PROBES)]}
    sourcebook.save("meters", table)

    @dataclass
    class TappedHouse(House):
        truth: int = -1

        def publish(self, publisher: Publisher) -> Publish:
            def tapped(samples: Columns, snapshots: tuple[Snapshot, ...]) -> None:
                publisher.publish(samples, snapshots)
                os.write(self.truth, as_line(samples))

            return tapped

    house = TappedHouse(
        data=data,
        host="127.0.0.1",
        port=free_or_mistake("127.0.0.1", 0)[1],
        clock=SystemClock(),
        publisher="tapped",
        truth=os.open(truth, os.O_WRONLY | os.O_APPEND | os.O_CREAT),
    )
    asyncio.run(until_told(house.run))


def as_line(samples: Columns) -> bytes:
    rows = [
        [samples.series[key].resource, samples.series[key].meter, at, value]
        for key, at, value in zip(
            samples.key.tolist(), samples.at.tolist(), samples.value.tolist(), strict=True
        )
    ]
    return json.dumps(rows).encode() + b"\n"


if __name__ == "__main__":
    main()
