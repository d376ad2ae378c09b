"""How a block's payload is laid out, and how its columns are compressed.

A payload is, little-endian: one byte that names the layout (1), the length of each column but the
last (uint32), the columns. A column is one byte that names its coding, then

    LINE      int64 first, int64 step; then, unless every number lies on that line, the distances
              from it, as pcodec of integers
    SAME      float64, the one value that all numbers have
    DECIMAL   one byte e, then pcodec of integers: each number is one of them divided by 10**e
    FLOAT     pcodec of float64

Meters show decimal digits: 107.3 W is 1073 tenths, and noise of a few watts in tenths costs six
bits. pcodec's own search finds that too, but takes five times as long (bench/store.py).
Times of a regular cadence lie on a line and cost nothing.
"""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pcodec import ChunkConfig, DeltaSpec, ModeSpec, standalone

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LAYOUT = 1
_LINE, _SAME, _DECIMAL, _FLOAT = range(4)
_LINE_HEAD = struct.Struct("<Bqq")
_SAME_BODY = struct.Struct("<Bd")
_DECIMALS = 7  # digits after the point that are looked for
_EXACT = 2.0**53  # integers beyond this are not all floats
_NARROW = 2**31


def _config(order: int) -> ChunkConfig:
    delta = DeltaSpec.try_consecutive(order) if order else DeltaSpec.no_op()
    return ChunkConfig(compression_level=6, mode_spec=ModeSpec.classic(), delta_spec=delta)


_BY_ORDER = [_config(order) for order in range(3)]
_SEARCHED = ChunkConfig(compression_level=8)


def pack(columns: Sequence[bytes]) -> bytes:
    lengths = [len(column) for column in columns[:-1]]
    return b"".join((struct.pack(f"<B{len(lengths)}I", LAYOUT, *lengths), *columns))


def unpack(payload: bytes, columns: int) -> list[bytes]:
    """The columns of a payload. Raises ValueError if its layout is not known."""
    if payload[0] != LAYOUT:
        raise ValueError(f"a block has layout {payload[0]}; this program knows {LAYOUT}")
    ends = np.cumsum([4 * columns - 3, *struct.unpack_from(f"<{columns - 1}I", payload, 1)])
    bounds = [*ends.tolist(), len(payload)]
    return [payload[bounds[i] : bounds[i + 1]] for i in range(columns)]


def encode_ints(numbers: Ints) -> bytes:
    first, last, n = int(numbers[0]), int(numbers[-1]), len(numbers)
    step = round((last - first) / (n - 1)) if n > 1 else 0
    off = numbers - (first + step * np.arange(n))
    head = _LINE_HEAD.pack(_LINE, first, step)
    return head + _compress(off) if off.any() else head


def decode_ints(column: bytes, n: int) -> Ints:
    _, first, step = _LINE_HEAD.unpack_from(column)
    line: Ints = first + step * np.arange(n, dtype=np.int64)
    if len(column) > _LINE_HEAD.size:
        line += standalone.simple_decompress(column[_LINE_HEAD.size :])
    return line


def encode_floats(numbers: Floats) -> bytes:
    if (numbers == numbers[0]).all():
        return _SAME_BODY.pack(_SAME, numbers[0])
    found = decimals(numbers)
    if found is None:
        searched: bytes = standalone.simple_compress(numbers, _SEARCHED)
        return bytes([_FLOAT]) + searched
    digits, scaled = found
    return bytes([_DECIMAL, digits]) + _compress(scaled.astype(np.int64))


def decode_floats(column: bytes, n: int) -> Floats:
    match column[0]:
        case 1:  # _SAME
            return np.full(n, _SAME_BODY.unpack(column)[1])
        case 2:  # _DECIMAL
            return standalone.simple_decompress(column[2:]) / 10.0 ** column[1]  # type: ignore[no-any-return]
    return standalone.simple_decompress(column[1:])  # type: ignore[no-any-return]


def decimals(numbers: Floats) -> tuple[int, Floats] | None:
    """The fewest digits after the point that write every number exactly, and the numbers times
    ten to their power; None if a few digits do not do.
    """
    probe = numbers[:8]
    for digits in range(_DECIMALS + 1):
        scale = 10.0**digits
        if _exact(probe, scale) is not None:
            scaled = _exact(numbers, scale)
            if scaled is not None:
                return digits, scaled
    return None


def _exact(numbers: Floats, scale: float) -> Floats | None:
    scaled = np.rint(numbers * scale)
    if (scaled / scale == numbers).all() and np.abs(scaled).max() < _EXACT:
        return scaled
    return None


def _compress(numbers: Ints) -> bytes:
    """Pcodec of integers, by the order of differences that leaves the least to write."""
    if int(numbers.min()) > -_NARROW and int(numbers.max()) < _NARROW:
        numbers = numbers.astype(np.int32)
    return standalone.simple_compress(numbers, _BY_ORDER[_order(numbers)])  # type: ignore[no-any-return]


def _order(numbers: NDArray[np.signedinteger]) -> int:
    """How often to take differences: as long as what is left shrinks."""
    sample = numbers.astype(np.float64)
    spread = np.abs(sample - sample.mean()).sum()
    for order in range(2):
        sample = np.diff(sample)
        left = np.abs(sample).sum()
        if left >= spread:
            return order
        spread = left
    return 2
