"""What probes are called: short where that is clear, and always the same."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.inventory.cast import everybody
from tests.web.cast import moved, record

from meterhouse.inventory.keep import keep
from meterhouse.inventory.scope import Scope, scope_of
from meterhouse.live import probes
from meterhouse.live.probes import Probe, Probes, named
from meterhouse.metering.clock import FixedClock
from meterhouse.metering.meters import CPU_TIME, POWER
from meterhouse.metering.samples import Sample

KEYS = st.text(st.sampled_from("ab/."), min_size=1, max_size=5)
NAMES = st.dictionaries(KEYS, st.text(st.sampled_from("ab/."), max_size=3))


def called(keys: list[str], names: dict[str, str]) -> list[str]:
    return [probe.id for probe in named(keys, names)]


def test_a_probe_is_called_by_its_name_and_found_by_its_key_too() -> None:
    found = Probes(named(["rack-7/node-1"], {"rack-7/node-1": "Node 1"}))
    assert found.all == (Probe("Node 1", "rack-7/node-1", "Node 1"),)
    assert found.find("Node 1") is found.find("rack-7/node-1") is found.all[0]
    assert found.find("node-1") is None


def test_of_two_with_one_name_the_older_keeps_it() -> None:
    names = {"east/a": "a", "west/a": "a"}
    assert called(["west/a", "east/a"], names) == ["a", "east/a"]


def test_what_no_source_listed_is_called_by_the_last_part_of_its_key() -> None:
    assert called(["rack/outlet/1", "loner", "rack/"], {}) == ["outlet/1", "loner", "rack/"]


def test_a_name_that_is_another_probes_key_is_not_taken() -> None:
    assert called(["r/a", "b"], {"r/a": "b"}) == ["r/a", "b"]


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_no_address_can_hold_is_not_used(name: str) -> None:
    assert called(["rack/x"], {"rack/x": name})[0] in {"x", "rack/x"}
    assert called(["rack/" + name], {})[0] == "rack/" + name


@given(st.lists(KEYS, unique=True), NAMES)
def test_no_two_probes_are_called_the_same_and_each_is_found(
    keys: list[str], names: dict[str, str]
) -> None:
    found = Probes(named(keys, names))
    assert len({probe.id for probe in found.all}) == len(keys)
    assert [found.find(key) for key in keys] == list(found.all)
    assert [found.find(probe.id) for probe in found.all] == list(found.all)


@given(st.lists(KEYS, unique=True, min_size=1))
def test_a_probe_that_comes_later_changes_no_name(keys: list[str]) -> None:
    """But where its key is what another is called."""
    *before, new = keys
    if new not in called(before, {}):
        assert called(keys, {})[:-1] == called(before, {})


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_an_address_holds_no_sign_that_means_something_there(name: str) -> None:
    address = Probe(name, name, name).address
    assert unquote(address) == name
    assert not set("/?#& ") & set(address)


@pytest.mark.django_db
def test_a_reader_has_the_probes_that_are_theirs_now(machine: FixedClock) -> None:
    now_ms = machine.now_ms()
    keep(everybody(now_ms - 2000))
    power = [Sample(POWER, f"cloud/{name}", 1.0, now_ms) for name in ("mirror", "rocket")]
    record([*power, Sample(CPU_TIME, "cloud/builder", 1.0, now_ms)], now_ms)
    alice = scope_of(projects=["debian"])

    def theirs(scope: Scope | None, *, ended: bool = False) -> list[str]:
        return [probe.id for probe in probes.probes(scope, ended=ended).all]

    assert theirs(None) == theirs(Scope.all()) == ["mirror", "rocket"]
    assert theirs(alice) == ["mirror"]
    assert theirs(Scope.none()) == []
    keep(moved(everybody(now_ms), "cloud/mirror", "p-moon"))
    assert theirs(alice) == []
    assert theirs(alice, ended=True) == ["mirror"]
