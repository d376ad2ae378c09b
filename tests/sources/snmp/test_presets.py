"""Presets, against agents that say what the makers' MIB files define."""

import pytest
from tests import snmp_agent
from tests.sources.readings import figures
from tests.sources.snmp.conftest import Opener

from meterhouse.sources.snmp.presets import PRESETS, of_maker

WH, KWH = 3600.0, 3_600_000.0
ENTERPRISES = "1.3.6.1.4.1"

# Of each: what the agent says (below enterprises), and then watts and joules of the outlets a and
# b and of the input. Columns, indexes and units are those of the MIB files that README.md names.
MAKES: dict[str, tuple[dict[str, int], list[float], list[float]]] = {
    "sentry3": (
        {
            "1718.3.2.3.1.14.1.1.1": 40,
            "1718.3.2.3.1.14.1.2.1": 41,
            "1718.3.2.3.1.18.1.1.1": 500,
            "1718.3.2.3.1.18.1.2.1": 600,
            "1718.3.2.2.1.12.1.1": 90,
            "1718.3.2.2.1.16.1.1": 15,
        },
        [40, 41, 90],
        [500 * WH, 600 * WH, 1.5 * KWH],
    ),
    "vertiv": (
        {
            "21239.5.2.3.6.1.12.1": 120,
            "21239.5.2.3.6.1.12.2": 0,
            "21239.5.2.3.6.1.15.1": 7001,
            "21239.5.2.3.6.1.15.2": 2,
            "21239.5.2.3.1.1.9.1": 125,
            "21239.5.2.3.1.1.12.1": 7100,
        },
        [120, 0, 125],
        [7001 * WH, 2 * WH, 7100 * WH],
    ),
    "hpe": (
        {
            "232.165.11.5.1.1.13.1.1": 84,
            "232.165.11.5.1.1.13.1.2": 85,
            "232.165.11.5.1.1.14.1.1": 3,
            "232.165.11.5.1.1.14.1.2": 4,
            "232.165.11.2.1.1.5.1": 893,
            "232.165.11.2.1.1.6.1": 77,
        },
        [84, 85, 893],
        [3 * KWH, 4 * KWH, 77 * KWH],
    ),
    "hpe-g2": (
        {
            "232.165.7.5.1.1.14.1.1": 84,
            "232.165.7.5.1.1.14.1.2": 85,
            "232.165.7.5.1.1.15.1.1": 3001,
            "232.165.7.5.1.1.15.1.2": 4001,
            "232.165.7.2.1.1.5.1": 893,
            "232.165.7.2.1.1.6.1": 77001,
        },
        [84, 85, 893],
        [3001 * WH, 4001 * WH, 77001 * WH],
    ),
    "panduit": (
        {
            "19536.10.1.5.1.1.13.1.1": 60,
            "19536.10.1.5.1.1.13.1.2": 61,
            "19536.10.1.5.1.1.14.1.1": 1001,
            "19536.10.1.5.1.1.14.1.2": 1002,
            "19536.10.1.2.1.1.5.1": 130,
            "19536.10.1.2.1.1.8.1": 2100,
        },
        [60, 61, 130],
        [1001 * WH, 1002 * WH, 2100 * WH],
    ),
    "cyberpower": (
        {
            "3808.1.1.6.6.2.4.1.7.1": 33,
            "3808.1.1.6.6.2.4.1.7.2": 34,
            "3808.1.1.6.6.2.4.1.11.1": 12,
            "3808.1.1.6.6.2.4.1.11.2": 13,
            "3808.1.1.6.3.4.1.18.1": 70,
            "3808.1.1.6.3.4.1.9.1": 26,
        },
        [33, 34, 70],
        [1.2 * KWH, 1.3 * KWH, 2.6 * KWH],
    ),
    "dell": (
        {
            "674.10903.200.2.200.130.2.2.1.8.1": 210,
            "674.10903.200.2.200.130.2.2.1.8.2": 211,
            "674.10903.200.2.200.130.2.2.1.7.1": 5,
            "674.10903.200.2.200.130.2.2.1.7.2": 6,
            "674.10903.200.2.200.110.2.1.3.1": 43,
            "674.10903.200.2.200.110.2.1.4.1": 119,
        },
        [210, 211, 430],
        [5 * KWH, 6 * KWH, 11.9 * KWH],
    ),
}


@pytest.mark.parametrize("preset", sorted(MAKES))
async def test_a_make_is_read_by_its_name(
    snmpd: snmp_agent.Agent, opened: Opener, preset: str
) -> None:
    says, watts, joules = MAKES[preset]
    snmpd.say({f"{ENTERPRISES}.{oid}": value for oid, value in says.items()})
    async with opened(preset=preset, probes=["a", "b"], inputs=["in"]) as source:
        reading = await source.read()
    names = ["pdu-7/a", "pdu-7/b", "pdu-7/in"]
    assert figures(reading, "power") == dict(zip(names, watts, strict=True))
    told = figures(reading, "energy")
    assert [told[name] for name in names] == pytest.approx(joules, rel=1e-12)
    assert not reading.lacking


async def test_the_second_unit_of_a_cyberpower_is_found_by_its_column(
    snmpd: snmp_agent.Agent, opened: Opener
) -> None:
    table = f"{ENTERPRISES}.3808.1.1.6.6.2.4.1"
    for row, unit in ((1, 1), (2, 1), (3, 2)):
        snmpd.say({f"{table}.2.{row}": unit, f"{table}.7.{row}": 30 + row, f"{table}.11.{row}": 1})
    async with opened(preset="cyberpower", device=2, probes=["c"]) as source:
        assert figures(await source.read(), "power") == {"pdu-7/c": 33}


@pytest.mark.parametrize(
    ("object_id", "preset"),
    [
        ("674.10892.5", "idrac"),
        ("674.10903.200.2", "dell"),
        ("232.165.11", "hpe"),
        ("232.165.7", "hpe-g2"),
        ("1718.3", "sentry3"),
        ("1718.4", "sentry4"),
        ("21239.5.2", "vertiv"),
        ("3808.1.1.6", "cyberpower"),
        ("19536.10.1", "panduit"),
        ("318.1.3.4.5", "apc"),
        ("232.9.4.10", ""),
        ("1718", ""),
    ],
)
def test_the_preset_that_fits_is_known_by_what_an_agent_says_it_is(
    object_id: str, preset: str
) -> None:
    assert of_maker(f"{ENTERPRISES}.{object_id}") == preset


def test_every_preset_has_a_maker_of_its_own() -> None:
    makers = [preset.maker for preset in PRESETS.values()]
    assert len(set(makers)) == len(makers)
