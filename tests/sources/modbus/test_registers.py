"""Registers: what lies in them, and how few requests read them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sources.readings import configured

from meterhouse.metering.errors import Mistake
from meterhouse.metering.meters import CURRENT, ENERGY, POWER, VOLTAGE
from meterhouse.sources.modbus.registers import (
    MODELS,
    MOST,
    Order,
    Register,
    Type,
    blocks,
    decode,
)

WATTS = Register(address=0)


@pytest.mark.parametrize(
    ("kind", "words", "value"),
    [
        (Type.FLOAT32, [0x42F7, 0x0000], 123.5),
        (Type.FLOAT64, [0x405E, 0xE000, 0, 0], 123.5),
        (Type.INT16, [0xFFFE], -2.0),
        (Type.UINT16, [0xFFFE], 65534.0),
        (Type.INT32, [0xFFFF, 0xFFFE], -2.0),
        (Type.UINT32, [0x0001, 0x0002], 65538.0),
        (Type.UINT64, [0, 1, 0, 2], 4294967298.0),
        (Type.INT64, [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE], -2.0),
    ],
)
def test_a_number_lies_in_its_registers(kind: Type, words: list[int], value: float) -> None:
    high = Register(address=0, type=kind)
    low = Register(address=0, type=kind, order=Order.LOW)
    assert decode(words, high) == value
    assert decode(words[::-1], low) == value
    assert kind.words == len(words)


@given(st.integers(0, 2**32 - 1))
def test_any_counter_comes_out_as_it_went_in(count: int) -> None:
    words = struct.unpack(">2H", struct.pack(">I", count))
    assert decode(words, Register(address=0, type=Type.UINT32)) == count


def test_a_model_is_read_with_two_requests() -> None:
    (front, counter) = blocks(MODELS["sdm120"].registers, 1, MODELS["sdm120"].bridge)
    assert (front.address, front.count) == (0x00, 14)
    assert [each.meter for each in front.wanted] == [VOLTAGE, CURRENT, POWER]
    assert (counter.address, counter.count) == (0x48, 2)


def test_neighbours_are_one_request_and_strangers_are_not() -> None:
    near = {POWER: Register(address=10), ENERGY: Register(address=12)}
    apart = {POWER: Register(address=10), ENERGY: Register(address=13)}
    other = {POWER: Register(address=10), ENERGY: Register(address=12, function=4)}
    assert [len(blocks(each, 1, 0)) for each in (near, apart, other)] == [1, 2, 2]


@given(st.integers(1, 100), st.integers(0, 9), st.integers(0, 12))
def test_no_request_is_too_long_and_every_figure_is_read_once(
    channels: int, step: int, bridge: int
) -> None:
    registers = {POWER: Register(address=0, step=step), ENERGY: Register(address=500)}
    made = blocks(registers, channels, bridge)
    assert all(block.count <= MOST for block in made)
    read = [(each.meter, each.channel) for block in made for each in block.wanted]
    assert sorted(read, key=repr) == sorted(
        ((meter, channel) for meter in registers for channel in range(channels)), key=repr
    )


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "say the model"),
        ({"model": "sdm12"}, "did you mean 'sdm120'?"),
        ({"model": "sdm120", "probes": ["a", "b"]}, "2 for 1 outlets"),
        ({"model": "sdm120", "units": [1, 1], "probes": ["a", "b"]}, "each once"),
        ({"model": "sdm120", "units": [256]}, "0 to 255"),
        ({"model": "sdm120", "port": 0}, "port"),
        ({"model": "sdm120", "channels": 0}, "channels"),
        ({"model": "sdm120", "deadline_s": 0}, "deadline_s"),
        ({"energy": {"address": 1}}, "energy: unit is one of J, kJ, mJ, Wmin, Wh, kWh"),
        ({"power": {"address": 1, "unit": "hp"}}, "not 'hp'"),
        ({"power": {"address": 1, "scale": 0}}, "scale 0"),
        ({"power": {"address": 65535}}, "address"),
        ({"power": {"address": 1, "function": 6}}, "function"),
        ({"power": {"address": 1, "type": "float"}}, "float"),
        ({"power": {"address": 1, "step": -2}}, "step"),
    ],
)
def test_what_cannot_be_meant_is_refused(table: dict[str, object], said: str) -> None:
    with pytest.raises(Mistake, match="test: source 'm'") as mistake:
        configured("m", **{"kind": "modbus", "host": "h", "probes": ["a"]} | table)
    assert said in str(mistake.value)
