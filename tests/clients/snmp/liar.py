"""Agents that answer over UDP as a test tells them to, byte by byte where they must."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

Pairs = list[tuple[bytes, bytes]]
"""What was asked for: of each object its OID as it was sent, and the value, NULL at first."""

TOO_BIG, GENERAL_ERROR, NOT_ALLOWED = 1, 5, 16


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes([tag, 0x82]) + len(body).to_bytes(2, "big") + body


def integer(number: int) -> bytes:
    return tlv(0x02, number.to_bytes(8, "big", signed=True))


def read(data: bytes) -> tuple[int, bytes, bytes]:
    """The first element's tag and body, and what comes after it."""
    tag, length, at = data[0], data[1], 2
    if length & 0x80:
        at += length & 0x7F
        length = int.from_bytes(data[2:at], "big")
    return tag, data[at : at + length], data[at + length :]


@dataclass(frozen=True)
class Request:
    """One request of v1 or v2c."""

    head: bytes  # version and community, as they came
    id: bytes  # as it came
    pairs: Pairs

    @classmethod
    def of(cls, packet: bytes) -> "Request":
        message = read(packet)[1]
        _, _, after_version = read(message)
        _, _, pdu = read(after_version)
        head = message[: len(message) - len(pdu)]
        rest = read(pdu)[1]
        after_id = read(rest)[2]
        id_ = rest[: len(rest) - len(after_id)]
        pairs = read(read(read(after_id)[2])[2])[1]
        found: Pairs = []
        while pairs:
            _, pair, pairs = read(pairs)
            value = read(pair)[2]
            found.append((pair[: len(pair) - len(value)], value))
        return cls(head, id_, found)

    def answer(self, pairs: Pairs, status: int = 0) -> bytes:
        listed = tlv(0x30, *(tlv(0x30, oid, value) for oid, value in pairs))
        body = tlv(0xA2, self.id, integer(status), integer(0), listed)
        return tlv(0x30, self.head, body)

    def numbered(self) -> bytes:
        """Every object says which one of the request it was."""
        return self.answer([(oid, integer(n)) for n, (oid, _) in enumerate(self.pairs)])


Answer = Callable[[bytes], Iterable[bytes]]


@dataclass
class Liar(asyncio.DatagramProtocol):
    """What is listening, and what it was asked."""

    answer: Answer
    port: int = 0
    asked: list[bytes] = field(default_factory=list)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        self.asked.append(data)
        for packet in self.answer(data):
            self.transport.sendto(packet, addr)


@asynccontextmanager
async def lying(answer: Answer) -> AsyncIterator[Liar]:
    loop = asyncio.get_running_loop()
    transport, liar = await loop.create_datagram_endpoint(
        lambda: Liar(answer), local_addr=("127.0.0.1", 0)
    )
    try:
        yield liar
    finally:
        transport.close()


@dataclass
class Relay(asyncio.DatagramProtocol):
    """Stands between us and an agent, and changes what the agent says."""

    agent: int  # its port
    change: Callable[[bytes], bytes]
    port: int = 0
    answers: list[bytes] = field(default_factory=list)
    client: tuple[str | int, ...] = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        if addr[1] == self.agent:
            self.answers.append(data)
            self.transport.sendto(self.change(data), self.client)
        else:
            self.client = addr
            self.transport.sendto(data, ("127.0.0.1", self.agent))


@asynccontextmanager
async def relaying(agent: int, change: Callable[[bytes], bytes]) -> AsyncIterator[Relay]:
    loop = asyncio.get_running_loop()
    transport, relay = await loop.create_datagram_endpoint(
        lambda: Relay(agent, change), local_addr=("127.0.0.1", 0)
    )
    try:
        yield relay
    finally:
        transport.close()
