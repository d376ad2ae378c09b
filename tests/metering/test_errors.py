from hypothesis import given
from hypothesis import strategies as st

from meterhouse.metering.errors import printable


@given(st.text())
def test_nothing_in_a_message_steers_a_terminal(text: str) -> None:
    shown = printable(text)
    assert all(each.isprintable() for each in shown.replace("\n", ""))
    assert shown.count("\n") == text.count("\n")
    if text.replace("\n", "").isprintable():
        assert shown == text


def test_what_would_steer_it_is_still_told() -> None:
    assert printable("key 'a\x1b[2J\r': é\n") == "key 'a\\x1b[2J\\r': é\n"
