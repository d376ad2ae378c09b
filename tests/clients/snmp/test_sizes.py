"""As many objects at once as fit."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from meterhouse.clients.snmp.sizes import LARGEST_BYTES, fitting, pair_bytes

oids = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=30).map(
    lambda numbers: "1.3." + ".".join(map(str, numbers))
)


@given(st.lists(oids, max_size=80), st.integers(50, 2000))
def test_groups_hold_all_in_order_and_each_fits(asked: list[str], limit: int) -> None:
    groups = list(fitting(asked, limit))
    assert [oid for group in groups for oid in group] == asked
    assert all(len(group) == 1 or sum(map(pair_bytes, group)) <= limit for group in groups)


@given(st.lists(oids, min_size=2, max_size=80), st.integers(50, 2000))
def test_no_group_has_room_for_what_begins_the_next(asked: list[str], limit: int) -> None:
    groups = list(fitting(asked, limit))
    for group, after in pairwise(groups):
        assert sum(map(pair_bytes, group)) + pair_bytes(after[0]) > limit


def test_an_oids_numbers_take_a_byte_for_each_seven_bits() -> None:
    small, large = pair_bytes("1.3.6.1.127"), pair_bytes("1.3.6.1.128")
    assert large - small == 1
    assert pair_bytes("1.3.4294967295") - pair_bytes("1.3.1") == 4


def test_power_and_energy_of_24_outlets_fit_into_one_request() -> None:
    asked = [f"1.3.6.1.4.1.534.6.6.7.6.5.1.{c}.0.{n + 1}" for c in (3, 4) for n in range(24)]
    assert sum(map(pair_bytes, asked)) < LARGEST_BYTES / 2
    assert len(list(fitting(asked))) == 1
