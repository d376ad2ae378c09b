"""Whether an SNMPv3 answer was signed by who knows the user's key.

    message = 30 len { 02 version
                       30 len { 02 id, 02 size, 04 flags, 02 model }
                       04 len { 30 len { 04 engine, 02 boots, 02 time, 04 user,
                                         04 signature, 04 salt } }
                       data: 30 ... { 04 engine, 04 name, PDU }, or 04 ...: the same encrypted }

The signature is an HMAC over the whole message with zeros in the signature's place, cut to its
length. Source: RFC 3412, section 6; RFC 3414, sections 2.4 and 6.3; RFC 7860, section 4.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from meterhouse.clients.snmp.access import AUTHS, Access

LENGTHS = {"md5": 12, "sha": 12, "sha224": 16, "sha256": 24, "sha384": 32, "sha512": 48}
DIGESTS = {"sha": "sha1"}  # where hashlib calls it otherwise
SIGNED, ENCRYPTED = 1, 2  # flags
OCTETS, SEQUENCE, REPORT = 0x04, 0x30, 0xA8

Part = tuple[int, int, int]
"""An element: its type, where its content begins, and where it ends."""


class Broken(Exception):
    """A message that is not one."""


@dataclass(frozen=True, slots=True)
class Message:
    """What has to be known of a message to tell whether it is genuine."""

    flags: int
    engine: bytes
    signature: Part
    data: Part
    is_report: bool  # in the clear: how an agent refuses, and says what time it has

    @classmethod
    def of(cls, packet: bytes) -> "Message":
        """Raises Broken."""
        _, header, security, data = _parts(packet, _part(packet, 0, len(packet)), 4)
        flags = _parts(packet, header, 4)[2]
        inside = _part(packet, security[1], security[2])
        engine, _, _, _, signature, _ = _parts(packet, inside, 6)
        if flags[2] - flags[1] != 1:
            raise Broken
        return cls(
            packet[flags[1]],
            packet[engine[1] : engine[2]],
            signature,
            data,
            data[0] == SEQUENCE and _parts(packet, data, 3)[2][0] == REPORT,
        )


@dataclass(slots=True)
class Signatures:
    """The answers that one user may believe, of one agent.

    engine: who the agent is, b"" as long as it has not said so
    """

    access: Access
    engine: Callable[[], bytes]
    key: bytes = b""  # the user's, for this agent

    def is_genuine(self, packet: bytes) -> bool:
        """Whether an answer is signed, or is a refusal, which needs no signature.

        What a user who encrypts is answered must be encrypted as well.
        """
        try:
            message = Message.of(packet)
        except Broken:
            return False
        if message.is_report and not message.flags & SIGNED:
            return True
        if self.access.privacy and not message.flags & ENCRYPTED and not message.is_report:
            return False
        return bool(message.flags & SIGNED) and self._is_signed(packet, message)

    def _is_signed(self, packet: bytes, message: Message) -> bool:
        _, begin, end = message.signature
        length = LENGTHS[self.access.auth]
        if end - begin != length or not message.engine or message.engine != self.engine():
            return False
        blank = packet[:begin] + bytes(length) + packet[end:]
        digest = DIGESTS.get(self.access.auth, self.access.auth)
        right = hmac.digest(self._key(message.engine), blank, digest)[:length]
        return hmac.compare_digest(right, packet[begin:end])

    def _key(self, engine: bytes) -> bytes:
        """Made once: it takes a password a million bytes long, which is the point of it."""
        if not self.key:
            kind = AUTHS[self.access.auth]
            master = kind.get_master_key(self.access.auth_key.reveal().encode())
            self.key = kind.get_localized_key(master, engine)
        return self.key


def _parts(packet: bytes, part: Part, count: int) -> list[Part]:
    """The first elements inside one. Raises Broken."""
    _, at, end = part
    found = []
    for _ in range(count):
        found.append(_part(packet, at, end))
        at = found[-1][2]
    return found


def _part(packet: bytes, at: int, end: int) -> Part:
    """The element that begins there. Raises Broken if it does not end before ``end``."""
    if at + 2 > end:
        raise Broken
    kind, length, begin = packet[at], packet[at + 1], at + 2
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(packet[at + 2 : begin], "big")
    if begin + length > end:
        raise Broken
    return kind, begin, begin + length
