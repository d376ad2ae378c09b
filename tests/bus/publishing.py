"""A process that publishes batches, whose value is their number, until it is killed."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from tests.bus.cast import SECRET, power

from meterhouse.bus.journal import Journal
from meterhouse.bus.publisher import Publisher
from meterhouse.metering.clock import SystemClock


async def main() -> None:
    folder, live, replay = sys.argv[1:]
    journal = Journal(Path(folder), "osl-dc1", SystemClock())
    publisher = Publisher(journal, SECRET, live, replay, heartbeat=timedelta(seconds=0.1))
    async with asyncio.TaskGroup() as services:
        services.create_task(publisher.run())
        while True:
            publisher.publish(power(*[float(journal.last + 1)] * 50))
            await asyncio.sleep(0.001)


if __name__ == "__main__":
    asyncio.run(main())
