"""Which registers of a meter hold what, and how few requests read them.

Source: Modbus application protocol specification V1.1b3, 6.3 and 6.4: functions 3 (holding
registers) and 4 (input registers), 16 bits each, at most 125 in a request, big-endian.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from meterhouse.metering.meters import CURRENT, ENERGY, POWER, VOLTAGE, Meter
from meterhouse.sources import factor

MOST = 125  # registers in one request


class Type(StrEnum):
    """How a number lies in its registers."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"

    @property
    def words(self) -> int:
        return struct.calcsize(_CODES[self]) // 2

    @property
    def size(self) -> float:
        """After how many counts a counter of this type begins again."""
        return float(2 ** (16 * self.words)) if self.value.startswith("u") else inf


_CODES = {
    Type.FLOAT32: ">f",
    Type.FLOAT64: ">d",
    Type.INT16: ">h",
    Type.INT32: ">i",
    Type.INT64: ">q",
    Type.UINT16: ">H",
    Type.UINT32: ">I",
    Type.UINT64: ">Q",
}


class Order(StrEnum):
    """Which word of a number lies in its first register."""

    HIGH = "high first"
    LOW = "low first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Where a meter keeps one figure.

    address:  of its first register, counted from 0 (30013 in a handbook is address 12)
    function: 3: holding registers; 4: input registers
    unit:     what it counts in: W, kWh, ...
    scale:    what its number is multiplied by besides: 0.1 if it counts tenths
    step:     from one channel to the next, in registers; 0: they lie side by side
    """

    address: int
    function: int = 3
    type: Type = Type.FLOAT32
    order: Order = Order.HIGH
    unit: str = ""
    scale: float = 1.0
    step: int = 0

    def __post_init__(self) -> None:
        if self.function not in {3, 4}:
            raise ValueError("function: 3 (holding registers) or 4 (input registers)")
        if not 0 <= self.address <= 0x10000 - self.type.words:
            raise ValueError(f"address: {self.address} is none; there are 0 to 65535")
        if self.step < 0:
            raise ValueError("step: 0 or more registers")

    def of(self, channel: int) -> int:
        """The address of a channel's figure (0, 1, ...)."""
        return self.address + channel * (self.step or self.type.words)


def decode(words: Sequence[int], register: Register) -> float:
    """The number in a figure's registers, as the meter counts."""
    found = words if register.order is Order.HIGH else list(reversed(words))
    return float(struct.unpack(_CODES[register.type], struct.pack(f">{len(found)}H", *found))[0])


@dataclass(frozen=True, slots=True)
class Wanted:
    """One figure of one channel of a unit."""

    meter: Meter
    channel: int
    address: int
    register: Register

    @property
    def end(self) -> int:
        return self.address + self.register.type.words


@dataclass(frozen=True, slots=True)
class Block:
    """Registers that one request reads, and the figures that lie in them."""

    wanted: tuple[Wanted, ...]

    @property
    def function(self) -> int:
        return self.wanted[0].register.function

    @property
    def address(self) -> int:
        return self.wanted[0].address

    @property
    def count(self) -> int:
        return max(each.end for each in self.wanted) - self.address

    def split(self) -> "tuple[Block, ...]":
        """The same figures, a request each."""
        return tuple(Block((each,)) for each in self.wanted)

    def figures(self, words: Sequence[int]) -> Iterable[tuple[Wanted, float]]:
        for each in self.wanted:
            at = each.address - self.address
            yield each, decode(words[at : at + each.register.type.words], each.register)


def blocks(registers: Mapping[Meter, Register], channels: int, bridge: int) -> tuple[Block, ...]:
    """The fewest requests that read all channels' figures of a unit.

    bridge: over how many registers between two figures one request may go
    """
    wanted = sorted(
        (
            Wanted(meter, channel, register.of(channel), register)
            for meter, register in registers.items()
            for channel in range(channels)
        ),
        key=lambda each: (each.register.function, each.address),
    )
    made: list[list[Wanted]] = []
    for each in wanted:
        if made and _fits(made[-1], each, bridge):
            made[-1].append(each)
        else:
            made.append([each])
    return tuple(Block(tuple(block)) for block in made)


def _fits(block: Sequence[Wanted], each: Wanted, bridge: int) -> bool:
    first, end = block[0], max(before.end for before in block)
    return (
        first.register.function == each.register.function
        and each.address <= end + bridge
        and each.end <= first.address + MOST
    )


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a make of meter.

    bridge: over how many registers it lets one request go that hold nothing of interest
    """

    registers: Mapping[Meter, Register]
    bridge: int


def _eastron(power: int, current: int, voltage: int) -> Model:
    """One of Eastron's meters, with the addresses of its figures.

    Source: Eastron SDM120, SDM230 and SDM630 Modbus protocol: input registers, float32, high word
    first. Import active energy, in kWh, is at 0x48 in all of them (total at 0x156 adds what was
    exported). Registers between them read as zero; other readers go over them as well.
    """
    at = {
        POWER: (power, ""),
        ENERGY: (0x48, "kWh"),
        CURRENT: (current, ""),
        VOLTAGE: (voltage, ""),
    }
    return Model(
        {
            meter: Register(address=address, function=4, unit=unit)
            for meter, (address, unit) in at.items()
        },
        bridge=12,
    )


MODELS: Mapping[str, Model] = {
    "sdm120": _eastron(power=0x0C, current=0x06, voltage=0x00),
    "sdm230": _eastron(power=0x0C, current=0x06, voltage=0x00),
    # Three phases: total system power, sum of the line currents, average line to neutral voltage.
    "sdm630": _eastron(power=0x34, current=0x30, voltage=0x2A),
}


def factors(registers: Mapping[Meter, Register]) -> dict[Meter, float]:
    """What each figure is multiplied by. Raises ValueError that names the key."""
    return {
        meter: factor(meter, register.unit, register.scale)
        for meter, register in registers.items()
    }
