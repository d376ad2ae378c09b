"""An agent that says a part of what it is asked for, or nothing: told, and which."""

from collections.abc import Iterable
from itertools import combinations
from typing import Any

import pytest
from tests import snmp_agent
from tests.sources.readings import configured, figures, run
from tests.sources.snmp.conftest import Opener

from meterhouse.metering.clock import FixedClock
from meterhouse.sources.runner import Outcome, Run

HPE = "1.3.6.1.4.1.232.165.11.5.1.1"
APC = "1.3.6.1.4.1.318.1.1.26"
RARITAN = "1.3.6.1.4.1.13742.6"
EATON = "1.3.6.1.4.1.534.6.6.7.6.5.1"
KWH = 3_600_000.0


async def once(snmpd: snmp_agent.Agent, clock: FixedClock, **table: Any) -> Run:
    where = {"host": "127.0.0.1", "port": snmpd.port, "community": snmp_agent.COMMUNITY}
    return await run(configured("pdu", kind="snmp", wait_s=0.5, tries=1, **where, **table), clock)


def subsets(numbers: Iterable[str]) -> list[set[str]]:
    every = sorted(numbers)
    return [set(some) for size in range(1, len(every) + 1) for some in combinations(every, size)]


async def test_an_energy_object_that_is_not_there_is_named_beside_a_right_power(
    snmpd: snmp_agent.Agent, clock: FixedClock
) -> None:
    """shared/cases: snmp-energy-object-missing.toml."""
    snmpd.say({f"{HPE}.13.1.1": 212})
    done = await once(
        snmpd,
        clock,
        power={"oid": f"{HPE}.13.1.{{n}}"},
        energy={"oid": f"{HPE}.99.1.{{n}}", "unit": "Wh"},
        probes=["h1"],
    )
    assert (done.outcome, done.samples) == (Outcome.PARTIAL, 1)
    assert done.error == f"no energy (no such object: {HPE}.99.1.{{n}}): h1"


async def test_a_fixed_energy_object_beside_labelled_rows_is_named(
    snmpd: snmp_agent.Agent, clock: FixedClock
) -> None:
    snmpd.say({f"{HPE}.2.7": "node-1", f"{HPE}.3.7": 212, f"{HPE}.4": 1})
    done = await once(
        snmpd,
        clock,
        label_oid=f"{HPE}.2",
        labels=["node-1"],
        power={"oid": f"{HPE}.3.{{row}}"},
        energy={"oid": f"{HPE}.5", "unit": "Wh"},
        probes=["h1"],
    )
    assert done.outcome is Outcome.PARTIAL
    assert done.error == f"no energy (no such object: {HPE}.5.{{row}}): h1"


async def test_minus_one_everywhere_is_bad_and_says_so(
    snmpd: snmp_agent.Agent, clock: FixedClock
) -> None:
    snmpd.say({f"{APC}.9.4.3.1.{column}.{n}": -1 for column in (7, 11) for n in (1, 2)})
    done = await once(snmpd, clock, preset="apc", probes=["a", "b"])
    assert (done.outcome, done.samples) == (Outcome.BAD, 0)
    assert "has none of what was asked for" in done.error
    assert "no power (it says -1): a, b" in done.error


async def test_a_raritan_without_its_availability_column_is_bad_and_says_so(
    snmpd: snmp_agent.Agent, clock: FixedClock
) -> None:
    snmpd.say({f"{RARITAN}.5.4.3.1.4.1.1.5": 76, f"{RARITAN}.3.5.4.1.7.1.1.5": 0})
    done = await once(snmpd, clock, preset="raritan", probes=["a"])
    assert done.outcome is Outcome.BAD
    assert "no power (its sensor is not available): a" in done.error


async def test_no_subset_of_an_agents_numbers_is_missing_in_silence(
    snmpd: snmp_agent.Agent, clock: FixedClock
) -> None:
    whole: dict[str, snmp_agent.Said] = {
        f"{EATON}.{column}.0.{n}": 10 * n for column in (3, 4) for n in (1, 2)
    }
    for missing in subsets(whole):
        snmpd.say({oid: n for oid, n in whole.items() if oid not in missing}, forget=True)
        gone = await once(snmpd, clock, preset="eaton", probes=["a", "b"])
        snmpd.say(whole | dict.fromkeys(missing, -1))
        none = await once(snmpd, clock, preset="eaton", probes=["a", "b"])
        expected = Outcome.BAD if len(missing) == len(whole) else Outcome.PARTIAL
        assert (gone.outcome, none.outcome) == (expected, expected), missing
        assert gone.error
        assert none.error


@pytest.mark.parametrize("probes", [[], [""], None])
async def test_a_pdu_that_is_metered_at_its_input_alone_needs_no_outlet(
    snmpd: snmp_agent.Agent, opened: Opener, probes: list[str] | None
) -> None:
    """shared/cases: snmp-inputs-only.toml: 270 W, 1967.7 kWh."""
    snmpd.say({f"{APC}.4.3.1.5.1": 27, f"{APC}.4.3.1.9.1": ("gauge", "19677")})
    more = {} if probes is None else {"probes": probes}
    async with opened(preset="apc", inputs=["in"], **more) as source:
        reading = await source.read()
    assert figures(reading, "power") == {"pdu-7/in": 270}
    assert figures(reading, "energy") == {"pdu-7/in": pytest.approx(1967.7 * KWH)}
    assert [one.name for listing in reading.snapshots for one in listing.objects] == ["in"]
    assert not reading.lacking


async def test_an_invented_outlet_beside_an_input_is_named(
    snmpd: snmp_agent.Agent, clock: FixedClock
) -> None:
    """shared/cases: probe-page-500.toml."""
    snmpd.say({f"{APC}.4.3.1.5.1": 27, f"{APC}.4.3.1.9.1": ("gauge", "19677")})
    done = await once(snmpd, clock, preset="apc", probes=["n1"], inputs=["rack-a-in"])
    assert (done.outcome, done.samples) == (Outcome.PARTIAL, 2)
    assert "no power" in done.error
    assert done.error.count("n1") == 2
    assert "rack-a-in" not in done.error
