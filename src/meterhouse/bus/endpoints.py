"""Where publishers and forwarders are reached: tcp://host:port or ipc://path, two of them each."""

import socket as plain
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from re import fullmatch

import zmq

from meterhouse.bus.curve import Pair, read_public
from meterhouse.bus.signing import MOST_BYTES
from meterhouse.metering.errors import Mistake

# PUB and SUB forget what a slow peer leaves in the queue; replay brings it. The default of 1,000
# is kept: with batches of 10 kB that is 10 MB a peer.
MOST_QUEUED = 1_000
MOST_REQUEST_BYTES = 64 * 2**10


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A publisher's or forwarder's two addresses.

    live:    PUB: everything as it happens; may lose
    replay:  ROUTER: what was missed, acknowledgements; "" where there is none (live only)
    key:     its public key, if it encrypts
    """

    live: str
    replay: str = ""
    key: bytes = b""

    @classmethod
    def ipc(cls, folder: Path, name: str) -> "Endpoint":
        """Two Unix sockets in a folder. Raises Mistake if their paths would be too long."""
        live, replay = (f"ipc://{folder / f'{name}.{kind}'}" for kind in ("live", "replay"))
        return cls(checked(live), checked(replay))

    @classmethod
    def at(cls, address: str) -> "Endpoint":
        """From one address, as people write it: a port means the next one too; a path, two
        sockets beside each other. Behind a # stands the file of its public key. Raises Mistake.
        """
        address, sharp, file = address.partition("#")
        found = cls._plainly_at(address)
        return replace(found, key=read_public(file)) if sharp else found

    @classmethod
    def _plainly_at(cls, address: str) -> "Endpoint":
        kind, _, rest = checked(address).partition("://")
        if kind == "ipc":
            path = Path(rest)
            return cls.ipc(path.parent, path.name)
        host, _, port = rest.rpartition(":")
        return cls(address, address) if port == "*" else cls.tcp(host, int(port))

    @classmethod
    def tcp(cls, host: str, port: int) -> "Endpoint":
        """A port and the next one. Raises Mistake."""
        return cls(checked(f"tcp://{host}:{port}"), checked(f"tcp://{host}:{port + 1}"))


def checked(address: str) -> str:
    """The address, if it is one. Raises Mistake."""
    kind, _, rest = address.partition("://")
    if kind == "ipc" and rest:
        return _checked_path(address, rest)
    if kind == "tcp" and (found := fullmatch(r"(\[.+\]|[^:\s]+):(\d+|\*)", rest)):
        if found[2] == "*" or int(found[2]) < 2**16:
            return address
        raise Mistake(f"bus: {address}: there is no port above 65535")
    raise Mistake(f"bus: {address!r} is no address; one is tcp://host:port or ipc:///folder/name")


def _checked_path(address: str, path: str) -> str:
    length = len(path.encode())
    if length > zmq.IPC_PATH_MAX_LEN:
        raise Mistake(
            f"bus: {address}: a socket's path has at most {zmq.IPC_PATH_MAX_LEN} bytes, "
            f"this one {length}; choose a folder nearer to the root"
        )
    return address


def bind(socket: zmq.Socket[bytes], address: str, pair: Pair | None = None) -> str:
    """Bind a socket; returns the address with the port that was taken. Raises Mistake.

    pair: to let only those in who have its public key, and to encrypt
    """
    kind, _, path = checked(address).partition("://")
    if kind == "ipc" and _is_listened_to(path):
        raise Mistake(f"bus: {address} is in use by another process")
    if pair:
        pair.guard(socket)
    try:
        socket.bind(address)
    except zmq.ZMQError as error:
        raise Mistake(f"bus: {address} cannot be bound: {error.strerror}") from error
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)


def require_free(*addresses: str) -> None:
    """Bind some addresses for a moment. Raises Mistake that names one that cannot be had."""
    with zmq.Context() as context:
        sockets = [opened(context, zmq.PUB) for _ in addresses]
        try:
            for socket, address in zip(sockets, addresses, strict=True):
                bind(socket, address)
        finally:
            for socket in sockets:
                socket.close()


def connect(socket: zmq.Socket[bytes], address: str) -> None:
    """Connect a socket, now or as soon as somebody is there; see links. Raises Mistake."""
    try:
        socket.connect(checked(address))
    except zmq.ZMQError as error:
        raise Mistake(f"bus: {address} cannot be connected to: {error.strerror}") from error


def opened(context: "zmq.Context[zmq.Socket[bytes]]", kind: int) -> zmq.Socket[bytes]:
    """A socket that never waits for anybody when it is closed."""
    socket = context.socket(kind)
    socket.linger = 0
    socket.sndhwm = socket.rcvhwm = MOST_QUEUED
    # A peer that sends more is cut off before it fills the memory.
    small = kind in (zmq.ROUTER, zmq.XPUB, zmq.PUB)
    socket.maxmsgsize = MOST_REQUEST_BYTES if small else MOST_BYTES
    # Peers behind a router that forgets the connection are missed after a minute, not in hours.
    socket.heartbeat_ivl, socket.heartbeat_timeout = 15_000, 60_000
    return socket


def _is_listened_to(path: str) -> bool:
    """Whether somebody answers at a Unix socket; ZeroMQ itself would take it away from them."""
    with plain.socket(plain.AF_UNIX, plain.SOCK_STREAM) as knocking, suppress(OSError):
        knocking.connect(path)
        return True
    return False
