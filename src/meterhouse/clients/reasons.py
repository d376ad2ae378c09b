"""Why there is no connection, in a few words: what happened, and where that helps what to do."""

import os
import re
import socket
import ssl

_INSIDE = re.compile(r"\[Errno (\d+)\]")
"""Asyncio, which has tried several addresses of a name, tells of them in one text."""

NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST"}
WANTS_CERTIFICATE = re.compile("ALERT_(CERTIFICATE|BAD_CERT|UNKNOWN_CA|UNSUPPORTED_CERT)")

ENDS = "EOF"

KNOWN_AS = "if it is the right one, name it, or who signed it, in `certificate`"
BY_NAME = "ask for it by a name it bears"
ADVICE = {10: "it has to be renewed there", 62: BY_NAME, 64: BY_NAME}
"""What to do, by the number that OpenSSL has for it. Source: openssl/x509_vfy.h."""


def reason(error: BaseException, known_as: str = KNOWN_AS) -> str:
    """Asyncio and others put words of their own in place of the system's.

    known_as: what to do about a certificate that nobody has vouched for
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _disbelieved(error, known_as)
    if isinstance(error, ssl.SSLError):
        return _without_tls(error.reason or str(error))
    if isinstance(error, socket.gaierror):
        return str(error.strerror)
    inside = _INSIDE.search(str(error))
    number = getattr(error, "errno", None) or int(inside[1] if inside else 0)
    if number > 0:
        return os.strerror(number)
    if isinstance(error, TimeoutError):
        return "no answer in time: is it on, and does a firewall drop it?"
    return str(error)


def _disbelieved(error: ssl.SSLCertVerificationError, known_as: str) -> str:
    why = str(getattr(error, "verify_message", "") or error.args[-1]).rstrip(".")
    advice = ADVICE.get(getattr(error, "verify_code", 0), known_as)
    return f"its certificate is not believed: {why}; {advice}"


def _without_tls(why: str) -> str:
    if why in NO_TLS:
        return "it does not speak TLS on this port"
    if ENDS in why:
        return "it has closed the connection"
    if WANTS_CERTIFICATE.search(why):
        return "it wants a client certificate that it knows"
    return f"no TLS with it: {why.lower().replace('_', ' ')}"
