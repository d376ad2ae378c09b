"""A gate between gufo_snmp and the network that lets in only what the agent has signed.

gufo_snmp signs what it asks and does not check the signature of what it is answered (0.13: nothing
in its src/auth verifies), so that a stranger's answer would be believed. Its socket is therefore
put behind this gate: it speaks to one end of a pair of local sockets, and the gate passes on what
comes out, and what comes back if it is genuine.
"""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from gufo.snmp.aio import SnmpSession

from meterhouse.clients.snmp.access import Access
from meterhouse.clients.snmp.signature import Signatures

LARGEST_BYTES = 65_535


@dataclass(slots=True)
class Gate:
    """refused: whether the machine has said that nothing listens there."""

    inside: socket.socket
    outside: socket.socket
    signatures: Signatures
    refused: bool = False

    def pass_out(self) -> None:
        with suppress(BlockingIOError):
            self.outside.send(self.inside.recv(LARGEST_BYTES))

    def pass_in(self) -> None:
        try:
            packet = self.outside.recv(LARGEST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self.refused = True
            return
        self.refused = False
        if self.signatures.is_genuine(packet):
            with suppress(BlockingIOError):  # nobody fetches them: as good as lost on the way
                self.inside.send(packet)


@contextmanager
def gated(session: SnmpSession, address: str, port: int, access: Access) -> Iterator[Gate]:
    """Put a session, which nobody uses yet, behind a gate. Raises OSError."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    theirs, inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with theirs, inside, socket.socket(family, socket.SOCK_DGRAM) as outside:
        for one in (theirs, inside, outside):
            one.settimeout(0)
        outside.connect((address, port))
        os.dup2(theirs.fileno(), session._fd, inheritable=False)  # noqa: SLF001 - see above
        gate = Gate(inside, outside, Signatures(access, session.get_engine_id))
        loop.add_reader(inside, gate.pass_out)
        loop.add_reader(outside, gate.pass_in)
        try:
            yield gate
        finally:
            loop.remove_reader(inside)
            loop.remove_reader(outside)
