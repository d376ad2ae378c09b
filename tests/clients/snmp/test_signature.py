"""Answers of a real agent, and what becomes of them when anything in them is changed."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import snmp_agent
from tests.clients.snmp.conftest import opened
from tests.clients.snmp.liar import relaying

from meterhouse.clients.snmp.access import Access, Version
from meterhouse.clients.snmp.signature import Broken, Message, Signatures
from meterhouse.metering.secrets import Secret

DESCRIPTION = "1.3.6.1.2.1.1.1.0"
KEYS = {"auth_key": Secret("alice-auth-key"), "privacy_key": Secret("alice-privacy-key")}
USERS = [
    Access(version=Version.V3, user=user, auth=auth, privacy=privacy, **KEYS)
    for user, auth, privacy in (
        ("signs-md5", "md5", ""),
        ("signs-sha", "sha", ""),
        ("signs-sha256", "sha256", ""),
        ("hides-aes", "sha", "aes128"),
        ("hides-sha512", "sha512", "aes128"),
    )
]


async def answered(snmpd: snmp_agent.Agent, who: Access) -> tuple[list[bytes], Signatures]:
    """All that the agent answers to a user, and what tells whether it is genuine."""
    more: dict[str, Any] = {"user": who.user, "auth": who.auth, "privacy": who.privacy} | KEYS
    async with (
        relaying(snmpd.port, lambda packet: packet) as relay,
        opened(relay.port, version=Version.V3, **more) as agent,
    ):
        await agent.get([DESCRIPTION])
        engine = agent.session.get_engine_id()
    return relay.answers, Signatures(who, lambda: engine)


@pytest.mark.parametrize("who", USERS, ids=lambda who: who.user)
async def test_what_an_agent_says_is_genuine_and_no_changed_byte_is(
    snmpd: snmp_agent.Agent, who: Access
) -> None:
    answers, signatures = await answered(snmpd, who)
    assert all(map(signatures.is_genuine, answers))
    said = answers[-1]
    for place in range(len(said)):
        for change in (0x01, 0x80, 0xFF):
            forged = bytearray(said)
            forged[place] ^= change
            assert not signatures.is_genuine(bytes(forged)), f"byte {place} ^ {change}"
    assert not any(signatures.is_genuine(said[:length]) for length in range(len(said)))


async def test_another_key_another_agent_or_none_yet_is_not_believed(
    snmpd: snmp_agent.Agent,
) -> None:
    who = USERS[1]
    answers, signatures = await answered(snmpd, who)
    said, engine = answers[-1], signatures.engine()
    wrong = replace(who, auth_key=Secret("mallory-auth-key"))
    assert signatures.is_genuine(said)
    assert not Signatures(wrong, lambda: engine).is_genuine(said)
    assert not Signatures(replace(who, auth="md5"), lambda: engine).is_genuine(said)
    assert not Signatures(who, lambda: b"").is_genuine(said)
    assert not Signatures(who, lambda: engine + b"x").is_genuine(said)


async def test_whoever_encrypts_believes_nothing_in_the_clear_but_a_refusal(
    snmpd: snmp_agent.Agent,
) -> None:
    """The agent knows both users by the same key, so that the signature is right."""
    answers, signatures = await answered(snmpd, USERS[1])
    who = replace(USERS[1], privacy="aes128")
    engine = signatures.engine()
    hiding = Signatures(who, lambda: engine)
    refusals = [packet for packet in answers if Message.of(packet).is_report]
    assert refusals
    assert all(map(hiding.is_genuine, refusals))
    assert not hiding.is_genuine(answers[-1])


@given(st.binary(max_size=120))
def test_nothing_that_comes_is_fatal(packet: bytes) -> None:
    assert not Signatures(USERS[0], lambda: b"engine").is_genuine(packet)


@given(st.binary(max_size=60), st.integers(0, 255), st.integers(0, 130))
def test_what_is_no_message_is_broken(inside: bytes, kind: int, length: int) -> None:
    with pytest.raises(Broken):
        Message.of(bytes([0x30, min(length, 127), kind]) + inside)
