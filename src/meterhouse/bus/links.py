"""A socket's connections to those who bind: made, watched, and made anew where ZeroMQ gives up.

It tries again by itself where nobody is there, and where somebody has another key; not where a
peer speaks otherwise (one side encrypts and the other does not, or that is no ZeroMQ). Source:
libzmq 4.3.5, where a protocol error ends the session.
"""

import asyncio
from collections.abc import Callable, Sequence
from enum import IntEnum

import zmq
from zmq.utils.monitor import parse_monitor_message

from meterhouse.bus.curve import speak
from meterhouse.bus.endpoints import connect
from meterhouse.bus.line import Line

AGAIN_S = 5.0


class Link(IntEnum):
    """How a connection is. The numbers are kept by houses."""

    DOWN = 0
    UP = 1
    OTHER_KEY = 2
    UNLIKE = 3

    def __str__(self) -> str:
        return _SAID[self]


_SAID = {
    Link.DOWN: "down",
    Link.UP: "up",
    Link.OTHER_KEY: "there, but ends the connection at once: has it another key?",
    Link.UNLIKE: "there, but nothing passes: does only one side encrypt? is it a bus?",
}
_LINKS: dict[int, Link] = {
    zmq.EVENT_HANDSHAKE_SUCCEEDED: Link.UP,
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: Link.OTHER_KEY,
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: Link.OTHER_KEY,
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: Link.UNLIKE,
    zmq.EVENT_DISCONNECTED: Link.DOWN,
}


class Links:
    """To be used in the event loop only.

    on_link:   called with an address and how it is now, when that changes
    on_given_up: called with an address, after a pause, that ``again`` has to be called for;
               by default that is done

    states:    address to how it was last
    """

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        *,
        on_link: Callable[[str, Link], None] = lambda address, link: None,
        on_given_up: Callable[[str], None] | None = None,
        again_s: float = AGAIN_S,
    ) -> None:
        self._socket, self._on_link, self._again_s = socket, on_link, again_s
        self._on_given_up = on_given_up or self.again
        self._keys: dict[str, bytes] = {}
        self.states: dict[str, Link] = {}
        self._monitor = Line(socket.get_monitor_socket(sum(_LINKS)), self._told)
        self._calls: dict[str, asyncio.TimerHandle] = {}

    def connect(self, address: str, key: bytes = b"") -> None:
        """Now, or as soon as somebody is there. Raises Mistake.

        key: of whoever binds, to encrypt
        """
        speak(self._socket, key)
        connect(self._socket, address)
        self._keys[address], self.states[address] = key, Link.DOWN

    def again(self, address: str) -> None:
        """Connect anew where ZeroMQ has given up."""
        self._socket.disconnect(address)
        speak(self._socket, self._keys[address])
        connect(self._socket, address)

    def close(self) -> None:
        for call in self._calls.values():
            call.cancel()
        self._monitor.close()

    def _told(self, frames: Sequence[bytes]) -> None:
        told = parse_monitor_message(list(frames))
        address, link = told["endpoint"].decode(), _LINKS[told["event"]]
        before = self.states.get(address, Link.DOWN)
        if link is Link.UNLIKE:
            loop = asyncio.get_running_loop()
            self._calls[address] = loop.call_later(self._again_s, self._on_given_up, address)
        # After a failed handshake comes the end of its connection, which tells less; and where
        # only one side encrypts, either may be the first to hang up.
        if link is before or (Link.UP not in (link, before) and link < before):
            return
        self.states[address] = link
        self._on_link(address, link)
