"""How many bytes an answer may take, so that as many objects are asked for at once as will fit.

    message = 30 len { version, community, A2 len { request, status, index, 30 len { pairs } } }
    pair    = 30 len { 06 len OID, type len value }

Source: RFC 3416; X.690, 8.19 for OIDs: the first two numbers share a byte, and each other takes a
byte for each 7 bits.
"""

from collections.abc import Iterable, Iterator

LARGEST_BYTES = 3_700
"""Of all pairs of an answer. gufo_snmp receives no more than 4,080 bytes (its src/buf/buffer.rs);
what is around the pairs takes up to 200 with SNMPv3."""
NUMBER_BYTES = 11  # type, length, and a Counter64 of nine bytes
PAIR_BYTES = 6  # two types, a length of one byte and one of three


def pair_bytes(oid: str, value_bytes: int = NUMBER_BYTES) -> int:
    """The most that an object and its value take."""
    numbers = [int(part) for part in oid.split(".")]
    return PAIR_BYTES + 1 + sum(_bytes(number) for number in numbers[2:]) + value_bytes


def _bytes(number: int) -> int:
    return max(1, -(-number.bit_length() // 7))


def fitting(oids: Iterable[str], limit: int = LARGEST_BYTES) -> Iterator[tuple[str, ...]]:
    """The same objects in the same order, in as few groups as fit into an answer each."""
    group: list[str] = []
    used = 0
    for oid in oids:
        size = pair_bytes(oid)
        if group and used + size > limit:
            yield tuple(group)
            group, used = [], 0
        group.append(oid)
        used += size
    if group:
        yield tuple(group)
