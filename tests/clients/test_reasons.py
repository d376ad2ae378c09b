"""What the system and OpenSSL say, as people read it."""

import errno
import socket
import ssl

import pytest

from meterhouse.clients.reasons import reason


def disbelief(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed (_ssl.c:1016)")
    error.verify_code, error.verify_message = code, message
    return error


def refused(why: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {why}] (_ssl.c:1000)")
    error.reason = why
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ECONNREFUSED, "Connect call failed"), "Connection refused"),
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 1, 0, 0)"),
            "Connection refused",
        ),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (OSError("the bridge has closed"), "the bridge has closed"),
        (ValueError("no port"), "no port"),
        (TimeoutError(), "no answer in time: is it on, and does a firewall drop it?"),
        (refused("WRONG_VERSION_NUMBER"), "it does not speak TLS on this port"),
        (
            refused("TLSV13_ALERT_CERTIFICATE_REQUIRED"),
            "it wants a client certificate that it knows",
        ),
        (refused("UNEXPECTED_EOF_WHILE_READING"), "it has closed the connection"),
        (refused("UNSUPPORTED_PROTOCOL"), "no TLS with it: unsupported protocol"),
        (
            disbelief(10, "certificate has expired"),
            "its certificate is not believed: certificate has expired; it has to be renewed there",
        ),
        (
            disbelief(62, "Hostname mismatch."),
            "its certificate is not believed: Hostname mismatch; ask for it by a name it bears",
        ),
        (
            ssl.SSLCertVerificationError(1, "it shows another certificate"),
            (
                "its certificate is not believed: it shows another certificate;"
                " if it is the right one, name it, or who signed it, in `certificate`"
            ),
        ),
    ],
)
def test_a_reason_is_words_and_no_numbers(error: Exception, said: str) -> None:
    assert reason(error) == said
