"""Bytes made smaller, and back again without trusting them (RFC 1950, zlib)."""

import zlib


def deflate(plain: bytes) -> bytes:
    # Level 1: names repeat so much that more effort gains a sixth and costs three times the time.
    return zlib.compress(plain, 1)


def inflate(deflated: bytes, most: int) -> bytes:
    """What was deflated. Raises ValueError if it is not whole, or larger than ``most`` bytes."""
    inflating = zlib.decompressobj()
    try:
        plain = inflating.decompress(deflated, most)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not inflating.eof or inflating.unused_data:
        raise ValueError(f"not whole, or more than {most} bytes")
    return plain
