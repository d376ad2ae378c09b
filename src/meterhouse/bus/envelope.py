"""A batch as bytes, and back. One batch is one message under one signature.

    byte  0  signature, mark, version, kind "B": see signing.py
         36  h          uint32, length of the head
         40  head       msgpack array:
                          publisher  text, 1 to 200 characters, none of them a control character
                          epoch      int, milliseconds since 1970
                          sequence   int, 1, 2, 3, ...
                          sent_ms    int, milliseconds since 1970
                          series     bytes: see naming.py
                          count      int, samples in the batch: n
                          base_ms    int, what is added to every time
                          at_bytes   int, bytes of one time: 0 (all are base_ms), 2, 4 or 8
                          key_bytes  int, bytes of one key: 0 (they are 0, 1, 2, ...), 1, 2 or 4
                          snapshots  bytes: see listing.py; empty if there are none
             zeros      to a multiple of 8
             value      n times float64
             at         n times uint16, uint32 or int64, milliseconds after base_ms
             key        n times uint8, uint16 or uint32, index into the series

All numbers are little-endian. A thousand wattmeters read in one round take about 11 kB: 8 bytes a
value, no keys, few bytes of time, and their names deflated.
"""

from struct import Struct as Layout
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, Struct, msgpack
from numpy.typing import NDArray

from meterhouse.bus import listing, naming
from meterhouse.bus.signing import (
    MOST_BYTES,
    OPENING_BYTES,
    SIGNATURE_BYTES,
    UNREADABLE,
    Kind,
    opening,
)
from meterhouse.bus.signing import sign as _sign
from meterhouse.bus.signing import verified as _verified
from meterhouse.metering.batches import Batch
from meterhouse.metering.errors import BadMessage
from meterhouse.metering.samples import Columns, Series

Publisher = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
Moment = Annotated[int, Meta(ge=0, le=2**62)]  # milliseconds since 1970
Sequence = Annotated[int, Meta(ge=1, le=2**62)]

_LENGTH = Layout("<I")
_HEAD = OPENING_BYTES + _LENGTH.size  # in an unsigned message
_OPENING = opening(Kind.BATCH)
_AT: dict[int, np.dtype[Any]] = {2: np.dtype("<u2"), 4: np.dtype("<u4"), 8: np.dtype("<i8")}
_KEY: dict[int, np.dtype[Any]] = {1: np.dtype("<u1"), 2: np.dtype("<u2"), 4: np.dtype("<u4")}
_VALUE = np.dtype("<f8")
_NUMBERS = np.arange(2**16, dtype=np.uint32)
_NUMBERS.setflags(write=False)
_FARTHEST = 2**62  # times beyond cannot be added to without overflowing: they travel as they are


class _Head(Struct, array_like=True, frozen=True):
    publisher: Publisher
    epoch: Moment
    sequence: Sequence
    sent_ms: Moment
    series: bytes
    count: Annotated[int, Meta(ge=0, le=MOST_BYTES)]
    base_ms: Annotated[int, Meta(ge=-_FARTHEST, le=_FARTHEST)]
    at_bytes: Annotated[int, Meta(ge=0, le=8)]
    key_bytes: Annotated[int, Meta(ge=0, le=4)]
    snapshots: bytes


_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(_Head).decode


def seal(batch: Batch, secret: bytes) -> bytes:
    """The signed message of a batch. Raises ValueError as ``pack`` does."""
    return _sign(pack(batch), secret)


def unseal(message: bytes, secret: bytes) -> Batch:
    """The batch of a signed message.

    Its samples' values are a read-only view of the message. Batches that name the same series in
    the same order share one ``series`` tuple object, as long as it is remembered.

    Raises BadMessage: "signature", "version" or "format".
    """
    if _verified(message, secret) is not Kind.BATCH:
        raise BadMessage("format", "not a batch")
    return unpack(message)


def pack(batch: Batch) -> bytes:
    """The unsigned message of a batch.

    Raises ValueError if a reader would refuse it: a key without a series, a series named twice,
    a field of a snapshot that holds something else than it should, more than 64 MiB.
    """
    samples = batch.samples
    base_ms, at_bytes, at = _packed_times(samples.at)
    key_bytes, key = _packed_keys(samples)
    head = _packed_head(
        _Head(
            publisher=batch.publisher,
            epoch=batch.epoch,
            sequence=batch.sequence,
            sent_ms=batch.sent_ms,
            series=naming.pack(samples.series),
            count=len(samples),
            base_ms=base_ms,
            at_bytes=at_bytes,
            key_bytes=key_bytes,
            snapshots=listing.pack(batch.snapshots),
        )
    )
    value = samples.value.astype(_VALUE).tobytes()
    padding = bytes(-(SIGNATURE_BYTES + _HEAD + len(head)) % 8)
    unsigned = b"".join((_OPENING, _LENGTH.pack(len(head)), head, padding, value, at, key))
    if SIGNATURE_BYTES + len(unsigned) > MOST_BYTES:
        raise ValueError(f"{len(samples)} samples are too many for one batch")
    return unsigned


def unpack(message: bytes) -> Batch:
    """The batch of a message whose signature was looked at. Raises BadMessage "format"."""
    head, start = _unpacked_head(message)
    series = naming.unpack(head.series)
    return Batch(
        publisher=head.publisher,
        epoch=head.epoch,
        sequence=head.sequence,
        sent_ms=head.sent_ms,
        samples=_unpacked_columns(message, head, start, series),
        snapshots=listing.unpack(head.snapshots),
    )


def _packed_head(head: _Head) -> bytes:
    packed = _encode(head)
    try:
        _decode(packed)  # a number out of range, a name too long: said here, not by the reader
    except UNREADABLE as error:
        raise ValueError(str(error)) from error
    return packed


def _unpacked_head(message: bytes) -> tuple[_Head, int]:
    """The head, and where the columns start."""
    start = SIGNATURE_BYTES + _HEAD
    if len(message) < start:
        raise BadMessage("format", "cut off")
    end = start + _LENGTH.unpack_from(message, start - _LENGTH.size)[0]
    try:
        head = _decode(memoryview(message)[start:end])
    except UNREADABLE as error:
        raise BadMessage("format", f"head: {error}") from error
    start = end + -end % 8
    if len(message) != start + head.count * (_VALUE.itemsize + head.at_bytes + head.key_bytes):
        raise BadMessage("format", "its length is not what its head says")
    return head, start


def _unpacked_columns(
    message: bytes, head: _Head, start: int, series: tuple[Series, ...]
) -> Columns:
    value = np.frombuffer(message, _VALUE, head.count, start)
    start += value.nbytes
    at = _unpacked_times(message, head, start)
    start += head.at_bytes * head.count
    return Columns(series, _unpacked_keys(message, head, start, len(series)), at, value)


def _packed_times(at: NDArray[np.int64]) -> tuple[int, int, bytes]:
    """What to add to every time, bytes a time, and the times in as few bytes as hold them."""
    if not at.size:
        return 0, 0, b""
    first, last = int(at.min()), int(at.max())
    if last - first >= 2**32 or abs(first) > _FARTHEST:
        return 0, 8, at.astype(_AT[8]).tobytes()
    if first == last:
        return first, 0, b""
    width = 2 if last - first < 2**16 else 4
    return first, width, (at - first).astype(_AT[width]).tobytes()


def _unpacked_times(message: bytes, head: _Head, start: int) -> NDArray[np.int64]:
    if not head.at_bytes:
        return np.full(head.count, head.base_ms, np.int64)
    if head.at_bytes not in _AT:
        raise BadMessage("format", f"times of {head.at_bytes} bytes")
    at: NDArray[np.int64] = np.frombuffer(message, _AT[head.at_bytes], head.count, start)
    return at if head.at_bytes == 8 else at.astype(np.int64) + head.base_ms


def _packed_keys(samples: Columns) -> tuple[int, bytes]:
    """Bytes a key, and the keys."""
    key, names = samples.key, len(samples.series)
    if not key.size or (len(key) == names and np.array_equal(key, _counting(names))):
        return 0, b""
    if int(key.max()) >= names:
        raise ValueError(f"a sample points at series {int(key.max())} of {names}")
    width = 1 if names <= 2**8 else 2 if names <= 2**16 else 4
    return width, key.astype(_KEY[width]).tobytes()


def _unpacked_keys(message: bytes, head: _Head, start: int, names: int) -> NDArray[np.uint32]:
    if not head.key_bytes:
        if head.count not in (0, names):
            raise BadMessage("format", f"{head.count} samples without keys of {names} series")
        return _counting(head.count)
    if head.key_bytes not in _KEY:
        raise BadMessage("format", f"keys of {head.key_bytes} bytes")
    packed = np.frombuffer(message, _KEY[head.key_bytes], head.count, start)
    key: NDArray[np.uint32] = packed.astype(np.uint32)
    if key.size and int(key.max()) >= names:
        raise BadMessage("format", f"a sample points at series {int(key.max())} of {names}")
    return key


def _counting(count: int) -> NDArray[np.uint32]:
    """0, 1, 2, ...: the keys of a batch in which every series has one sample."""
    return _NUMBERS[:count] if count <= len(_NUMBERS) else np.arange(count, dtype=np.uint32)
