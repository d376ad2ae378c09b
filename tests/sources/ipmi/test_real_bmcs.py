"""Sections of BMCs that ipmi_sim plays, asked by FreeIPMI: real logins, real refusals."""

import asyncio
import logging
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from tests import patience
from tests.sources.ipmi.conftest import Opener, section
from tests.sources.ipmi.simulator import PASSWORD, USER, Bmc, Sensor, bmc

from meterhouse.clients.freeipmi.client import FreeIpmi, Manner
from meterhouse.metering.errors import Unreachable
from meterhouse.metering.meters import POWER
from meterhouse.metering.snapshots import Resource
from meterhouse.sources import Reading, Source, Told
from meterhouse.sources.ipmi.config import bmcs
from meterhouse.sources.ipmi.source import Bmcs

DELL = [Sensor("Pwr Consumption")]
QUANTA = [Sensor("PSU1 Input", "other"), Sensor("PSU2 Input", "other")]
SUPPLIES = {"sensors": ["PSU1 Input", "PSU2 Input"]}


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Bmc]]:
    folder = tmp_path_factory.mktemp("rack")
    with ExitStack() as stack:
        yield {
            "dcmi": stack.enter_context(bmc(folder / "1", sensors=QUANTA)),
            "dell": stack.enter_context(
                bmc(folder / "2", host="127.0.0.2", dcmi=False, sensors=DELL)
            ),
            "quanta": stack.enter_context(
                bmc(folder / "3", host="127.0.0.3", dcmi=False, sensors=QUANTA)
            ),
            "twin": stack.enter_context(bmc(folder / "4", host="127.0.0.4", sensors=QUANTA)),
        }


@pytest.fixture(autouse=True)
def _at_rest(rack: dict[str, Bmc]) -> Iterator[None]:
    """Whatever a test did to them, the next one finds them well."""
    yield
    for each in rack.values():
        each.go_on()
        each.set(200)
        for sensor in each.sensors:
            each.set_sensor(sensor, 100)


def watts(reading: Reading) -> dict[str, float]:
    samples = reading.samples
    return {
        samples.series[key].resource.removeprefix("rack-1/"): value
        for key, value in zip(samples.key.tolist(), samples.value.tolist(), strict=True)
    }


async def until(source: Source, wanted: Callable[[Reading], bool]) -> Reading:
    """Read on until a reading is as wanted."""
    readings: list[Reading] = []

    async def is_as_wanted() -> bool:
        readings.append(await source.read())
        return wanted(readings[-1])

    await patience.until(is_as_wanted, "a reading of the BMCs as it should be", every_s=0.05)
    return readings[-1]


def says(node: str, value: float) -> Callable[[Reading], bool]:
    return lambda reading: watts(reading).get(node) == value


async def test_power_comes_from_dcmi_or_else_from_sensors(
    rack: dict[str, Bmc], opened: Opener
) -> None:
    different = {node: rack[node] for node in ("dcmi", "dell", "quanta")}
    async with opened(different, exceptions={"quanta": SUPPLIES}) as source:
        reading = await source.read()
        assert watts(reading) == {"dcmi": 200, "dell": 100, "quanta": 200}
        assert not reading.refused
        rack["dcmi"].set(212)
        rack["dell"].set_sensor("Pwr Consumption", 300)
        rack["quanta"].set_sensor("PSU2 Input", 0)  # an idle supply
        await until(source, says("dell", 300))
        assert watts(await until(source, says("quanta", 100)))["dcmi"] == 212
    (probe, *_) = reading.snapshots[0].objects
    assert isinstance(probe, Resource)
    assert probe.details == {"feeds": "dcmi", "measures": "node"}


class Counting(FreeIpmi):
    """Notes how many BMCs each process is given."""

    async def _run(
        self, program: str, manner: Manner, addresses: Sequence[str], *more: Any
    ) -> bool:
        ASKED.append(len(addresses))
        return await super()._run(program, manner, addresses, *more)


ASKED: list[int] = []


@pytest.mark.parametrize("table", [{"method": "auto"}, {"method": "sensors"} | SUPPLIES])
async def test_one_process_a_round_asks_all_that_are_alike(
    rack: dict[str, Bmc], tmp_path: Path, table: dict[str, Any]
) -> None:
    twins = [rack["dcmi"], rack["twin"]]
    config = section({"a": twins[0], "b": twins[1]}, **table).config
    asking = Bmcs(Counting(tmp_path), bmcs(config))
    ASKED.clear()
    told: dict[int, Told] = {}
    for _ in range(2):
        await asking.ask([0, 1], told.__setitem__)
    assert told == {0: {POWER: 200}, 1: {POWER: 200}}
    assert ASKED == [2, 2]


async def test_a_bmc_that_refuses_the_login_costs_its_own_value(
    rack: dict[str, Bmc], opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    pair = {node: rack[node] for node in ("dcmi", "dell")}
    async with opened(pair, exceptions={"dell": {"user": "nobody"}}) as source:
        reading = await source.read()
        again = await source.read()
    assert watts(reading) == watts(again) == {"dcmi": 200}
    assert reading.refused == {"login refused": 1}
    assert not again.refused  # it is left alone: some lock the account
    assert [record.getMessage() for record in caplog.records] == [
        "1 of 2 give nothing: 127.0.0.2: username invalid"
    ]


async def test_a_wrong_password_is_told_and_shown_nowhere(
    rack: dict[str, Bmc], opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Unreachable, match=r"1 of 1 give nothing: 127\.0\.0\.1: password inv") as e:
        async with opened({"dcmi": rack["dcmi"]}, password="not-that-one") as source:
            await source.read()
    assert "not-that-one" not in caplog.text + str(e.value)


async def test_a_bmc_that_hangs_costs_the_others_a_part_of_one_interval(
    rack: dict[str, Bmc], opened: Opener
) -> None:
    pair = {node: rack[node] for node in ("dcmi", "dell")}
    async with opened(pair, patience_s=4.0) as source:
        await source.read()
        rack["dell"].hang()
        loop = asyncio.get_running_loop()
        began = loop.time()
        reading = await source.read()
        assert loop.time() - began < 3.5  # of which 0.7 are waited for the one that hangs
        assert watts(reading) == {"dcmi": 200}
        assert watts(await source.read()) == {"dcmi": 200}
        reading = await until(source, lambda reading: bool(reading.refused))
    assert reading.refused == {"no answer": 1}
    assert watts(reading) == {"dcmi": 200}


async def test_bmcs_of_which_none_answers_are_unreachable(
    rack: dict[str, Bmc], opened: Opener
) -> None:
    rack["dcmi"].hang()
    async with opened({"dcmi": rack["dcmi"]}) as source:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1: no answer: is IPMI"):
            await source.read()


async def test_power_that_is_not_measured_is_unknown_and_not_zero(
    rack: dict[str, Bmc], opened: Opener
) -> None:
    rack["dcmi"].set(0, measured=False)
    pair = {node: rack[node] for node in ("dcmi", "dell")}
    async with opened(pair, exceptions={"dcmi": {"method": "dcmi"}}) as source:
        reading = await source.read()
    assert watts(reading) == {"dell": 100}
    assert reading.refused == {"no reading": 1}
    async with opened({"dcmi": rack["dcmi"]}, exceptions={"dcmi": SUPPLIES}) as source:
        assert watts(await source.read()) == {"dcmi": 200}  # by its sensors, then


@pytest.mark.parametrize(
    ("node", "table", "said"),
    [
        ("dell", {"method": "dcmi"}, "has no DCMI power reading"),
        ("quanta", {}, "several sensors in watts: 'PSU1 Input', 'PSU2 Input'; name those"),
        ("dell", {"sensors": ["PSU1"]}, "no sensor 'PSU1'; in watts it has 'Pwr Consumption'"),
        ("dcmi", {"method": "dcmi", "privilege": "user"}, "needs a higher `privilege`"),
        ("dcmi", {"workarounds": []}, "workarounds = .'opensesspriv'."),
        ("dcmi", {"cipher_suite": 17}, "does it know this `cipher_suite`"),
    ],
)
async def test_what_is_configured_wrongly_says_what_to_do(
    rack: dict[str, Bmc], opened: Opener, node: str, table: dict[str, object], said: str
) -> None:
    async with opened({node: rack[node]}, **table) as source:
        with pytest.raises(Unreachable, match=said):
            await source.read()


@pytest.mark.parametrize("password", ["te st#x", 'q"uo"te', "back\\slash\\", "#", " ' "])
async def test_any_password_that_a_bmc_takes_is_told_to_it(
    opened: Opener, tmp_path: Path, password: str
) -> None:
    with bmc(tmp_path / "bmc", host="127.0.0.5") as strict:
        strict.set_password(password)
        async with opened({"strict": strict}, password=password) as source:
            assert watts(await source.read()) == {"strict": 200}


async def test_the_password_is_on_no_command_line_and_in_no_environment(
    rack: dict[str, Bmc], opened: Opener, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rack["dcmi"].hang()
    async with opened({"dcmi": rack["dcmi"]}, patience_s=5.0) as source:
        reading = asyncio.create_task(source.read())
        pid = await child()
        check_what_others_see(pid, tmp_path)
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
    assert_gone(pid, tmp_path)


async def child() -> int:
    """The process that asks, as soon as there is one."""
    async with asyncio.timeout(5):
        while not (found := list(children("ipmi-dcmi"))):  # noqa: ASYNC110 - nor does the system
            await asyncio.sleep(0.01)
    return found[0]


def children(name: str) -> Iterator[int]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            about, _, rest = path.read_text().rpartition(")")
            if about.endswith(f"({name}") and int(rest.split()[1]) == os.getpid():
                yield int(path.parent.name)


def check_what_others_see(pid: int, temporary: Path) -> None:
    command, environment = (Path(f"/proc/{pid}/{what}").read_bytes() for what in PUBLIC)
    (folder,) = temporary.iterdir()
    (file,) = folder.glob("*.conf")
    assert b"--config-file=" + str(file).encode() in command
    assert PASSWORD.encode() not in command + environment
    assert USER.encode() not in command + environment
    assert PASSWORD in file.read_text()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, file)] == [0o700, 0o600]


PUBLIC = ("cmdline", "environ")


def assert_gone(pid: int, temporary: Path) -> None:
    assert not list(temporary.iterdir())
    assert not Path(f"/proc/{pid}").exists()


async def test_trouble_is_logged_when_it_comes_and_when_it_goes(
    rack: dict[str, Bmc], opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    pair = {node: rack[node] for node in ("dcmi", "dell")}
    async with opened(pair) as source:
        source._rests = type(source._rests)(first_s=0.2)  # type: ignore[attr-defined]
        rack["dell"].hang()
        assert watts(await source.read()) == {"dcmi": 200}
        rack["dell"].go_on()
        await until(source, says("dell", 100))
    gone, back = [record.getMessage() for record in caplog.records]
    assert gone.startswith("1 of 2 give nothing: 127.0.0.2: no answer: is IPMI over LAN on")
    assert back == "all 2 give values again"
