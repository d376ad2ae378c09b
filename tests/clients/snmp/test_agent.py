"""A real agent, Net-SNMP's: every version, every key, and every way to be refused."""

import re
from typing import Any

import pytest
from tests import snmp_agent
from tests.clients.snmp.conftest import opened
from tests.clients.snmp.liar import relaying

from meterhouse.clients.snmp.access import Version
from meterhouse.clients.snmp.agent import Query, Refused
from meterhouse.metering.errors import BadReading, Unreachable
from meterhouse.metering.secrets import Secret

EATON = "1.3.6.1.4.1.534.6.6.7.6.5.1"
WATTS = {f"{EATON}.3.0.{n}": 100 + n for n in range(1, 25)}
KEYS = {"auth_key": Secret("alice-auth-key"), "privacy_key": Secret("alice-privacy-key")}
WRONG = Secret("mallory-key")


def user(name: str, auth: str = "", privacy: str = "", **more: Any) -> dict[str, Any]:
    return {"version": Version.V3, "user": name, "auth": auth, "privacy": privacy} | KEYS | more


@pytest.mark.parametrize("version", [Version.V1, Version.V2C])
async def test_many_objects_are_got_at_once(snmpd: snmp_agent.Agent, version: Version) -> None:
    snmpd.say(WATTS)
    async with opened(snmpd.port, version=version) as agent:
        assert await agent.get(list(WATTS)) == WATTS


@pytest.mark.parametrize(
    "who",
    [
        user("nobody"),
        user("signs-md5", "md5"),
        user("signs-sha", "sha"),
        user("signs-sha256", "sha256"),
        user("hides-des", "md5", "des"),
        user("hides-aes", "sha", "aes128"),
        user("hides-sha512", "sha512", "aes128"),
        user("hides-aes256", "sha256", "aes256"),
    ],
    ids=lambda who: who["user"],
)
async def test_a_user_reads_with_keys_of_every_kind(
    snmpd: snmp_agent.Agent, who: dict[str, Any]
) -> None:
    snmpd.say(WATTS)
    async with opened(snmpd.port, **who) as agent:
        assert await agent.get(list(WATTS)) == WATTS


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (user("mallory"), "refuses the user 'mallory', who comes with nothing"),
        (user("mallory", "sha"), "refuses the user 'mallory', who comes with auth:"),
        (user("signs-sha", "sha", auth_key=WRONG), "look at user, auth and auth_key"),
        (user("signs-sha", "md5"), "refuses the user 'signs-sha'"),
        (user("signs-sha"), "what the agent demands of that user"),
        (user("hides-aes", "sha"), "who comes with auth: "),
    ],
)
async def test_a_user_who_may_not_is_told_what_to_look_at(
    snmpd: snmp_agent.Agent, who: dict[str, Any], said: str
) -> None:
    with pytest.raises(Refused, match=re.escape(said)) as refused:
        async with opened(snmpd.port, **who):
            pass
    assert not any(key.reveal() in str(refused.value) for key in (*KEYS.values(), WRONG))


@pytest.mark.parametrize(
    "who", [user("hides-aes", "sha", "aes128", privacy_key=WRONG), user("hides-aes", "sha", "des")]
)
async def test_a_wrong_privacy_key_is_not_answered_and_that_is_said(
    snmpd: snmp_agent.Agent, who: dict[str, Any]
) -> None:
    with pytest.raises(Unreachable, match="Look at privacy and privacy_key too"):
        async with opened(snmpd.port, **who):
            pass


def a_watt_more(packet: bytes) -> bytes:
    return packet.replace(b"\x02\x01\x65", b"\x02\x01\x66")  # INTEGER 101


async def test_what_is_encrypted_cannot_be_changed_on_the_way(snmpd: snmp_agent.Agent) -> None:
    snmpd.say(WATTS)
    who = user("hides-aes", "sha", "aes128")
    async with relaying(snmpd.port, a_watt_more) as relay, opened(relay.port, **who) as agent:
        assert await agent.get(list(WATTS)) == WATTS


async def test_what_is_signed_is_not_believed_when_it_was_changed_on_the_way(
    snmpd: snmp_agent.Agent,
) -> None:
    snmpd.say(WATTS)
    who = user("signs-sha", "sha")
    async with relaying(snmpd.port, a_watt_more) as relay, opened(relay.port, **who) as agent:
        with pytest.raises((Unreachable, BadReading)):
            await agent.get(list(WATTS))


@pytest.mark.parametrize("version", [Version.V1, Version.V2C])
async def test_a_wrong_community_is_not_answered_and_that_is_said(
    snmpd: snmp_agent.Agent, version: Version
) -> None:
    said = f"127.0.0.1:{snmpd.port}: no answer within 1.5 s: is it on, and does it let"
    with pytest.raises(Unreachable, match="never answers to a wrong one") as silent:
        async with opened(snmpd.port, version=version, community=WRONG):
            pass
    assert str(silent.value).startswith(said)
    assert WRONG.reveal() not in str(silent.value)


async def test_nothing_that_listens_is_not_waited_for() -> None:
    with pytest.raises(Unreachable, match="nothing listens on this UDP port"):
        async with opened(snmp_agent.free_port(), wait_s=60.0, tries=10):
            pass


async def test_nothing_that_listens_is_told_to_a_user_with_keys_too() -> None:
    with pytest.raises(Unreachable, match="nothing listens on this UDP port"):
        async with opened(snmp_agent.free_port(), **user("signs-sha", "sha")):
            pass


async def test_an_agent_that_hangs_is_unreachable_and_then_is_not(
    snmpd: snmp_agent.Agent,
) -> None:
    snmpd.say(WATTS)
    async with opened(snmpd.port) as agent:
        with snmpd.frozen(), pytest.raises(Unreachable, match="no answer within"):
            await agent.get(list(WATTS))
        assert await agent.get(list(WATTS)) == WATTS


@pytest.mark.parametrize("who", [user("signs-sha", "sha"), user("hides-aes", "sha", "aes128")])
async def test_an_agent_that_was_restarted_is_read_on(
    snmpd: snmp_agent.Agent, who: dict[str, Any]
) -> None:
    """It counts one more boot, so what we send belongs to another time."""
    snmpd.say(WATTS)
    async with opened(snmpd.port, **who) as agent:
        await agent.get(list(WATTS))
        snmpd.restart()
        assert await agent.get(list(WATTS)) == WATTS


async def test_a_name_is_resolved_and_one_that_cannot_be_is_told(
    snmpd: snmp_agent.Agent,
) -> None:
    snmpd.say(WATTS)
    async with opened(snmpd.port, host="localhost") as agent:
        assert await agent.get(list(WATTS)) == WATTS
    with pytest.raises(Unreachable, match=r"pdu\.invalid:161: the name cannot be resolved"):
        async with opened(161, host="pdu.invalid"):
            pass


@pytest.mark.parametrize("version", [Version.V1, Version.V2C])
async def test_a_column_is_walked(snmpd: snmp_agent.Agent, version: Version) -> None:
    snmpd.say(WATTS | {f"{EATON}.4.0.1": 7})
    async with opened(snmpd.port, version=version) as agent:
        rows = await agent.walk(f"{EATON}.3")
    assert rows == [(f"0.{n}", 100 + n) for n in range(1, 25)]


@pytest.mark.parametrize("version", [Version.V1, Version.V2C])
async def test_a_column_that_is_not_there_has_no_rows(
    snmpd: snmp_agent.Agent, version: Version
) -> None:
    async with opened(snmpd.port, version=version) as agent:
        assert await agent.walk(f"{EATON}.3") == []


async def test_an_agent_says_what_it_is(snmpd: snmp_agent.Agent) -> None:
    async with opened(snmpd.port) as agent:
        described, kind = await agent.itself()
    assert described == "EATON ePDU of the tests"
    assert kind.startswith("1.3.6.1.4.1.8072.")  # Net-SNMP


@pytest.mark.parametrize("version", [Version.V1, Version.V2C])
async def test_objects_that_are_not_there_are_left_out(
    snmpd: snmp_agent.Agent, version: Version
) -> None:
    """SNMPv1 makes an error of the whole answer: the others are asked for without them."""
    snmpd.say(WATTS)
    lacking = [f"{EATON}.3.0.{n}" for n in (25, 40)]
    oids = (*list(WATTS)[:7], lacking[0], *list(WATTS)[7:], lacking[1])
    async with opened(snmpd.port, version=version) as agent:
        query = Query(agent, oids)
        assert await query.settle() == WATTS
        assert await query.answer() == WATTS
        assert len(query.groups) == 1


async def test_what_an_snmpv1_agent_lacked_is_asked_for_again_later(
    snmpd: snmp_agent.Agent,
) -> None:
    snmpd.say(WATTS)
    late = f"{EATON}.3.0.25"
    async with opened(snmpd.port, version=Version.V1) as agent:
        query = Query(agent, (*WATTS, late))
        assert late not in await query.settle()
        snmpd.say({late: 25})
        assert late not in await query.answer()
        query.resting = dict.fromkeys(query.resting, 0.0)
        assert (await query.answer())[late] == 25


async def test_more_than_fits_is_asked_for_in_several_requests(snmpd: snmp_agent.Agent) -> None:
    many = {f"{EATON}.3.{unit}.{n}": n for unit in range(6) for n in range(1, 49)}
    snmpd.say(many)
    async with opened(snmpd.port) as agent:
        query = Query(agent, tuple(many))
        assert await query.settle() == many
    assert len(query.groups) == 3


async def test_a_user_without_keys_who_is_not_answered_is_told_no_more(
    snmpd: snmp_agent.Agent,
) -> None:
    async with opened(snmpd.port, **user("nobody")) as agent:
        with snmpd.frozen(), pytest.raises(Unreachable, match=r"let this machine ask\?$"):
            await agent.get(list(WATTS))


async def test_a_network_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"^255\.255\.255\.255:161: .*denied"):
        async with opened(161, host="255.255.255.255"):
            pass


async def test_an_address_of_version_6_is_shown_in_brackets() -> None:
    port = snmp_agent.free_port()
    with pytest.raises(Unreachable, match=rf"^\[::1\]:{port}: "):
        async with opened(port, host="::1"):
            pass
