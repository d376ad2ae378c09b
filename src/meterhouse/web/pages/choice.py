"""Which of the probes a reader chose: in the address, to be shared; in a cookie, to be kept.

Kwapi kept the choice in a cookie ``probes``. Its text is the same in both places: the probes' ids,
escaped, with commas between; or, where that would be long, ``~`` and one bit for each probe of the
house from the oldest on, compressed. That holds thousands in some hundred bytes, and stays right
when probes are added, for a probe's place never changes.
"""

import binascii
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Sequence
from urllib.parse import quote, unquote

import numpy as np

from meterhouse.live.probes import Probe, Probes
from meterhouse.metering.errors import Mistake

COOKIE = "probes"
LONGEST = 3000
"""So long is a choice at most: a browser keeps cookies of 4,096 bytes."""

_READABLE = 600
_MOST_BYTES = 1 << 16  # of bits, so half a million probes


def written(chosen: Collection[str], house: Probes) -> str:
    """Ids as a text; "" for all probes. Raises Mistake where no text can hold them."""
    plain = ",".join(quote(each, safe="/+:@") for each in chosen)
    if len(plain) <= _READABLE:
        return plain
    mine = np.array([probe.id in chosen for probe in house.all], np.bool_)
    packed = zlib.compress(np.packbits(mine).tobytes(), 9)
    text = f"~{urlsafe_b64encode(packed).decode().rstrip('=')}"
    if len(text) > LONGEST:
        raise Mistake("so many probes cannot be remembered one by one: choose fewer, or all")
    return text


def read(text: str, house: Probes) -> tuple[Probe, ...]:
    """The probes that a text names, in the house's order. Those that are not there are left out.

    Raises Mistake for a text that is none.
    """
    if len(text) > LONGEST:
        raise Mistake(f"probes: a choice has at most {LONGEST} characters")
    if text.startswith("~"):
        return _of_bits(text[1:], house.all)
    words = {unquote(word) for word in text.split(",") if word}
    named = {probe.resource for probe in map(house.find, words) if probe}
    return tuple(probe for probe in house.all if probe.resource in named)


def _of_bits(text: str, probes: Sequence[Probe]) -> tuple[Probe, ...]:
    try:
        packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        opened = zlib.decompressobj()
        found = opened.decompress(packed, _MOST_BYTES)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise Mistake("probes: this is no choice; choose again") from error
    if not opened.eof:
        raise Mistake("probes: this is no choice; choose again")
    bits = np.unpackbits(np.frombuffer(found, np.uint8))[: len(probes)]
    return tuple(probes[number] for number in np.flatnonzero(bits).tolist())
