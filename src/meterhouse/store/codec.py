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

Many blocks are encoded at once: what numpy can find out about all of them takes one call each;
only pcodec is called once for each column. Runs are the stretches of a long column that become
one block each; ``bounds`` are their ends: run i is ``bounds[i]`` to before ``bounds[i + 1]``, none
is empty, and they follow one another from 0 to the length.
"""

import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pcodec import ChunkConfig, DeltaSpec, ModeSpec, standalone

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LAYOUT = 1
_LINE, _SAME, _DECIMAL, _FLOAT = range(4)
_LINE_HEAD = struct.Struct("<Bqq")
_SAME_BODY = struct.Struct("<Bd")
DIGITS = 7  # after the point, that are looked for
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
    start, found = 4 * columns - 3, []
    for length in struct.unpack_from(f"<{columns - 1}I", payload, 1):
        found.append(payload[start : start + length])
        start += length
    return [*found, payload[start:]]


def encode_ints(numbers: Ints, bounds: Sequence[int]) -> Iterator[bytes]:
    """One column for each run."""
    ends = np.asarray(bounds)
    first, last, sizes = numbers[ends[:-1]], numbers[ends[1:] - 1], np.diff(ends)
    step = np.rint((last - first) / np.maximum(sizes - 1, 1)).astype(np.int64)
    index = np.arange(len(numbers)) - np.repeat(ends[:-1], sizes)
    off = numbers - np.repeat(first, sizes) - np.repeat(step, sizes) * index
    bent = np.logical_or.reduceat(off != 0, ends[:-1]).tolist()
    heads = zip(first.tolist(), step.tolist(), strict=True)
    # What lies off no line is not compressed: most often that is all of it.
    packed = _compress(off, bounds, bent) if any(bent) else iter([b""] * len(bent))
    for (start, by), rest in zip(heads, packed, strict=True):
        yield _LINE_HEAD.pack(_LINE, start, by) + rest


def decode_ints(column: bytes, n: int) -> Ints:
    _, first, step = _LINE_HEAD.unpack_from(column)
    line: Ints = np.arange(n, dtype=np.int64)
    line *= step
    line += first
    if len(column) > _LINE_HEAD.size:
        line += standalone.simple_decompress(column[_LINE_HEAD.size :])
    return line


def encode_floats(numbers: Floats, bounds: Sequence[int]) -> Iterator[bytes]:
    """One column for each run."""
    digits, scaled = decimals(numbers, bounds)
    starts = np.asarray(bounds[:-1])
    same = np.equal(numbers, np.repeat(numbers[starts], np.diff(bounds)))
    flat = np.logical_and.reduceat(same, starts).tolist()
    wanted = [e >= 0 and not constant for e, constant in zip(digits, flat, strict=True)]
    packed = _compress(scaled, bounds, wanted)
    for (start, end), e, constant, ints in zip(
        pairwise(bounds), digits, flat, packed, strict=True
    ):
        if constant:
            yield _SAME_BODY.pack(_SAME, numbers[start])
        elif e >= 0:
            yield bytes((_DECIMAL, e)) + ints
        else:
            yield bytes((_FLOAT,)) + standalone.simple_compress(numbers[start:end], _SEARCHED)


def decode_floats(column: bytes, n: int) -> Floats:
    coding = column[0]
    if coding == _SAME:
        return np.full(n, _SAME_BODY.unpack(column)[1])
    if coding == _DECIMAL:
        decimal: Floats = standalone.simple_decompress(column[2:]) / 10.0 ** column[1]
        return decimal
    plain: Floats = standalone.simple_decompress(column[1:])
    return plain


def decimals(numbers: Floats, bounds: Sequence[int], most: int = DIGITS) -> tuple[list[int], Ints]:
    """The fewest digits after the point that write every number of a run exactly; -1 if ``most``
    do not do. And the numbers times ten to that power (0 where it is -1).
    """
    starts = np.asarray(bounds[:-1])
    digits = np.full(len(starts), -1)
    scaled = np.zeros(len(numbers), np.int64)
    for e in range(most + 1):
        if not _exact(numbers[starts], 10.0**e)[0][digits < 0].any():
            continue  # the first number of no run says no already
        exact, times = _exact(numbers, 10.0**e)
        found = np.logical_and.reduceat(exact, starts) & (digits < 0)
        if found.all():
            return [e] * len(starts), times.astype(np.int64)
        if found.any():
            these = np.repeat(found, np.diff(bounds))
            scaled[these] = times[these].astype(np.int64)
            digits[found] = e
            if (digits >= 0).all():
                break
    return digits.tolist(), scaled


def _exact(numbers: Floats, scale: float) -> tuple[Flags, Floats]:
    times = np.rint(numbers * scale)
    return (times / scale == numbers) & (np.abs(times) < _EXACT), times


def _compress(numbers: Ints, bounds: Sequence[int], wanted: Sequence[bool]) -> Iterator[bytes]:
    """Each wanted run through pcodec, by the order of differences that leaves least to write."""
    if int(numbers.min()) > -_NARROW and int(numbers.max()) < _NARROW:
        numbers = numbers.astype(np.int32)
    orders = _orders(numbers, bounds)
    for (start, end), order, some in zip(pairwise(bounds), orders, wanted, strict=True):
        yield standalone.simple_compress(numbers[start:end], _BY_ORDER[order]) if some else b""


def _orders(numbers: Ints, bounds: Sequence[int]) -> list[int]:
    """How often to take differences in each run: as long as what is left shrinks."""
    starts, sizes = np.asarray(bounds[:-1]), np.diff(bounds)
    left = numbers.astype(np.float64)
    mean = np.add.reduceat(left, starts) / sizes
    spread = np.add.reduceat(np.abs(left - np.repeat(mean, sizes)), starts)
    orders = np.zeros(len(starts), np.int64)
    for order in (1, 2):
        left = np.diff(left, prepend=0.0)
        left[starts] = 0  # the difference to the run before
        rest = np.add.reduceat(np.abs(left), starts)
        orders[(rest < spread) & (orders == order - 1)] = order
        spread = rest
    return orders.tolist()
