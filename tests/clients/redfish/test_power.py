"""Where a service says what its chassis draw."""

import pytest
from aiohttp import web
from tests.clients.redfish.conftest import Opener
from tests.clients.redfish.fake import Bmc
from tests.clients.redfish.trees import V1, collection, environment, link, power, root, supplies

from meterhouse.clients.redfish.power import Figures, Said, places, read
from meterhouse.metering.errors import BadReading
from meterhouse.metering.meters import ENERGY, POWER


async def said(bmc: Bmc, opened: Opener, *chassis: str) -> Said:
    async with opened(bmc) as service:
        return await read(service, await places(service, chassis))


async def found(bmc: Bmc, opened: Opener, *chassis: str) -> Figures:
    return (await said(bmc, opened, *chassis)).figures


async def test_the_newest_place_that_has_a_number_counts(bmc: Bmc, opened: Opener) -> None:
    bmc.tree = root("1U")
    supplies(bmc.tree, "1U", 180.5, 0, "Absent")
    assert await found(bmc, opened) == {POWER: 180.5}
    power(bmc.tree, "1U", 344)
    assert await found(bmc, opened) == {POWER: 344}
    environment(bmc.tree, "1U", 374)
    assert await found(bmc, opened) == {POWER: 374}
    environment(bmc.tree, "1U", None)
    assert await found(bmc, opened) == {POWER: 344}


@pytest.mark.parametrize(
    ("more", "joules"),
    [
        ({"EnergykWh": {"Reading": 2.5}}, 9_000_000),
        ({"EnergykWh": {"Reading": 2.5, "LifetimeReading": 1000}}, 3_600_000_000),
        ({"EnergykWh": {"Reading": 2.5}, "EnergyJoules": {"Reading": 9_000_123}}, 9_000_123),
    ],
)
async def test_energy_is_in_joules_and_the_lifetimes_comes_first(
    bmc: Bmc, opened: Opener, more: dict[str, object], joules: float
) -> None:
    bmc.tree = root("1U")
    environment(bmc.tree, "1U", 200, **more)
    assert await found(bmc, opened) == {POWER: 200, ENERGY: joules}


async def test_enclosures_without_power_are_passed_over(bmc: Bmc, opened: Opener) -> None:
    bmc.tree = root("Enclosure.Internal.0-1", "System.Embedded.1", "Old")
    power(bmc.tree, "System.Embedded.1", 212)
    environment(bmc.tree, "Enclosure.Internal.0-1", None)
    bmc.tree[f"{V1}/Chassis/Old"] |= {
        "Power": link(f"{V1}/Gone"),
        "PowerSubsystem": link(f"{V1}/Gone"),
    }
    assert await found(bmc, opened) == {POWER: 212}


async def test_of_several_chassis_somebody_must_choose(bmc: Bmc, opened: Opener) -> None:
    bmc.tree = root("1U", "2U", "4U")
    for name, watts in (("1U", 100), ("2U", 200), ("4U", 400)):
        power(bmc.tree, name, watts)
    with pytest.raises(LookupError, match="'1U', '2U', '4U'; name those in `chassis`"):
        await found(bmc, opened)
    assert await found(bmc, opened, "1U", "4U") == {POWER: 500}
    assert await found(bmc, opened, "2U") == {POWER: 200}
    with pytest.raises(LookupError, match="has no chassis '3U'; it has '1U', '2U', '4U'"):
        await found(bmc, opened, "3U")


async def test_what_one_part_does_not_say_is_not_known(bmc: Bmc, opened: Opener) -> None:
    bmc.tree = root("1U", "2U")
    supplies(bmc.tree, "1U", 100, 80)
    environment(bmc.tree, "2U", 50, EnergykWh={"Reading": 1})
    async with opened(bmc) as service:
        known = await places(service, ["1U", "2U"])
        assert (await read(service, known)).figures == {POWER: 230}
        supplies(bmc.tree, "1U", 100, None)
        assert (await read(service, known)).figures == {}


async def test_no_power_anywhere_is_said(bmc: Bmc, opened: Opener) -> None:
    bmc.tree = root("1U", "2U")
    power(bmc.tree, "1U", None)
    with pytest.raises(LookupError, match="'1U', '2U': no power is said"):
        await found(bmc, opened)


async def test_a_list_of_chassis_may_have_pages_but_not_for_ever(bmc: Bmc, opened: Opener) -> None:
    bmc.tree = root("1U", "2U")
    environment(bmc.tree, "2U", 42)
    first, second = (collection(f"{V1}/Chassis/{name}") for name in ("1U", "2U"))
    bmc.tree[f"{V1}/Chassis"] = first | {"Members@odata.nextLink": f"{V1}/Chassis2"}
    bmc.tree[f"{V1}/Chassis2"] = second
    assert await found(bmc, opened) == {POWER: 42}
    bmc.tree[f"{V1}/Chassis2"] = second | {"Members@odata.nextLink": "https://thief.example/"}
    with pytest.raises(BadReading, match="leads to no resource"):
        await found(bmc, opened)
    bmc.tree[f"{V1}/Chassis"] = collection(*[f"{V1}/Chassis/{place}" for place in range(257)])
    with pytest.raises(BadReading, match="more than 256 members"):
        await found(bmc, opened)


async def test_what_is_no_redfish_says_so(bmc: Bmc, opened: Opener) -> None:
    bmc.tree = {V1: {}}
    with pytest.raises(BadReading, match="names no Chassis"):
        await found(bmc, opened)
    bmc.tree = {V1: web.Response(body=b"<html>")}
    with pytest.raises(BadReading, match="malformed"):
        await found(bmc, opened)


def controls(bmc: Bmc, *control: dict[str, object], psus: object = ()) -> None:
    """Let the only chassis have these PowerControl and PowerSupplies in Power."""
    bmc.tree = root("1U")
    power(bmc.tree, "1U", None)
    bmc.tree[f"{V1}/Chassis/1U/Power"] = {"PowerControl": list(control), "PowerSupplies": psus}


@pytest.mark.parametrize("watts", [{}, {"PowerWatts": {"Reading": None}}])
async def test_energy_alone_does_not_hide_the_power_of_another_place(
    bmc: Bmc, opened: Opener, watts: dict[str, object]
) -> None:
    """shared/cases: redfish-energy-hides-power.json."""
    bmc.tree = root("1")
    power(bmc.tree, "1", 221)
    environment(bmc.tree, "1", None)
    bmc.tree[f"{V1}/Chassis/1/EnvironmentMetrics"] = {"EnergykWh": {"Reading": 325.6}} | watts
    assert await found(bmc, opened) == {POWER: 221, ENERGY: 325.6 * 3_600_000}


async def test_power_that_becomes_null_is_read_at_the_next_place_at_once(
    bmc: Bmc, opened: Opener
) -> None:
    bmc.tree = root("1U")
    environment(bmc.tree, "1U", 374)
    power(bmc.tree, "1U", 344)
    async with opened(bmc) as service:
        known = await places(service, ())
        assert (await read(service, known)).figures == {POWER: 374}
        environment(bmc.tree, "1U", None)
        assert (await read(service, known)).figures == {POWER: 344}


@pytest.mark.parametrize(
    ("control", "psus", "watts"),
    [
        ([], [{"PowerInputWatts": 92}, {"PowerInputWatts": 101}], 193),
        ([{"PowerConsumedWatts": None}, {"PowerConsumedWatts": 344}], None, 344),
        (
            [
                {"Name": "CPU Sub-system Power", "PowerConsumedWatts": 80},
                {"Name": "Server Power Control", "PowerConsumedWatts": 344},
            ],
            [{"PowerInputWatts": "odd"}],
            344,
        ),
        (
            [{"Name": "Power", "PhysicalContext": "Memory", "PowerConsumedWatts": 20}],
            [{"PowerInputWatts": 92}, {"Status": {"State": "Absent"}}],
            92,
        ),
        (
            [{"PowerConsumedWatts": 9}, {"Name": "System Power", "PowerConsumedWatts": 30}],
            [],
            30,
        ),
    ],
)
async def test_power_is_the_machines_and_not_a_parts(
    bmc: Bmc, opened: Opener, control: list[dict[str, object]], psus: object, watts: float
) -> None:
    """shared/cases: redfish-more.json."""
    controls(bmc, *control, psus=psus)
    assert await found(bmc, opened) == {POWER: watts}


async def test_supplies_that_are_no_numbers_are_a_bad_reading(bmc: Bmc, opened: Opener) -> None:
    controls(bmc, psus=[{"PowerInputWatts": "odd"}])
    with pytest.raises(BadReading, match="PowerSupplies"):
        await found(bmc, opened)


async def test_one_supply_offline_leaves_the_others_and_is_told(bmc: Bmc, opened: Opener) -> None:
    """shared/cases: redfish-more.json, offline supply."""
    bmc.tree = root("1U")
    supplies(bmc.tree, "1U", 937.4, None)
    second = f"{V1}/Chassis/1U/PowerSubsystem/PowerSupplies/PS2"
    with pytest.raises(LookupError, match="no power is said"):
        await found(bmc, opened)
    bmc.tree[second]["Status"] = {"State": "UnavailableOffline"}
    bmc.tree[f"{second}/Metrics"] = {"InputPowerWatts": None}
    assert await said(bmc, opened) == Said({POWER: 937.4}, ("supply PS2 is offline",))


async def test_energy_alone_is_read_where_nothing_says_power(bmc: Bmc, opened: Opener) -> None:
    bmc.tree = root("1U", "2U")
    environment(bmc.tree, "1U", None, EnergyJoules={"Reading": 5})
    assert await found(bmc, opened) == {ENERGY: 5}
    power(bmc.tree, "2U", 344)
    assert await found(bmc, opened) == {POWER: 344}
