"""Counters on trees of files: which are added, how they wrap, what they do not say."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clients.sysfs.trees import RANGE_UJ, chip, tree, zone

from meterhouse.clients.sysfs.files import name, number
from meterhouse.clients.sysfs.rapl import LEAP_W, NEVER_WRAPS_UJ, Rapl, Stand, counters, growth
from meterhouse.metering.meters import ENERGY, POWER


def opened(sysfs: Path) -> Rapl:
    return Rapl(counters(sysfs))


def labels(sysfs: Path) -> list[str]:
    return [counter.label for counter in counters(sysfs)]


def test_what_a_package_contains_is_not_added_to_it(tmp_path: Path) -> None:
    zones = {"0": "package-0", "0:0": "core", "0:1": "uncore", "0:2": "dram", "1": "package-1"}
    for key, called in zones.items():
        tree(tmp_path, zone(key, called))
    assert labels(tmp_path) == ["package-0", "package-1", "package-0/dram"]


def test_a_package_that_shows_itself_twice_counts_once(tmp_path: Path) -> None:
    tree(tmp_path, zone("0", "package-0"))
    tree(tmp_path, zone("0", "package-0", driver="intel-rapl-mmio"))
    assert [counter.energy.parent.name for counter in counters(tmp_path)] == ["intel-rapl:0"]


def test_the_platforms_counter_counts_only_where_it_is_alone(tmp_path: Path) -> None:
    tree(tmp_path, zone("1", "psys"))
    assert labels(tmp_path) == ["psys"]
    tree(tmp_path, zone("0", "package-0"))
    assert labels(tmp_path) == ["package-0"]


def test_amds_sockets_are_found_without_their_cores(tmp_path: Path) -> None:
    inputs = {"energy1_label": "Ecore000", "energy1_input": 5}
    inputs |= {"energy2_label": "Esocket0", "energy2_input": 7_000_000}
    tree(tmp_path, chip(0, "k10temp", temp1_input=40_000) | chip(1, "amd_energy", **inputs))
    assert labels(tmp_path) == ["socket-0"]
    found = opened(tmp_path)
    list(found.read(0))
    tree(tmp_path, {"class/hwmon/hwmon1/energy2_input": 107_000_000})
    assert dict(found.read(1_000)) == {ENERGY: 107.0, POWER: 100.0}


def test_a_counter_beyond_its_range_is_not_believed(tmp_path: Path) -> None:
    for nonsense in (RANGE_UJ + 1, -1):
        found = opened(tree(tmp_path, zone("0", "package-0", nonsense)))
        with pytest.raises(ValueError, match="not between 0 and"):
            list(found.read(0))


def test_a_counter_that_never_wraps_can_only_start_anew() -> None:
    assert growth(500, 20, NEVER_WRAPS_UJ, 1) == 20


def test_a_file_that_is_no_text_has_no_name(tmp_path: Path) -> None:
    (tmp_path / "name").write_bytes(b"\xff\xfe")
    assert name(tmp_path) == name(tmp_path / "nowhere") == ""
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        number(tmp_path / "name")


def test_energy_is_what_the_kernel_counts_and_power_is_its_growth(tmp_path: Path) -> None:
    tree(tmp_path, zone("0", "package-0", 7_000_000) | zone("1", "package-1", 1_000_000))
    found = opened(tmp_path)
    assert list(found.read(1_000)) == [(ENERGY, 8.0)]
    tree(tmp_path, zone("0", "package-0", 307_000_000) | zone("1", "package-1", 201_000_000))
    assert list(found.read(6_000)) == [(ENERGY, 508.0), (POWER, 100.0)]


def test_a_counter_that_wraps_goes_on(tmp_path: Path) -> None:
    tree(tmp_path, zone("0", "package-0", RANGE_UJ - 100_000_000))
    found = opened(tmp_path)
    list(found.read(0))
    tree(tmp_path, zone("0", "package-0", 150_000_000))
    top = RANGE_UJ / 1e6
    assert dict(found.read(5_000)) == {ENERGY: pytest.approx(top + 150.0), POWER: 50.0}


def test_what_may_have_wrapped_unseen_is_a_leap_that_nobody_takes_for_energy(
    tmp_path: Path,
) -> None:
    found = opened(tree(tmp_path, zone("0", "package-0", 1_000_000)))
    list(found.read(0))
    (leapt,) = [dict(found.read(600_000))]
    assert leapt == {ENERGY: 1 + LEAP_W * 600}
    tree(tmp_path, zone("0", "package-0", 101_000_000))
    assert dict(found.read(601_000)) == {ENERGY: leapt[ENERGY] + 100, POWER: 100.0}


def test_a_fall_that_is_no_wrap_is_a_restart(tmp_path: Path) -> None:
    found = opened(tree(tmp_path, zone("0", "package-0", 40_000_000)))
    list(found.read(0))
    tree(tmp_path, zone("0", "package-0", 50_000))
    assert dict(found.read(1_000)) == {ENERGY: pytest.approx(40.05), POWER: 0.05}


def test_a_second_reader_goes_on_from_what_the_first_noted(tmp_path: Path) -> None:
    first = opened(tree(tmp_path, zone("0", "package-0", RANGE_UJ - 1_000_000)))
    list(first.read(0))
    tree(tmp_path, zone("0", "package-0", 1_000_000))
    list(first.read(1_000))
    assert first.last is not None
    second = opened(tmp_path)
    second.last = Stand.remembered(first.last.document())
    tree(tmp_path, zone("0", "package-0", 3_000_000))
    assert dict(second.read(2_000)) == dict(first.read(2_000))
    assert Stand.remembered({"uj": 1}) is None


@pytest.mark.parametrize("now_ms", [5_000, 4_000])
def test_a_clock_that_stands_still_or_steps_back_makes_no_power(
    tmp_path: Path, now_ms: int
) -> None:
    found = opened(tree(tmp_path, zone("0", "package-0", 1)))
    list(found.read(5_000))
    assert not list(found.read(now_ms))


@given(st.integers(0, RANGE_UJ - 1), st.integers(0, RANGE_UJ - 1))
def test_growth_is_no_more_than_can_be_drawn_and_never_negative(last: int, now: int) -> None:
    grown = growth(last, now, RANGE_UJ, 1)
    assert grown is None or (now - last == grown if now >= last else 0 <= grown <= 500_000_000)
