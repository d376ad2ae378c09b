"""``meterhouse import-rrd`` as a user types it, killed and repeated."""

import csv
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests import rrd
from tests.web.commands.test_cli import environment, meterhouse

PROBES = [f"node-{number}" for number in range(24)]
DRIVERS = """
[PDU 4]
driver = DummyWatts
probes = ['site.pdu4.1', None, 'site.pdu4.3']
probes_names = ['node-0', None, ['node-1', 'node-2']]
data_type = {'name': 'power', 'type': 'Gauge', 'unit': 'W'}
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A house that has read its probes once."""
    data, meters = tmp_path / "data", tmp_path / "meters.toml"
    probes = ", ".join(f'"{name}"' for name in [*PROBES, "node-1+node-2"])
    meters.write_text(f'[[sources]]\nname = "pdu-4"\nkind = "dummy"\nprobes = [{probes}]\n')
    assert meterhouse("apply", str(meters), data=data).returncode == 0
    assert meterhouse("collect", "--once", data=data).returncode == 0
    return data


@pytest.fixture
def since() -> int:
    """Two days ago, where a row of every archive that reaches back so far begins.

    One that is known from its middle on counts as a whole one (docs/switching-from-kwapi.md).
    """
    return int(time.time()) // 21_600 * 21_600 - 2 * 86_400  # noqa: TID251 - what Kwapi had kept


@pytest.fixture
def files(tmp_path: Path, since: int) -> Path:
    """Kwapi's folder: two days of every probe, until now."""
    folder, now = tmp_path / "kwapi-rrd", int(time.time())  # noqa: TID251 - what Kwapi had kept
    folder.mkdir()
    moments = range(since, now, 400)
    for name in PROBES:
        rrd.make(folder / f"{rrd.stem(name)}.rrd", [(at, 100) for at in moments])
    return folder


def total(answer: "subprocess.CompletedProcess[str]") -> str:
    return answer.stdout.splitlines()[-1]


def test_a_folder_is_brought_along_with_a_line_for_each_probe(
    house: Path, files: Path, since: int
) -> None:
    hours = (time.time() - since) / 3600  # noqa: TID251 - until now
    answer = meterhouse("import-rrd", str(files), data=house)
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert sorted(line.partition(":")[0] for line in lines[:-1]) == sorted(
        f"pdu-4/{name}" for name in PROBES
    )
    assert all(" kWh, " in line and "% known" in line for line in lines[:-1])
    assert lines[-1].startswith("24 files: 24 brought, ")
    assert brought(lines[-1]) == pytest.approx(24 * hours * 0.1, rel=0.01)
    again = meterhouse("import-rrd", str(files), data=house)
    assert again.returncode == 0
    assert total(again) == "24 files: 0 brought, 0.000 kWh; 0 left out"


def test_what_is_nobodys_is_named_and_the_rest_is_brought(house: Path, files: Path) -> None:
    (files / "unknown.rrd").write_text("")
    answer = meterhouse("import-rrd", str(files), data=house)
    assert answer.returncode == 1
    assert "unknown.rrd: left out: it is of no probe that is read here" in answer.stdout
    assert "24 brought" in total(answer)
    assert total(answer).endswith("1 left out")


def test_a_run_that_is_killed_can_be_repeated(house: Path, files: Path) -> None:
    expected = total(meterhouse("import-rrd", str(files), "--dry-run", data=house))
    command = [sys.executable, "-m", "meterhouse.cli", "import-rrd", str(files)]
    with subprocess.Popen(
        command, env=environment(house), stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        first = [run.stdout.readline() for _ in range(3)]
        run.kill()
    assert all("kWh" in line for line in first)
    rest = meterhouse("import-rrd", str(files), data=house)
    assert rest.returncode == 0
    new = [line for line in rest.stdout.splitlines()[:-1] if "nothing new" not in line]
    assert 0 < len(new) <= 21
    assert total(meterhouse("import-rrd", str(files), data=house)).startswith("24 files: 0 ")
    report = meterhouse("report", "--by", "resource", data=house).stdout
    *_, whole = csv.DictReader(report.splitlines())
    assert float(whole["energy_kwh"]) == pytest.approx(brought(expected), abs=0.1)


def brought(said: str) -> float:
    """The kilowatt-hours of a last line."""
    return float(said.split(", ")[1].partition(" kWh")[0])


def test_names_come_from_kwapis_own_configuration(house: Path, tmp_path: Path) -> None:
    now = int(time.time())  # noqa: TID251
    readings = [(at, 100) for at in range(now - 9000, now, 60)]
    folder, drivers = tmp_path / "g5k", tmp_path / "drivers.conf"
    folder.mkdir()
    drivers.write_text(DRIVERS)
    for old in ("site.pdu4.1", "site.pdu4.3", "site.pdu4.9"):
        rrd.make(folder / f"{rrd.stem(f'{old}.power')}.rrd", readings)
    words = ("import-rrd", str(folder), "--drivers", str(drivers), "--dry-run")
    assert total(meterhouse(*words, data=house)).endswith("1 left out")
    answer = meterhouse(*words, "--probe", "site.pdu4.9=pdu-4/node-9", data=house)
    assert answer.returncode == 0, answer.stdout
    named = sorted(line.partition(":")[0] for line in answer.stdout.splitlines()[:-1])
    assert named == ["pdu-4/node-0", "pdu-4/node-1+node-2", "pdu-4/node-9"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-folder"], "no-such-folder: there is no RRD file"),
        (["."], "there is no RRD file; Kwapi's are in its rrd_dir"),
        (["FILES", "--source", "pdu-5"], "the source 'pdu-5' has not read any power yet"),
        (["FILES", "--probe", "A"], "--probe 'A': write OLD=NEW"),
        (["FILES", "--drivers", "nowhere.conf"], "nowhere.conf: No such file"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    words: list[str], said: str, house: Path, files: Path
) -> None:
    given = [str(files) if word == "FILES" else word for word in words]
    answer = meterhouse("import-rrd", *given, data=house)
    assert answer.returncode == 2
    assert said in answer.stderr
    assert answer.stderr.count("\n") == 1
