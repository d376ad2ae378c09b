"""What a meter is plugged into: a serial port, or a bridge that passes its bytes on over TCP.

Both block, a glance at a time, and both raise OSError when what they lead to is gone.
"""

import socket
from typing import Protocol
from urllib.parse import urlsplit

import serial

BAUD = 115200
GLANCE_S = 0.2  # how long one look takes when nothing comes
ANSWER_S = 5.0


class Port(Protocol):
    """An open line."""

    def glance(self) -> bytes:
        """What has come; nothing, if nothing comes soon."""
        ...

    def send(self, text: bytes) -> None: ...

    def close(self) -> None: ...


class SerialPort:
    """A serial port of this machine, 8N1."""

    def __init__(self, path: str) -> None:
        self._port = serial.Serial(path, BAUD, timeout=GLANCE_S, write_timeout=ANSWER_S)

    def glance(self) -> bytes:
        try:
            return bytes(self._port.read(max(1, self._port.in_waiting)))
        except TypeError as error:  # pyserial, of a port that was closed meanwhile
            raise OSError("the port was closed") from error

    def send(self, text: bytes) -> None:
        self._port.write(text)

    def close(self) -> None:
        self._port.close()


class Bridge:
    """A bridge. pyserial has one of its own, which sleeps in closing and may leave its socket."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), ANSWER_S)
        self._socket.settimeout(GLANCE_S)

    def glance(self) -> bytes:
        try:
            part = self._socket.recv(256)
        except TimeoutError:
            return b""
        if not part:
            raise OSError("the bridge has closed the connection")
        return part

    def send(self, text: bytes) -> None:
        self._socket.sendall(text)

    def close(self) -> None:
        self._socket.close()


def port(device: str) -> Port:
    """Raises OSError."""
    return Bridge(device) if device.startswith("socket://") else SerialPort(device)
