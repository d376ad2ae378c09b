"""What can be configured, and what cannot be meant."""

import re
from dataclasses import fields
from typing import Any

import pytest
from tests.sources.readings import configured

from meterhouse.metering.errors import Mistake
from meterhouse.metering.meters import ENERGY, POWER
from meterhouse.sources import Measures
from meterhouse.sources.snmp.config import Config
from meterhouse.sources.snmp.presets import PRESETS, of_maker
from meterhouse.sources.snmp.tables import Object, Table

COLUMN = "1.3.6.1.4.1.99999.7"
SIGNED = {"version": "3", "user": "alice", "auth": "sha", "auth_key": "alice-auth-key"}
OWN = {"power": {"oid": f"{COLUMN}.{{n}}"}}


def config(**table: Any) -> Config:
    made = {"host": "pdu-7.osl.example", "probes": ["a", "b"], **table}
    found: Config = configured("pdu-7", kind="snmp", **made).config
    return found


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_needs_no_more_than_its_name(name: str) -> None:
    made = config(preset=name, probes=["a"])
    assert made.number == PRESETS[name].first
    assert made.outlets.power
    assert made.what is (Measures.NODE if name == "idrac" else Measures.OUTLET)


@pytest.mark.parametrize("name", PRESETS)
def test_a_presets_oids_are_below_its_makers_and_have_what_they_need(name: str) -> None:
    preset = PRESETS[name]
    for table in filter(None, (preset.outlets, preset.others, preset.inputs)):
        for one in table.objects:
            assert isinstance(one.oid, str)
            assert one.oid.startswith(f"{preset.maker}.")
            assert ("{row}" in one.oid) == bool(table.rows)
            assert "{n}" in one.oid or table.rows or table.most == 1
    assert of_maker(f"{preset.maker}.1.2") == name


def test_an_unknown_make_has_no_preset() -> None:
    assert of_maker("1.3.6.1.4.1.8072.3.2.10") == ""
    assert of_maker("1.3.6.1.4.1.5341") == ""
    assert of_maker("") == ""


def test_objects_of_ones_own_become_a_table() -> None:
    energy = {"oid": COLUMN, "unit": "Wh", "scale": 10, "wraps_at": 65536, "absent": [-1]}
    table = config(energy=energy).outlets
    assert table == Table(
        energy=Object(
            oid=f"{COLUMN}.{{row}}", scale=36_000.0, size=65536.0, absent=(-1,), digits=""
        ),
        rows=COLUMN,
    )
    both = config(power={"oid": ["1.3.1", ".1.3.2"], "unit": "kW"}, measures="package")
    assert both.outlets.power == Object(oid=("1.3.1", "1.3.2"), scale=1000.0, absent=())
    assert both.what is Measures.PACKAGE


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "preset, or power and energy"),
        ({"preset": "eaton"} | OWN, "preset, or power and energy"),
        ({"preset": "eton"}, "preset: 'eton' is not known; did you mean 'eaton'?"),
        (OWN | {"host": "udp://pdu-7"}, "host: a name or an address"),
        (OWN | {"host": ""}, "host: a name or an address"),
        (OWN | {"port": 0}, "port: 1 to 65535"),
        (OWN | {"tries": 0}, "wait_s and tries"),
        (OWN | {"wait_s": 0}, "wait_s and tries"),
        (OWN | {"device": -1}, "device: a number from 0"),
        (OWN | {"version": "4"}, "version: '4': there are 1, 2c and 3"),
        (OWN | {"version": 2.5}, "version"),
        (OWN | {"user": "alice"}, 'go with version = "3"'),
        (OWN | {"version": "3"}, 'user: version = "3" needs one'),
        (OWN | {"community": ""}, "community: is empty"),
        (OWN | SIGNED | {"auth": "rot13"}, "auth: 'rot13'"),
        (OWN | SIGNED | {"auth_key": ""}, "auth and auth_key: go together"),
        (OWN | SIGNED | {"auth_key": "short"}, "auth_key: has at least 8 characters"),
        (OWN | SIGNED | {"privacy": "aes"}, "privacy and privacy_key: go together"),
        (
            OWN | SIGNED | {"auth": "", "auth_key": "", "privacy": "aes", "privacy_key": "k" * 8},
            "privacy: needs auth as well",
        ),
        (OWN | {"probes": [""]}, "at least one outlet needs a name"),
        (OWN | {"inputs": ["pdu"]}, "inputs: go with the preset"),
        ({"preset": "idrac", "probes": ["a"], "inputs": ["x"]}, "inputs: go with the preset"),
        ({"preset": "eaton", "inputs": ["a"]}, "inputs: 'a' is among the probes"),
        ({"preset": "eaton", "inputs": [""]}, "inputs: at least one needs a name"),
        ({"preset": "apc", "inputs": ["x", "y"]}, "inputs: there can be 1 at most"),
        ({"preset": "idrac"}, "labels and probes: 1 labels, 2 probes"),
        ({"preset": "eaton", "labels": ["x", "y"]}, "finds its outlets by number"),
        ({"preset": "idrac", "label_oid": COLUMN}, "finds its outlets by number"),
        (OWN | {"labels": ["x", "y"]}, "label_oid and labels: go together"),
        (OWN | {"label_oid": "abc", "labels": ["x", "y"]}, "label_oid: 'abc': expected an OID"),
        ({"power": {"oid": f"{COLUMN}.{{row}}"}}, "{row} goes with label_oid"),
        ({"power": {"oid": "enterprises.7"}}, "oid: 'enterprises.7': expected an OID"),
        ({"power": {"oid": "1.3.4294967296"}}, "expected an OID"),
        ({"power": {"oid": "1.40.1"}}, "expected an OID"),
        ({"power": {"oid": f"{COLUMN}.{{x}}"}}, "expected an OID"),
        ({"power": {"oid": []}}, "oid: at least one"),
        ({"power": {"oid": ["1.3.1"]}}, "oid and probes: 1 OIDs, 2 probes"),
        ({"power": {"oid": COLUMN, "scale": 0}}, "scale and wraps_at"),
        ({"energy": {"oid": COLUMN}}, "energy: unit is one of J"),
        ({"energy": {"oid": COLUMN, "unit": "Wh", "wraps_at": -1}}, "scale and wraps_at"),
        ({"power": {"oid": COLUMN, "unit": "Wh"}}, "power: unit is one of W"),
        ({"preset": "eaton", "probes": ["a"] * 1001}, "probes: there can be 1000 at most"),
    ],
)
def test_what_cannot_be_meant_is_refused(table: dict[str, Any], said: str) -> None:
    with pytest.raises(Mistake, match=re.escape(said)):
        config(**table)


def test_no_secret_is_shown() -> None:
    hidden = SIGNED | {"privacy": "aes", "privacy_key": "alice-privacy-key"}
    shown = repr(config(**OWN, **hidden)) + repr(config(**OWN, community="osl-community"))
    assert "alice-" not in shown
    assert "osl-community" not in shown
    assert {"community", "auth_key", "privacy_key"} < {field.name for field in fields(Config)}


def test_power_and_energy_are_the_meters_own() -> None:
    assert config(power={"oid": COLUMN, "unit": "mW"}).outlets.power.scale == 1e-3  # type: ignore[union-attr]
    assert {POWER.name, ENERGY.name} == {"power", "energy"}
