"""A drivers.conf becomes tables that can be read, and says what it leaves behind."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.station.test_station import METERHOUSE

from meterhouse.metering.errors import Mistake
from meterhouse.sources import configure
from meterhouse.station.declared import declared
from meterhouse.station.kwapi_conf import PRESETS, Carried, carried, renamed, secrets_of
from meterhouse.web.commands.import_kwapi import shown, written

EATON = "1.3.6.1.4.1.534.6.6.7.6.5.1.3"
OWN = "1.3.6.1.4.1.99999.1"


def one(text: str) -> Carried:
    (found,) = carried(f"[Meter 7]\n{text}", "drivers.conf")
    return found


def section(driver: str, probes: str, parameters: str = "{}") -> str:
    return f"driver = {driver}\nprobes = {probes}\nparameters = {parameters}\n"


@pytest.mark.parametrize(
    ("text", "table"),
    [
        (
            section("Dummy", "['A', None, 'B']", "{'min': 10, 'max': 20}"),
            {"kind": "dummy", "probes": ["A", "B"], "min": 10, "max": 20},
        ),
        ("driver = Dummy\nprobes = ['C']\n", {"kind": "dummy", "probes": ["C"]}),
        (
            section("Wattsup", "['A']", "{'device': '/dev/ttyUSB0'}"),
            {"kind": "wattsup", "device": "/dev/ttyUSB0", "probes": ["A"]},
        ),
        (
            section(
                "Ipmi",
                "['E']",
                "{'interface': 'lanplus', 'host': 'bmc', 'username': 'u', 'password': 'p',"
                " 'sensor': 'Power'}",
            ),
            {
                "kind": "ipmi",
                "hosts": ["bmc"],
                "probes": ["E"],
                "user": "u",
                "password": "p",
                "method": "sensors",
                "sensors": ["Power"],
            },
        ),
        (
            section(
                "Snmp",
                "['F1', None, 'F3']",
                f"{{'protocol': 'v3', 'user': 'admin', 'ip': '192.0.2.1', 'oid': '{EATON}'}}",
            ),
            {
                "kind": "snmp",
                "host": "192.0.2.1",
                "version": "3",
                "user": "admin",
                "preset": "eaton",
                "probes": ["F1", "", "F3"],
            },
        ),
        (
            section(
                "Snmp",
                "['F1']",
                f"{{'protocol': '1', 'community': 'c', 'ip': 'pdu', 'oid': '.{OWN}'}}",
            )
            + "probes_names = [['node-1', 'node-2']]",
            {
                "kind": "snmp",
                "host": "pdu",
                "version": "1",
                "community": "c",
                "power": {"oid": f"{OWN}.{{n}}"},
                "probes": [["node-1", "node-2"]],
            },
        ),
        (
            section("Json_url", "['lyon.taurus-1']", "{'url': 'https://power.example/'}"),
            {
                "kind": "http",
                "model": "kwapi",
                "urls": ["https://power.example/"],
                "channels": ["taurus-1"],
                "probes": ["lyon.taurus-1"],
            },
        ),
    ],
)
def test_each_driver_has_its_table(text: str, table: dict[str, object]) -> None:
    assert one(text).table == {"name": "meter-7", **table}


@pytest.mark.parametrize(
    ("resolution", "interval", "note"),
    [
        ("1", None, ""),
        ("5", 5, ""),
        ("0.5", 0.5, ""),
        ("0", None, "resolution 0 is no number of seconds"),
        ("'10'", None, "resolution '10' is no number of seconds"),
    ],
)
def test_the_resolution_of_grid_5000_is_the_interval(
    resolution: str, interval: float | None, note: str
) -> None:
    given = f"{{'protocol': '2c', 'ip': 'pdu', 'oid': '{EATON}', 'resolution': {resolution}}}"
    found = one(section("Snmp", "['F1']", given))
    assert found.table is not None
    assert found.table.get("interval") == interval
    assert note in " ".join(found.notes)
    assert bool(found.notes) == bool(note)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (section("Quantum", "['A']"), "'quantum' is not known"),
        (section("Wattsup", "['A']"), "'device' is not known here or is missing"),
        (section("Snmp", "['A']", "{'protocol': '4'}"), "protocol '4' is none"),
        ("driver = Dummy\n", "probes is no list of names"),
        (section("Dummy", "__import__('os').abort()"), "probes is no Python literal"),
        (section("Dummy", "[" * 500), "probes is no Python literal"),
        (
            section("Snmp", "['A']") + "data_type = {'name': 'network_in'}",
            "network_in is no power",
        ),
    ],
)
def test_what_cannot_be_carried_over_is_told(text: str, note: str) -> None:
    found = one(text)
    assert found.table is None
    assert note in found.notes[0]


def test_a_parameter_that_is_left_behind_is_told() -> None:
    found = one(section("Dummy", "['A']", "{'noise': 3}"))
    assert found.table
    assert found.notes == ["noise is not carried over"]


def test_bmcs_that_are_asked_alike_become_one_source_and_no_name_comes_twice() -> None:
    text = "".join(
        f"[BMC {number}]\n"
        + section(
            "Ipmi",
            f"['n{number}']",
            f"{{'host': 'h{number}', 'username': 'u', 'password': '{word}'}}",
        )
        for number, word in ((1, "p"), (2, "p"), (3, "other"))
    )
    joined, apart = carried(text + "[bmc-3 ]\n" + section("Dummy", "['A']"), "x")[:2]
    assert joined.table
    assert apart.table
    assert (joined.table["hosts"], joined.table["probes"]) == (["h1", "h2"], ["n1", "n2"])
    assert joined.notes == ["with [BMC 2]"]
    assert apart.table["hosts"] == ["h3"]
    names = [
        each.table["name"]
        for each in carried(text + "[bmc 3]\n" + section("Dummy", "['A']"), "x")
        if each.table
    ]
    assert len(set(names)) == len(names) == 3


@pytest.mark.parametrize("text", ["no ini", "[DEFAULT]\nprobes_endpoint = ipc:///x\n", ""])
def test_what_is_no_drivers_conf_is_a_mistake(text: str) -> None:
    with pytest.raises(Mistake, match="x: "):
        carried(text, "x")


def test_numbers_may_stand_in_texts() -> None:
    """shared/cases: import-kwapi-text-numbers.conf."""
    found = one(section("DummyWatts", "['x.y-1',]", "{'min':'10', 'max':'100'}"))
    assert found.table == {
        "name": "meter-7",
        "kind": "dummy",
        "probes": ["x.y-1"],
        "min": 10,
        "max": 100,
    }


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (section("Dummy", "['A']", "{'min': 'ten'}"), "key 'min'"),
        (section("Dummy", "['A']", "{'min': 10 ** 0}"), "parameters is no Python literal"),
        (section("Dummy", "['history']"), "no address"),
        (section("Dummy", "['A']", f"{{'max': {10**30}}}"), "cannot be written"),
        (section("Wattsup", "['A']", "{'device': 7}"), "key 'device'"),
        (section("Wattsup", "['A']", "{'device': '/dev/\\x07'}"), "cannot be written"),
    ],
)
def test_what_no_source_would_take_is_left_behind_and_told(text: str, note: str) -> None:
    found = one(text)
    assert found.table is None
    assert note in " ".join(found.notes)


LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=5,
)
KEYS = st.sampled_from(
    [
        "min",
        "max",
        "host",
        "username",
        "password",
        "sensor",
        "interface",
        "protocol",
        "community",
        "user",
        "ip",
        "oid",
        "device",
        "url",
        "resolution",
    ]
)
WRITTEN = st.sampled_from(["'10'", "10", "'pdu'", "'2c'", "'/dev/ttyS0'", "'http://a/'", "[1]"])
SECTIONS = st.tuples(
    st.text("abcZ 0.-_\x01é", min_size=1, max_size=8),
    st.sampled_from(["Dummy", "DummyWatts", "Ipmi", "Snmp", "Wattsup", "Json_url"]),
    st.lists(st.none() | st.sampled_from(["a.b-1", "b", ["c", "d"], "..", "x y"]), max_size=4),
    st.dictionaries(KEYS, LITERALS.map(repr) | WRITTEN, max_size=5),
)


@settings(max_examples=200, deadline=None)
@given(sections=st.lists(SECTIONS, min_size=1, max_size=4))
def test_whatever_is_printed_can_be_applied(
    tmp_path_factory: pytest.TempPathFactory, sections: list[tuple[str, str, Any, dict[str, str]]]
) -> None:
    text = "".join(
        f"[{title}]\n"
        + section(
            driver,
            repr(probes),
            "{" + ", ".join(f"{key!r}: {said}" for key, said in given.items()) + "}",
        )
        for title, driver, probes, given in sections
    )
    try:
        found = carried(text, "drivers.conf")
    except Mistake:
        return
    folder = tmp_path_factory.mktemp("kwapi")
    for each in found:
        if each.table:
            written(folder, secrets_of(each.table))
    file = folder / "sources.toml"
    file.write_text("\n".join(shown(each, []) for each in found), encoding="utf-8")
    assert len(declared(file)) == sum(each.table is not None for each in found)


CONF = (
    "[pdu]\n"
    + section(
        "Snmp",
        "['A', None]",
        f"{{'protocol': '1', 'community': 'sesame', 'ip': 'pdu', 'oid': '{EATON}'}}",
    )
    + "[bmc]\n"
    + section("Ipmi", "['E']", "{'host': 'bmc', 'username': 'u', 'password': 'pa55'}")
)


def printed(*words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [*METERHOUSE, "import-kwapi", *words], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_what_is_printed_can_be_read_and_shows_no_secret(tmp_path: Path) -> None:
    conf = tmp_path / "drivers.conf"
    conf.write_text(CONF)
    status, out, _ = printed(str(conf), "--secrets", str(tmp_path))
    assert status == 0
    assert "sesame" not in out
    assert "pa55" not in out
    (tmp_path / "meters.toml").write_text(out)
    assert [source.kind.name for source in declared(tmp_path / "meters.toml")] == ["snmp", "ipmi"]
    assert (tmp_path / "bmc.password").stat().st_mode & 0o77 == 0
    assert (tmp_path / "pdu.community").read_text() == "sesame"
    (tmp_path / "pdu.community").write_text("changed since")
    assert "put its text into pdu.community" in printed(str(conf))[1]
    printed(str(conf), "--secrets", str(tmp_path))
    assert (tmp_path / "pdu.community").read_text() == "changed since"


def test_leaving_something_behind_is_told_by_the_exit_status(tmp_path: Path) -> None:
    conf = tmp_path / "drivers.conf"
    conf.write_text(CONF + "[odd]\n" + section("Quantum", "['Q']"))
    assert printed(str(conf))[0] == 1
    assert printed(str(tmp_path / "gone"))[::2] == (
        2,
        f"meterhouse: {tmp_path}/gone: No such file or directory\n",
    )
    conf.write_bytes(b"\xff")
    assert "not UTF-8" in printed(str(conf))[2]


@pytest.mark.parametrize("oid", PRESETS)
def test_a_make_that_is_known_is_called_by_its_name(oid: str) -> None:
    given = f"{{'protocol': '2c', 'community': 'public', 'ip': 'pdu', 'oid': '{oid}'}}"
    found = one(section("Snmp", "['A']", given))
    assert found.table
    name, table = found.table["name"], found.table
    assert configure(name, {k: v for k, v in table.items() if k != "name"}, where="x")
    assert found.notes == []


def test_probes_of_old_are_told_by_the_names_they_have_here() -> None:
    outlets = section("Snmp", "['s.pdu.1', None, 's.pdu.3', 's.pdu.4']")
    text = (
        "[DEFAULT]\nverbose = 'true'\n"
        f"[PDU 4]\n{outlets}"
        "probes_names = ['n-1', None, ['n-2', 'n-3'], 'n-4']\n"
        "[Own]\ndriver = Dummy\nprobes = ['A', None, 'B']\n"
        "[Traffic]\ndriver = Snmp\nprobes = ['s.sw.1']\n"
        "data_type = {'name': 'network_in', 'type': 'Cumulative', 'unit': 'B'}\n"
        "[Broken]\nprobes = ['C'\n[Without]\nprobes = ['D']\n"
    )
    assert renamed(text, "drivers.conf") == [
        ("s.pdu.1", "pdu-4", "n-1"),
        ("s.pdu.3", "pdu-4", "n-2+n-3"),
        ("s.pdu.4", "pdu-4", "n-4"),
        ("A", "own", "A"),
        ("B", "own", "B"),
    ]
    with pytest.raises(Mistake, match="no wattmeter"):
        renamed("", "drivers.conf")
