"""Meters that pymodbus' own server plays: its protocol, our registers."""

import asyncio
import struct
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

Registers = Mapping[int, list[int]]
"""Where a stretch of registers begins, and what it holds."""


def float32(value: float) -> list[int]:
    return list(struct.unpack(">2H", struct.pack(">f", value)))


def words(code: str, value: float) -> list[int]:
    packed = struct.pack(f">{code}", value)
    return list(struct.unpack(f">{len(packed) // 2}H", packed))


def sdm120(watts: float, kwh: float, volts: float = 230.0) -> Registers:
    """Input registers of a single-phase meter; what lies between its figures reads as zero."""
    front = [0] * 0x50
    for at, value in {0x00: volts, 0x06: watts / volts, 0x0C: watts, 0x48: kwh}.items():
        front[at : at + 2] = float32(value)
    return {0: front}


@dataclass
class Unit:
    """One meter.

    exception: what it answers instead of anything
    mute:      whether its answers get lost
    asked:     address and count of each request
    """

    inputs: Registers = field(default_factory=dict)
    holding: Registers = field(default_factory=dict)
    exception: ExcCodes | None = None
    mute: bool = False
    asked: list[tuple[int, int]] = field(default_factory=list)

    async def act(  # noqa: PLR0917 - as pymodbus calls it
        self, function: int, start: int, address: int, count: int, now: list[int], new: Any
    ) -> ExcCodes | None:
        self.asked.append((address, count))
        for at, held in (self.inputs if function == 4 else self.holding).items():
            now[at - start : at - start + len(held)] = held
        return self.exception


def _stretches(registers: Registers) -> list[SimData]:
    return [
        SimData(at, values=list(held), datatype=DataType.REGISTERS)
        for at, held in (registers or {0xFFF0: [0]}).items()
    ]


def _device(number: int, unit: Unit) -> SimDevice:
    none = [SimData(0, values=False, datatype=DataType.BITS)]
    blocks = (none, none, _stretches(unit.holding), _stretches(unit.inputs))
    return SimDevice(number, blocks, action=unit.act)


@asynccontextmanager
async def gateway(units: Mapping[int, Unit]) -> AsyncIterator[int]:
    """Serve these unit ids on loopback; yields the port."""

    def passed_on(sending: bool, packet: bytes) -> bytes:  # noqa: FBT001 - as pymodbus calls it
        return b"" if sending and units[packet[6]].mute else packet

    devices = [_device(number, unit) for number, unit in units.items()]
    server = ModbusTcpServer(devices, address=("127.0.0.1", 0), trace_packet=passed_on)
    await server.serve_forever(background=True)
    try:
        listening = cast("asyncio.Server", server.transport)
        yield listening.sockets[0].getsockname()[1]
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def liar(answers: Iterable[bytes]) -> AsyncIterator[int]:
    """Answers each request with the next of these, whatever was asked; b"" closes."""
    left = iter(answers)
    talks: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.current_task())
        while await reader.read(260) and (answer := next(left, b"")):
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.wait_for(asyncio.gather(*filter(None, talks)), 5)
