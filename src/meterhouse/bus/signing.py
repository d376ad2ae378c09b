"""The outside of every message: who does not know the secret can neither make nor change one.

    byte  0  signature  32 bytes, HMAC-SHA256 of everything after it
         32  mark        2 bytes, "MH"
         34  version     1 byte, 1
         35  kind        1 byte, a letter: see Kind
         36  the rest, as its kind says

A message whose signature is not there yet is called unsigned: it begins with the mark. Journals
keep unsigned messages, so that a new secret holds for old batches too.
"""

import hmac
from enum import IntEnum

from msgspec import MsgspecError

from meterhouse.metering.errors import BadMessage, Mistake

MARK = b"MH"
VERSION = 1
SIGNATURE_BYTES = 32
OPENING_BYTES = 4
REST = SIGNATURE_BYTES + OPENING_BYTES
UNREADABLE = (MsgspecError, ValueError, RecursionError)
"""What a decoder raises of bytes that are not what they should be: a text that is not UTF-8 is a
ValueError, lists within lists without end are a RecursionError."""

MOST_BYTES = 64 * 2**20  # of one message; 10,000 servers listed at once take about one MiB


class Kind(IntEnum):
    """What a message is. The letters are part of the wire format."""

    BATCH = ord("B")
    HELLO = ord("H")
    STATUS = ord("S")
    REPLAY = ord("R")
    GONE = ord("G")
    DONE = ord("D")
    ACKNOWLEDGEMENT = ord("A")
    TOLD = ord("T")


_KINDS = {kind.value: kind for kind in Kind}


def opening(kind: Kind) -> bytes:
    """The first bytes of an unsigned message."""
    return MARK + bytes((VERSION, kind))


def sign(unsigned: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, unsigned, "sha256") + unsigned


def verified(message: bytes, secret: bytes) -> Kind:
    """The kind of a message that somebody who knows the secret has signed.

    Raises BadMessage: "format" if it is no message at all, "version" if it is of another version
    (asked before the signature, which another version may compute otherwise), "signature".
    """
    if not REST <= len(message) <= MOST_BYTES or message[32:34] != MARK:
        raise BadMessage("format", f"{len(message)} bytes that are no message")
    if message[34] != VERSION:
        raise BadMessage("version", f"{message[34]}; this is version {VERSION}")
    expected = hmac.digest(secret, memoryview(message)[SIGNATURE_BYTES:], "sha256")
    if not hmac.compare_digest(expected, message[:SIGNATURE_BYTES]):
        raise BadMessage("signature")
    if message[35] not in _KINDS:
        raise BadMessage("format", f"there is no kind {message[35]}")
    return _KINDS[message[35]]


def checked_secret(secret: bytes) -> bytes:
    """The secret, if it is one. Raises Mistake."""
    if not secret:
        raise Mistake("bus: the secret is empty: anybody could sign")
    return secret
