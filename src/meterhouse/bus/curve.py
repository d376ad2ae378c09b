"""Encryption between two machines, by ZeroMQ's CURVE: nobody in between can read, or pretend.

Who binds has a pair of keys in a file; who connects has a file with the public one of them. It is
never sent in the clear, and nobody connects without it: so whoever has it may listen, and nobody
else. Inside, messages are signed as ever.

    meterhouse-bus-secret <40 characters>     of who binds
    meterhouse-bus-public <40 characters>     of who connects

Source: RFC 26/CurveZMQ; zmq_curve(7): keys of 32 bytes, as text in Z85 (RFC 32).
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import zmq
from zmq.utils import z85

from meterhouse.metering.errors import Mistake

SECRET, PUBLIC = "meterhouse-bus-secret", "meterhouse-bus-public"
MAKE = "`meterhouse bus-keys FILE` makes them"


@dataclass(frozen=True, slots=True)
class Pair:
    """The keys of who binds."""

    public: bytes
    secret: bytes = field(repr=False)

    @classmethod
    def read(cls, file: str) -> Self:
        """Raises Mistake."""
        secret = _read(file, SECRET)
        return cls(zmq.curve_public(secret), secret)

    def guard(self, socket: zmq.Socket[bytes]) -> None:
        """Let only those in, from the next bind on, who have the public key."""
        socket.curve_secretkey, socket.curve_publickey = self.secret, self.public
        socket.curve_server = True


def make(file: Path) -> Path:
    """Make a pair: its secret key in a file, and its public one beside it, which is returned.

    Raises Mistake if one is there already, or the folder cannot be written.
    """
    public, secret = zmq.curve_keypair()
    beside = file.with_name(f"{file.name}.public")
    try:
        for path, mark, key in ((beside, PUBLIC, public), (file, SECRET, secret)):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(b"%s %s\n" % (mark.encode(), key))
    except OSError as error:
        raise Mistake(f"bus-keys: {error.filename}: {error.strerror}") from error
    return beside


def read_public(file: str) -> bytes:
    """The key of who connects. Raises Mistake."""
    return _read(file, PUBLIC)


def speak(socket: zmq.Socket[bytes], key: bytes) -> None:
    """How the next connection speaks: to whoever has the secret of this key; b"": in the clear."""
    socket.curve_server = False  # which forgets what was said of the connection before
    if key:
        socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
        socket.curve_serverkey = key


def _read(file: str, mark: str) -> bytes:
    try:
        found, _, key = Path(file).read_text("ascii").strip().partition(" ")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise Mistake(f"bus key {file}: {why}; {MAKE}") from error
    if found != mark or len(key) != 40:
        other = {SECRET: PUBLIC, PUBLIC: SECRET}[mark]
        which = "the wrong one of the two" if found == other else "none"
        raise Mistake(f"bus key {file}: expected {mark!r}, and this is {which}; {MAKE}")
    return _checked(file, key.encode())


def _checked(file: str, key: bytes) -> bytes:
    try:
        z85.decode(key)
    except (KeyError, ValueError) as error:
        raise Mistake(f"bus key {file}: it is damaged; {MAKE}") from error
    return key
