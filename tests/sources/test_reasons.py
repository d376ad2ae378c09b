"""What the system says, as people read it."""

import errno
import socket

import pytest

from meterhouse.sources import reason


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ECONNREFUSED, "Connect call failed"), "Connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (OSError("the bridge has closed"), "the bridge has closed"),
        (ValueError("no port"), "no port"),
    ],
)
def test_a_reason_is_words_and_no_numbers(error: Exception, said: str) -> None:
    assert reason(error) == said
