"""One file of a journal: records one after the other, never changed, only added to.

The file is named by the number of its first record: 00000000000000000001.journal. Each record:

    byte  0  length    uint32, bytes of the message
          4  sequence  uint64, its number: that of the record before it and one
         12  crc       uint32, CRC-32 of the message
         16  check     uint32, CRC-32 of the 16 bytes above
         20  message   unsigned: see signing.py

All numbers are little-endian. The check tells two things apart. A write that was cut off (the
process was killed, the power failed) leaves a good check and too few bytes, or no check at all:
nobody was told of that record, it is cut off. Anything else is damage: what follows cannot be
found any more, but may have been told to somebody, so its numbers must not be given out again.
"""

import errno
import os
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct as Layout
from typing import BinaryIO, NamedTuple
from zlib import crc32

SUFFIX = ".journal"
_RECORD = Layout("<IQI")
_CHECK = Layout("<I")
HEADER_BYTES = _RECORD.size + _CHECK.size
SMALLEST_BYTES = HEADER_BYTES + 32  # no message is smaller


class Entry(NamedTuple):
    """A batch in the journal, packed and not signed."""

    sequence: int
    unsigned: bytes


@dataclass(eq=False)
class Segment:
    """A segment file.

    offsets:  where each record starts; None until somebody wants to read it
    size:     bytes of the file that hold records
    damaged:  bytes after them in which nothing can be found
    """

    path: Path
    first: int
    size: int
    offsets: "array[int] | None" = None
    damaged: int = 0
    _descriptor: int = field(default=-1, repr=False)

    @classmethod
    def create(cls, folder: Path, first: int) -> "Segment":
        """Make an empty segment, durably. Raises OSError."""
        path = folder / f"{first:020}{SUFFIX}"
        segment = cls(path, first, 0, array("Q"))
        segment._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        sync_folder(folder)
        return segment

    @classmethod
    def existing(cls, path: Path) -> "Segment":
        return cls(path, int(path.stem), path.stat().st_size)

    def reopen(self) -> None:
        """Go on writing after the last whole record; what was cut off goes. Raises OSError."""
        self.scan()
        self._descriptor = os.open(self.path, os.O_RDWR)
        if not self.damaged:
            os.ftruncate(self._descriptor, self.size)

    def scan(self) -> "array[int]":
        """Find the records. Raises OSError."""
        if self.offsets is None:
            content = self.path.read_bytes()
            self.offsets, self.size = _found(content, self.first)
            if not _cut_off(content, self.size, self.first + len(self.offsets)):
                self.damaged = len(content) - self.size
        return self.offsets

    def append(self, entry: Entry) -> None:
        """Write a record and wait until the disk has it. Raises OSError; then nothing is added."""
        if os.fstat(self._descriptor).st_nlink == 0:  # written to, and gone with this process
            raise OSError(errno.ENOENT, "its file was removed; start this process again")
        offsets = self.scan()
        record = _packed(entry)
        try:
            _write(self._descriptor, record, self.size)
            os.fdatasync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            raise
        offsets.append(self.size)
        self.size += len(record)

    def since(self, sequence: int) -> Iterator[Entry]:
        """The readable records after a number, in order."""
        try:
            offsets = self.scan()
            with self.path.open("rb") as file:
                for index in range(max(sequence + 1 - self.first, 0), len(offsets)):
                    entry = _read(file, offsets[index])
                    if entry is not None:
                        yield entry
        except FileNotFoundError:  # it was acknowledged or outgrown meanwhile
            return

    def close(self) -> None:
        """Stop adding to it."""
        os.close(self._descriptor)
        self._descriptor = -1


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, not only what the files hold. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _packed(entry: Entry) -> bytes:
    record = _RECORD.pack(len(entry.unsigned), entry.sequence, crc32(entry.unsigned))
    return b"".join((record, _CHECK.pack(crc32(record)), entry.unsigned))


def _write(descriptor: int, record: bytes, offset: int) -> None:
    # A full disk takes a part first; only the next call says why.
    rest = memoryview(record)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written


def _header(content: bytes, offset: int) -> tuple[int, int, int] | None:
    """Length, sequence and CRC of the record at an offset; None if there is none."""
    if offset + HEADER_BYTES > len(content):
        return None
    record = content[offset : offset + _RECORD.size]
    if _CHECK.unpack_from(content, offset + _RECORD.size)[0] != crc32(record):
        return None
    length, sequence, crc = _RECORD.unpack(record)
    return length, sequence, crc


def _found(content: bytes, first: int) -> "tuple[array[int], int]":
    """Where the whole records start, and where the last of them ends."""
    offsets, end = array("Q"), 0
    while header := _header(content, end):
        length, sequence, _ = header
        if sequence != first + len(offsets) or end + HEADER_BYTES + length > len(content):
            break
        offsets.append(end)
        end += HEADER_BYTES + length
    return offsets, end


def _cut_off(content: bytes, end: int, sequence: int) -> bool:
    """Whether what follows the whole records is a write that did not get to its end.

    A power failure may leave a file that is longer already and holds zeros.
    """
    header = _header(content, end)
    if header is not None:
        return header[1] == sequence
    return len(content) - end < HEADER_BYTES or not any(content[end:])


def _read(file: BinaryIO, offset: int) -> Entry | None:
    """The record at an offset; None if its message is damaged."""
    file.seek(offset)
    header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:  # the file was cut short meanwhile
        return None
    length, sequence, crc = _RECORD.unpack(header[: _RECORD.size])
    unsigned = file.read(length)
    return Entry(sequence, unsigned) if crc32(unsigned) == crc else None
