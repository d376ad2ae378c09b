"""Which texts can be names everywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.metering.names import LONGEST, is_plain, is_reachable, plain


@pytest.mark.parametrize("text", ["", "a", "Ünïcode 名", "a b", "x" * LONGEST])
def test_one_line_of_a_length_is_plain(text: str) -> None:
    assert is_plain(text)
    assert plain(text) == text


@pytest.mark.parametrize(
    "text", ["\0", "a\nb", "\x1b[31m", "\x85", "\u2028", "\ud800", "x" * (LONGEST + 1)]
)
def test_what_some_page_address_file_or_database_cannot_hold_is_not(text: str) -> None:
    assert not is_plain(text)


@given(st.text(st.characters()))
def test_escaped_every_text_is_one_line_that_can_be_encoded(text: str) -> None:
    shown = plain(text)
    assert len(shown.splitlines()) <= 1
    assert "\0" not in shown.encode().decode()


def test_a_long_text_is_cut() -> None:
    assert plain("x" * 9999) == "x" * (LONGEST - 3) + "..."


@pytest.mark.parametrize("key", ["pdu/1", "a", "pdu/history/1", "pdu/..x"])
def test_a_key_with_parts_of_its_own_is_reachable(key: str) -> None:
    assert is_reachable(key)


@pytest.mark.parametrize("key", ["", "pdu/", "pdu/..", "pdu/./1", "pdu/history", "a\0"])
def test_a_key_whose_address_means_something_else_is_not(key: str) -> None:
    assert not is_reachable(key)
