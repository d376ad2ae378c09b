"""Many live readers in one process, until standard input ends: then how many batches each heard.

python subscribers.py COUNT ADDRESS KEY
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from meterhouse.bus.endpoints import Endpoint
from meterhouse.bus.listen import Listener
from meterhouse.station.keyfile import read_key


async def listen(count: int, endpoint: Endpoint, secret: bytes) -> None:
    async with AsyncExitStack() as stack:
        listeners = [Listener([endpoint], secret) for _ in range(count)]
        for listener in listeners:
            await stack.enter_async_context(listener)
        await asyncio.to_thread(sys.stdin.read)
        json.dump([listener.counts["heard"] for listener in listeners], sys.stdout)


if __name__ == "__main__":
    asyncio.run(listen(int(sys.argv[1]), Endpoint.at(sys.argv[2]), read_key(Path(sys.argv[3]))))
