"""Asks one address over kept connections for some seconds, and prints how often it was answered.

python -m bench._requests PORT PATH TOKEN SECONDS CONNECTIONS
"""

import asyncio
import sys
import time


async def main(port: int, path: str, token: str, seconds: float, connections: int) -> None:
    until = time.monotonic() + seconds
    counts = await asyncio.gather(*(one(port, path, token, until) for _ in range(connections)))
    print(sum(counts) / seconds)


async def one(port: int, path: str, token: str, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Auth-Token: {token}\r\n\r\n".encode()
    answered = 0
    while time.monotonic() < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        (length,) = (
            int(line.split(b":")[1])
            for line in head.lower().splitlines()
            if line.startswith(b"content-length:")
        )
        await reader.readexactly(length)
        answered += 1
    writer.close()
    return answered


if __name__ == "__main__":
    asyncio.run(
        main(int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]), int(sys.argv[5]))
    )
