"""Agents that lie, are cut short, and say less than they should."""

from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.clients.snmp.conftest import opened
from tests.clients.snmp.liar import (
    GENERAL_ERROR,
    NOT_ALLOWED,
    TOO_BIG,
    Answer,
    Request,
    integer,
    lying,
    tlv,
)

from meterhouse.clients.snmp.agent import SYS_DESCR, Query, Refused
from meterhouse.metering.errors import BadReading, Unreachable

OIDS = tuple(f"1.3.6.1.4.1.99.{n}" for n in range(40))
NUMBERS = {oid: n for n, oid in enumerate(OIDS)}


def at_most(most: int, status: int = TOO_BIG, *, mute: bool = False) -> Answer:
    def answer(packet: bytes) -> Iterable[bytes]:
        request = Request.of(packet)
        if len(request.pairs) <= most:
            yield request.numbered()
        elif not mute:
            yield request.answer(request.pairs if status != TOO_BIG else [], status)

    return answer


@pytest.mark.parametrize("status", [TOO_BIG, GENERAL_ERROR])
async def test_an_answer_that_would_be_too_big_is_got_in_parts_and_that_is_remembered(
    status: int,
) -> None:
    async with lying(at_most(10, status)) as liar, opened(liar.port) as agent:
        query = Query(agent, OIDS)
        assert set(await query.settle()) == set(OIDS)
        liar.asked.clear()
        assert set(await query.answer()) == set(OIDS)
        assert [len(Request.of(packet).pairs) for packet in liar.asked] == [10, 10, 10, 10]


async def test_an_agent_that_is_silent_where_much_is_asked_is_asked_for_less() -> None:
    async with lying(at_most(10, mute=True)) as liar, opened(liar.port, wait_s=0.3) as agent:
        query = Query(agent, OIDS)
        assert set(await query.settle()) == set(OIDS)
        assert [len(group) for group in query.groups] == [10, 10, 10, 10]


async def test_an_agent_that_answers_to_nothing_but_its_name_is_unreachable() -> None:
    def named(packet: bytes) -> Iterable[bytes]:
        return [Request.of(packet).numbered()] if SYS_DESCR_BYTES in packet else []

    async with lying(named) as liar, opened(liar.port, wait_s=0.3) as agent:
        with pytest.raises(Unreachable, match="no answer within"):
            await Query(agent, OIDS).settle()


async def test_a_community_that_may_not_read_is_told() -> None:
    def forbidden(packet: bytes) -> Iterable[bytes]:
        request = Request.of(packet)
        return [request.answer(request.pairs, NOT_ALLOWED)]

    async with lying(forbidden) as liar:
        with pytest.raises(Refused, match="does not let this community read"):
            async with opened(liar.port):
                pass


async def test_a_refusal_after_the_greeting_is_told_as_well() -> None:
    def later(packet: bytes) -> Iterable[bytes]:
        request = Request.of(packet)
        greeting = SYS_DESCR_BYTES in packet
        return [request.numbered() if greeting else request.answer([], NOT_ALLOWED)]

    async with lying(later) as liar, opened(liar.port) as agent:
        with pytest.raises(Refused):
            await Query(agent, OIDS).settle()


async def test_a_question_that_fails_loses_none_of_what_is_asked() -> None:
    silent = False

    def sometimes(packet: bytes) -> Iterable[bytes]:
        return [] if silent else [Request.of(packet).numbered()]

    async with lying(sometimes) as liar, opened(liar.port, wait_s=0.3) as agent:
        query = Query(agent, OIDS)
        await query.settle()
        silent = True
        with pytest.raises(Unreachable):
            await query.answer()
        silent = False
        assert set(await query.answer()) == set(OIDS)


async def test_a_lost_datagram_is_asked_for_again() -> None:
    asked = []

    def every_second(packet: bytes) -> Iterable[bytes]:
        asked.append(packet)
        return [Request.of(packet).numbered()] if len(asked) % 2 == 0 else []

    async with lying(every_second) as liar, opened(liar.port, wait_s=0.3, tries=2) as agent:
        assert await agent.get([OIDS[0]]) == {OIDS[0]: 0}


async def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one() -> None:
    late: list[bytes] = []

    def one_behind(packet: bytes) -> Iterable[bytes]:
        request = Request.of(packet)
        late.append(request.answer([(oid, integer(len(late))) for oid, _ in request.pairs]))
        return late[-2:] if len(late) > 1 else late[-1:]

    async with lying(one_behind) as liar, opened(liar.port) as agent:
        assert await agent.get([OIDS[0]]) == {OIDS[0]: 1}
        assert await agent.get([OIDS[0]]) == {OIDS[0]: 2}


async def test_a_table_without_an_end_is_left() -> None:
    def next_one(packet: bytes) -> Iterable[bytes]:
        request = Request.of(packet)
        oid, _ = request.pairs[0]
        if oid == Request.of(packet).pairs[0][0] and oid.endswith(b"\x01\x01\x01\x00"):
            return [request.numbered()]
        return [request.answer([(tlv(0x06, b"\x2b\x06\x01\x04\x01\x63\x07"), integer(1))] * 50)]

    async with lying(next_one) as liar, opened(liar.port) as agent:
        with pytest.raises(BadReading, match="has no end"):
            await agent.walk("1.3.6.1.4.1.99")


GARBAGE = [
    b"\x30",
    b"\xff" * 40,
    b"HTTP/1.0 400 Bad Request\r\n\r\n",
    b"\x30\x84\xff\xff\xff",
]


@pytest.mark.parametrize("packet", GARBAGE, ids=repr)
async def test_what_is_no_snmp_is_a_bad_reading(packet: bytes) -> None:
    async with lying(lambda _: [packet]) as liar:
        with pytest.raises(BadReading, match="that is no SNMP; is there an agent on that port"):
            async with opened(liar.port):
                pass


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cut=st.integers(1, 200), flip=st.integers(0, 60), byte=st.integers(0, 255))
async def test_an_answer_cut_short_or_damaged_is_a_bad_reading_or_none(
    cut: int, flip: int, byte: int, capfd: pytest.CaptureFixture[str]
) -> None:
    def damaged(packet: bytes) -> Iterable[bytes]:
        whole = bytearray(Request.of(packet).numbered())
        if SYS_DESCR_BYTES not in packet:
            whole[flip % len(whole)] = byte
            whole = whole[: max(0, len(whole) - cut % 7)]
        return [bytes(whole)]

    async with lying(damaged) as liar, opened(liar.port, wait_s=0.25) as agent:
        try:
            said = await agent.get(list(OIDS[:3]))
        except (BadReading, Unreachable):
            return
        assert all(isinstance(value, int | bytes | str | float) for value in said.values())


SYS_DESCR_BYTES = bytes([0x2B, *(int(part) for part in SYS_DESCR.split(".")[2:])])
