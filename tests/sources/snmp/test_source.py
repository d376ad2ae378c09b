"""PDUs that a real agent plays: what the source makes of what they say, and of what they do."""

import re
from datetime import timedelta
from typing import Any

import pytest
from tests import snmp_agent
from tests.sources.readings import figures, run
from tests.sources.snmp.conftest import Opener

from meterhouse.metering.clock import FixedClock
from meterhouse.metering.errors import BadReading, Unreachable
from meterhouse.metering.snapshots import Resource
from meterhouse.sources import Reading, configure
from meterhouse.sources.runner import Outcome
from meterhouse.sources.snmp.channel import NO_DIGITS, UNLABELLED
from meterhouse.sources.snmp.numbers import NEGATIVE, TEXT, TOO_LARGE
from meterhouse.sources.snmp.source import LOOK_AGAIN_MS, Snmp

EATON = "1.3.6.1.4.1.534.6.6.7"
APC = "1.3.6.1.4.1.318.1.1.26"
RARITAN = "1.3.6.1.4.1.13742.6"
DELL = "1.3.6.1.4.1.674.10892.5.4.600.30.1"
WH = 3600.0


def watts(outlet: int, strap: int = 0) -> str:
    return f"{EATON}.6.5.1.3.{strap}.{outlet}"


def wh(outlet: int, strap: int = 0) -> str:
    return f"{EATON}.6.5.1.4.{strap}.{outlet}"


def eaton(outlets: int = 4) -> dict[str, snmp_agent.Said]:
    said: dict[str, snmp_agent.Said] = {}
    for n in range(1, outlets + 1):
        said |= {watts(n): 100 + n, wh(n): ("gauge", str(n))}
    return said


def listed(reading: Reading) -> list[Resource]:
    return [one for one in reading.snapshots[0].objects if isinstance(one, Resource)]


async def test_outlets_say_watts_and_joules(snmpd: snmp_agent.Agent, opened: Opener) -> None:
    snmpd.say(eaton())
    async with opened(preset="eaton", probes=["F1", "", "F3"]) as source:
        reading = await source.read()
    assert figures(reading, "power") == {"pdu-7/F1": 101, "pdu-7/F3": 103}
    assert figures(reading, "energy") == {"pdu-7/F1": 1 * WH, "pdu-7/F3": 3 * WH}
    assert not reading.refused


async def test_the_watts_move_from_reading_to_reading(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    snmpd.say(eaton())
    async with opened(preset="eaton", probes=["F1"]) as source:
        for said in (212, 0, 7):
            snmpd.say({watts(1): said})
            assert figures(await source.read(), "power") == {"pdu-7/F1": said}


async def test_two_supplies_are_summed_and_one_outlet_feeds_two_nodes(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    snmpd.say(eaton())
    probes = ["node-1", ["node-2", "node-3"], "", "node-1"]
    async with opened(preset="eaton", probes=probes) as source:
        reading = await source.read()
    assert figures(reading, "power") == {"pdu-7/node-1": 205, "pdu-7/node-2+node-3": 102}
    assert [one.details["feeds"] for one in listed(reading)] == ["node-1", "node-2 node-3"]


async def test_a_total_is_read_and_not_summed(snmpd: snmp_agent.Agent, opened: Opener) -> None:
    snmpd.say(eaton() | {f"{EATON}.3.5.1.4.0.1": 219, f"{EATON}.3.5.1.5.0.1": 9})
    async with opened(preset="eaton", probes=["F1", "F2"], inputs=["rack"]) as source:
        reading = await source.read()
    assert figures(reading, "power") == {"pdu-7/F1": 101, "pdu-7/F2": 102, "pdu-7/rack": 219}
    assert figures(reading, "energy")["pdu-7/rack"] == 9 * WH
    assert [snapshot.kind for snapshot in reading.snapshots] == ["outlet", "inlet"]


async def test_a_device_of_a_daisy_chain_is_known_by_its_number(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    snmpd.say({watts(1): 101, watts(1, strap=2): 201})
    async with opened(preset="eaton", device=2, probes=["F1"]) as source:
        assert figures(await source.read(), "power") == {"pdu-7/F1": 201}


def apc_chain(first: int, second: int) -> dict[str, snmp_agent.Said]:
    """Two devices whose outlets are numbered in one row: the device stands beside."""
    devices = [1] * first + [2] * second
    return {
        f"{APC}.9.4.3.1.{column}.{row}": said
        for row, device in enumerate(devices, 1)
        for column, said in ((2, device), (7, 100 * device + row), (11, row))
    }


async def test_an_apcs_second_device_is_found_in_the_common_table(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    snmpd.say(apc_chain(3, 2))
    async with opened(preset="apc", device=2, probes=["a", "b"]) as source:
        reading = await source.read()
    assert figures(reading, "power") == {"pdu-7/a": 204, "pdu-7/b": 205}
    assert figures(reading, "energy") == {"pdu-7/a": 4 * 360_000, "pdu-7/b": 5 * 360_000}
    with pytest.raises(BadReading, match="there is no device 3; there are: 1, 2"):
        async with opened(preset="apc", device=3, probes=["a"]):
            pass


async def test_a_chain_that_grew_in_front_is_noticed(
    snmpd: snmp_agent.Agent, opened: Opener, clock: FixedClock
) -> None:
    snmpd.say(apc_chain(3, 2))
    async with opened(preset="apc", device=2, probes=["a"]) as source:
        await source.read()
        snmpd.say(apc_chain(4, 2), forget=True)
        clock.move(timedelta(milliseconds=LOOK_AGAIN_MS))
        assert figures(await source.read(), "power") == {"pdu-7/a": 205}


async def test_a_chain_that_is_as_it_was_is_read_on(
    snmpd: snmp_agent.Agent, opened: Opener, clock: FixedClock
) -> None:
    snmpd.say(apc_chain(3, 2))
    async with opened(preset="apc", device=2, probes=["a"]) as source:
        for _ in range(3):
            assert figures(await source.read(), "power") == {"pdu-7/a": 204}
            clock.move(timedelta(milliseconds=LOOK_AGAIN_MS))


def raritan(digits: int | str, available: int = 1) -> dict[str, snmp_agent.Said]:
    return {
        f"{RARITAN}.5.4.3.1.4.1.1.5": ("gauge", "2124"),
        f"{RARITAN}.5.4.3.1.4.1.1.8": ("gauge", "77"),
        f"{RARITAN}.3.5.4.1.7.1.1.5": digits,
        f"{RARITAN}.3.5.4.1.7.1.1.8": 0,
        f"{RARITAN}.5.4.3.1.2.1.1.5": available,
    }


async def test_a_raritan_is_scaled_by_its_decimal_digits(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    snmpd.say(raritan(1))
    async with opened(preset="raritan", probes=["a"]) as source:
        reading = await source.read()
    assert figures(reading, "power") == {"pdu-7/a": pytest.approx(212.4)}
    assert figures(reading, "energy") == {"pdu-7/a": 77 * WH}


@pytest.mark.parametrize("digits", ["one", -1, 77])
async def test_a_number_of_unknown_scale_is_refused(
    snmpd: snmp_agent.Agent, opened: Opener, digits: int | str
) -> None:
    snmpd.say(raritan(digits))
    async with opened(preset="raritan", probes=["a"]) as source:
        reading = await source.read()
    assert not figures(reading, "power")
    assert reading.refused == {NO_DIGITS: 1}


async def test_a_sensor_that_is_not_available_says_nothing(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    snmpd.say(raritan(1, available=2))
    async with opened(preset="raritan", probes=["a"]) as source:
        reading = await source.read()
    assert not len(reading.samples)
    assert not reading.refused


async def test_a_counter_that_wraps_goes_on_and_one_that_was_reset_begins_anew(
    snmpd: snmp_agent.Agent, opened: Opener, clock: FixedClock
) -> None:
    async def joules(*counts: int) -> list[float]:
        snmpd.say({watts(1): 50, wh(1): ("gauge", str(counts[0]))})
        found = []
        async with opened(preset="eaton", probes=["F1"]) as source:
            for count in counts:
                snmpd.say({wh(1): ("gauge", str(count))})
                found.append(figures(await source.read(), "energy")["pdu-7/F1"] / WH)
                clock.move(timedelta(seconds=1))
        return found

    top = 2**32
    assert await joules(top - 2, top - 1, 0, 1) == [top - 2, top - 1, top, top + 1]
    assert await joules(500, 501, 0, 1) == [500, 501, 0, 1]


async def test_one_outlets_nonsense_is_counted_and_the_others_are_read(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    nonsense: dict[str, snmp_agent.Said] = {
        watts(1): "n/a",
        watts(2): -1,
        watts(3): ("string", "212.4"),
        wh(2): -7,
        wh(3): "?",
    }
    snmpd.say(eaton() | nonsense)
    async with opened(preset="eaton", probes=["a", "b", "c", "d"]) as source:
        reading = await source.read()
    assert figures(reading, "power") == {"pdu-7/c": 212.4, "pdu-7/d": 104}
    assert figures(reading, "energy") == {"pdu-7/a": 1 * WH, "pdu-7/d": 4 * WH}
    assert reading.refused == {TEXT: 2}


async def test_an_object_of_ones_own_is_read_with_its_unit_and_scale(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    mine = "1.3.6.1.4.1.99999"
    snmpd.say({f"{mine}.1.{n}.5": 100 * n for n in (1, 2)} | {f"{mine}.2.{n}": n for n in (1, 2)})
    own = {
        "power": {"oid": f".{mine}.1.{{n}}.5", "scale": 0.1},
        "energy": {"oid": f"{mine}.2.{{n}}", "unit": "kWh", "scale": 0.1},
    }
    async with opened(probes=["a", "b"], **own) as source:
        reading = await source.read()
    assert figures(reading, "power") == {"pdu-7/a": 10, "pdu-7/b": 20}
    assert figures(reading, "energy") == {"pdu-7/a": 360_000, "pdu-7/b": 720_000}


async def test_counters_that_no_counter_can_be_are_counted(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    mine = "1.3.6.1.4.1.99999.1"
    snmpd.say({f"{mine}.1": -5, f"{mine}.2": 70_000, f"{mine}.3": 65_535, f"{mine}.4": 9})
    energy = {"oid": f"{mine}.{{n}}", "unit": "Wh", "wraps_at": 65_536, "absent": [65_535]}
    async with opened(probes=["a", "b", "c", "d"], energy=energy) as source:
        reading = await source.read()
    assert figures(reading, "energy") == {"pdu-7/d": 9 * WH}
    assert reading.refused == {NEGATIVE: 1, TOO_LARGE: 1}


@pytest.mark.parametrize("version", ["1", "2c"])
async def test_a_columns_rows_are_the_outlets_in_their_order(
    snmpd: snmp_agent.Agent, opened: Opener, version: str
) -> None:
    """As Kwapi's SNMP driver had it: the outlets' numbers need not be known."""
    column = "1.3.6.1.4.1.99999.7"
    snmpd.say({f"{column}.{row}": row for row in (11, 12, 31)})
    power = {"oid": column}
    async with opened(version=version, probes=["a", "", "c", "d"], power=power) as source:
        reading = await source.read()
    assert figures(reading, "power") == {"pdu-7/a": 11, "pdu-7/c": 31}


async def test_an_oid_that_is_no_column_is_the_number_itself(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    snmpd.say({f"{APC}.12.1.16.0": 1230, f"{APC}.12.1.17.0": 5})
    one, two = {"oid": f"{APC}.12.1.16.0"}, {"oid": [f"{APC}.12.1.16.0", f"{APC}.12.1.17.0"]}
    async with opened(probes=["a"], power=one) as source:
        assert figures(await source.read(), "power") == {"pdu-7/a": 1230}
    async with opened(probes=["a", "b"], power=two) as source:
        assert figures(await source.read(), "power") == {"pdu-7/a": 1230, "pdu-7/b": 5}


def idrac(*names: str) -> dict[str, snmp_agent.Said]:
    return {
        f"{DELL}.{column}.1.{row}": said
        for row, name in enumerate(names, 1)
        for column, said in ((6, 10 * row), (8, name))
    }


BOARD = "System Board Pwr Consumption"


async def test_a_row_is_found_by_its_label_and_found_again_when_it_moved(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    snmpd.say(idrac("PS1 Current 1", "PS2 Current 2", BOARD))
    async with opened(preset="idrac", probes=["node-1"]) as source:
        reading = await source.read()
        assert figures(reading, "power") == {"pdu-7/node-1": 30}
        assert listed(reading)[0].details["measures"] == "node"
        snmpd.say(idrac("PS1 Current 1", f" {BOARD} ", "PS2 Current 2"), forget=True)
        assert figures(await source.read(), "power") == {"pdu-7/node-1": 20}


async def test_a_label_that_is_not_there_is_told_with_those_that_are(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    snmpd.say(idrac("PS1 Current 1", "PS2 Current 2"))
    said = f"no row of {DELL}.8 is called {BOARD!r}; there are: 'PS1 Current 1', 'PS2 Current 2'"
    with pytest.raises(BadReading, match=re.escape(said)):
        async with opened(preset="idrac", probes=["node-1"]):
            pass


async def test_a_label_that_two_rows_have_is_refused(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    snmpd.say(idrac(BOARD, BOARD))
    with pytest.raises(BadReading, match=f"{BOARD!r} is the label of 2 rows"):
        async with opened(preset="idrac", probes=["node-1"]):
            pass


async def test_one_label_that_went_leaves_the_others(
    snmpd: snmp_agent.Agent, opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    own = {
        "power": {"oid": f"{DELL}.6.{{row}}"},
        "label_oid": f"{DELL}.8",
        "labels": ["left", "right"],
    }
    snmpd.say(idrac("left", "right"))
    async with opened(probes=["a", "b"], **own) as source:
        assert figures(await source.read(), "power") == {"pdu-7/a": 10, "pdu-7/b": 20}
        snmpd.say(idrac("left", "other"), forget=True)
        for _ in range(2):
            reading = await source.read()
            assert figures(reading, "power") == {"pdu-7/a": 10}
            assert reading.refused == {UNLABELLED: 1}
    assert [record.message for record in caplog.records] == [
        "b: the agent has no such row or object"
    ]


async def test_an_outlet_that_is_not_there_is_said_once_and_the_others_are_read(
    snmpd: snmp_agent.Agent, opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    snmpd.say(eaton(2))
    async with opened(preset="eaton", probes=["a", "b", "c"]) as source:
        for _ in range(3):
            reading = await source.read()
            assert figures(reading, "power") == {"pdu-7/a": 101, "pdu-7/b": 102}
            assert not reading.refused
    assert [record.message for record in caplog.records] == [
        "c: the agent has no such row or object"
    ]


@pytest.mark.parametrize("version", ["1", "2c"])
async def test_the_wrong_preset_is_told_with_what_the_agent_says_it_is(
    snmpd: snmp_agent.Agent, opened: Opener, version: str
) -> None:
    async with opened(version=version, preset="apc", probes=["a", "b"]) as source:
        with pytest.raises(BadReading, match="'EATON ePDU of the tests': right preset"):
            await source.read()


async def test_a_make_that_is_known_is_proposed(snmpd: snmp_agent.Agent, opened: Opener) -> None:
    snmpd.more = "sysobjectid 1.3.6.1.4.1.318.1.3.4.6"
    snmpd.restart()
    async with opened(preset="eaton", probes=["a"]) as source:
        with pytest.raises(BadReading, match="preset = 'apc'"):
            await source.read()


async def test_a_model_that_meters_no_outlets_is_told(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    snmpd.more = "sysobjectid 1.3.6.1.4.1.318.1.3.4.6"
    snmpd.restart()
    async with opened(preset="apc", probes=["a"]) as source:
        with pytest.raises(BadReading, match=r"does this model meter its outlets\?"):
            await source.read()


async def test_an_agent_that_hides_itself_is_told(snmpd: snmp_agent.Agent, opened: Opener) -> None:
    snmpd.more = "view own included .1.3.6.1.4.1\nrocommunity narrow 127.0.0.1 -V own"
    snmpd.restart()
    async with opened(preset="apc", probes=["a"], community="narrow") as source:
        with pytest.raises(BadReading, match=r"may this community or user read it \(its view\)"):
            await source.read()


async def test_every_version_is_spoken_as_people_write_it(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    snmpd.say(eaton())
    hidden = {
        "user": "hides-aes",
        "auth": "SHA",
        "auth_key": "alice-auth-key",
        "privacy": "AES",
        "privacy_key": "alice-privacy-key",
    }
    signed = {"user": "signs-md5", "auth": "MD5", "auth_key": "alice-auth-key"}
    ways: list[dict[str, Any]] = [
        *({"version": version} for version in ("1", 1, "v1", "2c", "v2c", 2)),
        *({"version": version, "user": "nobody"} for version in ("3", 3, "v3")),
        {"version": "v3"} | signed,
        {"version": "3"} | hidden,
    ]
    for way in ways:
        async with opened(preset="eaton", probes=["a"], **way) as source:
            assert figures(await source.read(), "power") == {"pdu-7/a": 101}


async def test_a_pdu_of_24_outlets_is_one_request(snmpd: snmp_agent.Agent, opened: Opener) -> None:
    snmpd.say(eaton(24))
    async with opened(preset="eaton", probes=[f"n{n}" for n in range(24)]) as source:
        await source.read()
        before = snmpd.requests()
        reading = await source.read()
        assert snmpd.requests() - before == 2  # the other one asks for their number
    assert len(reading.samples) == 48


async def test_an_outlet_that_is_left_out_is_not_asked_for(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    snmpd.say(eaton())
    async with opened(preset="eaton", probes=["", "b", "", "d"]) as source:
        assert isinstance(source, Snmp)
        assert source.query
        assert set(source.query.oids) == {watts(2), watts(4), wh(2), wh(4)}


async def test_an_agent_that_dies_is_one_clear_line(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    snmpd.say(eaton())
    async with opened(preset="eaton", probes=["a"]) as source:
        await source.read()
        snmpd.stop()
        with pytest.raises(Unreachable, match="nothing listens on this UDP port"):
            await source.read()


async def test_no_secret_comes_into_what_the_runner_says(
    snmpd: snmp_agent.Agent, clock: FixedClock
) -> None:
    table = {
        "kind": "snmp",
        "host": "127.0.0.1",
        "port": snmpd.port,
        "version": "3",
        "user": "hides-aes",
        "auth": "sha",
        "auth_key": "mallory-auth",
        "privacy": "aes",
        "privacy_key": "mallory-privacy",
        "wait_s": 0.2,
        "tries": 1,
        "preset": "eaton",
        "probes": ["a"],
    }
    ended = await run(configure("pdu-7", table, where="test"), clock)
    assert ended.outcome is Outcome.UNREACHABLE
    assert "refuses the user" in ended.error
    assert "mallory" not in ended.error
