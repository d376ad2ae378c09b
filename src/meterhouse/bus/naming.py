"""The series of a batch as one blob: deflated msgpack, [[resource, meter, hold_ms], ...].

The same series come batch after batch. A publisher packs them once and a reader unpacks them
once, and then gets the same tuple object again, by which it may remember its own numbers for them.
"""

from msgspec import msgpack

from meterhouse.bus.cache import Cache
from meterhouse.bus.deflating import deflate, inflate
from meterhouse.bus.signing import UNREADABLE
from meterhouse.metering.errors import BadMessage
from meterhouse.metering.samples import Series

MOST_BYTES = 16 * 2**20  # of one blob, unpacked
MOST_KEPT = 500_000  # series in the caches' tuples: some 100 MB at worst, usually a thousandth
LONGEST_HOLD_MS = 2**53

_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(tuple[Series, ...]).decode
_by_identity: Cache[tuple[tuple[Series, ...], bytes]] = Cache(MOST_KEPT)
_by_bytes: Cache[bytes] = Cache(MOST_KEPT)
_by_blob: Cache[tuple[Series, ...]] = Cache(MOST_KEPT)


def pack(series: tuple[Series, ...]) -> bytes:
    """The blob of some series. Raises ValueError if no reader would accept it."""
    # By identity: hashing a thousand series costs as much as packing them. The cache holds the
    # tuple, so that its identity is not given to another while it is in there.
    found = _by_identity.get(id(series))
    if found is not None:
        return found[1]
    blob = _pack(series)
    return _by_identity.put(id(series), (series, blob), 1 + len(series))[1]


def unpack(blob: bytes) -> tuple[Series, ...]:
    """The series of a blob; of an equal blob the same object. Raises BadMessage."""
    found = _by_blob.get(blob)
    if found is not None:
        return found
    try:
        series = _decode(inflate(blob, MOST_BYTES))
        _check(series)
    except UNREADABLE as error:
        raise BadMessage("format", f"series: {error}") from error
    return _by_blob.put(blob, series, 1 + len(series))


def _pack(series: tuple[Series, ...]) -> bytes:
    plain = _encode(series)
    found = _by_bytes.get(plain)
    if found is not None:
        return found
    try:
        _check(_decode(plain))
    except UNREADABLE as error:
        raise ValueError(f"series: {error}") from error
    if len(plain) > MOST_BYTES:
        raise ValueError(f"{len(series)} series are too many for one batch")
    return _by_bytes.put(plain, deflate(plain), 1 + len(series))


def _check(series: tuple[Series, ...]) -> None:
    if len(set(series)) < len(series):
        raise ValueError("a series is named twice")
    for one in series:
        if "\0" in one.resource or "\0" in one.meter:  # PostgreSQL cannot keep it
            raise ValueError(f"{one.resource!r} {one.meter!r}: a name with a zero byte")
        if not 0 <= one.hold_ms <= LONGEST_HOLD_MS:
            raise ValueError(f"{one.resource} {one.meter} cannot hold for {one.hold_ms} ms")
