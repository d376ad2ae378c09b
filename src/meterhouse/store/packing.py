"""Columns of a head row: as small as a few comparisons make them. Not compressed: read too often.

All little-endian; how wide the numbers are follows from the length and the count n.

    series    uint32[n], ids; only the first where each is one more than the one before, as those
              of a source are that were all new at once
    at        nothing where all moments are the row's min_ms, else what follows it, in uint16[n]
              or uint32[n]; int64[n] where a batch spans more than 49 days
    value     one byte e, then int16[n] or int32[n], each divided by 10**e; 255, then float64[n],
              where no few decimal digits do

Rows of one layout (the same series, the same widths) are unpacked together, and of them only
what is wanted: a query for one series looks at one number of each row.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.uint32]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_DIGITS = 3  # after the point; more are rare and would be looked for in every batch
_FLOAT = 255
_WIDTHS: dict[int, Any] = {2: np.dtype("<u2"), 4: np.dtype("<u4"), 8: np.dtype("<i8")}
_SIGNED: dict[int, Any] = {2: np.dtype("<i2"), 4: np.dtype("<i4"), 8: np.dtype("<f8")}


def pack_series(ids: Ids) -> bytes:
    if (
        len(ids) > 1
        and int(ids[-1]) - int(ids[0]) == len(ids) - 1
        and (ids[1:] - ids[:-1] == 1).all()
    ):
        return ids[:1].tobytes()
    return ids.tobytes()


def pack_times(at: Ints, first_ms: int, last_ms: int) -> bytes:
    span = last_ms - first_ms
    if span == 0:
        return b""
    width = 2 if span < 2**16 else 4 if span < 2**32 else 8
    return (at - first_ms).astype(_WIDTHS[width]).tobytes()


def pack_values(value: Floats) -> bytes:
    for digits in range(_DIGITS + 1):
        # One number tells most often that these are not enough: cheaper than to try them all.
        if np.rint(value[0] * 10.0**digits) / 10.0**digits == value[0]:
            scaled = np.rint(value * 10.0**digits)
            if (scaled / 10.0**digits == value).all():
                return _packed(digits, scaled, value)
    return bytes((_FLOAT,)) + value.tobytes()


def _packed(digits: int, scaled: Floats, value: Floats) -> bytes:
    largest = max(scaled.max(), -scaled.min())
    if largest >= 2**31:
        return bytes((_FLOAT,)) + value.tobytes()
    return bytes((digits,)) + scaled.astype(_SIGNED[2 if largest < 2**15 else 4]).tobytes()


def fits(size: int, series: int, at: int, value: int, digits: bytes) -> bool:
    """Whether columns of so many bytes can be of a row of ``size`` samples, and hold numbers.

    digits: the first byte of the values
    """
    width, rest = divmod(value - 1, max(size, 1))
    of_digits = (2, 4) if digits and digits[0] <= _DIGITS else (8,) if digits == b"\xff" else ()
    return (
        size > 0
        and series in {4, 4 * size}
        and at in {0, 2 * size, 4 * size, 8 * size}
        and width in of_digits
        and not rest
    )


def unpack_series(blob: bytes, count: int) -> Ids:
    ids = np.frombuffer(blob, np.uint32)
    return ids if len(ids) == count else ids[0] + np.arange(count, dtype=np.uint32)


def unpack_times(blobs: Sequence[bytes], firsts_ms: Sequence[int], count: int, some: Any) -> Ints:
    """int64[rows, places]: the moments at some places of rows of one layout."""
    start = np.array(firsts_ms, np.int64)[:, None]
    width = len(blobs[0]) // count
    if not width:
        return np.repeat(start, count, axis=1)[:, some]
    after = np.frombuffer(b"".join(blobs), _WIDTHS[width]).reshape(len(blobs), count)
    times: Ints = start + after[:, some]
    return times


def unpack_values(blobs: Sequence[bytes], count: int, some: Any) -> Floats:
    """float64[rows, places]: the values at some places of rows of one layout."""
    digits, width = blobs[0][0], (len(blobs[0]) - 1) // count
    numbers = np.frombuffer(b"".join([blob[1:] for blob in blobs]), _SIGNED[width])
    wanted = numbers.reshape(len(blobs), count)[:, some]
    values: Floats = wanted if digits == _FLOAT else wanted / 10.0**digits
    return values
