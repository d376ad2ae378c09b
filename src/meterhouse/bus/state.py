"""What a journal remembers beside its batches: two small files, each with a check of its own.

    state.json   publisher, epoch, what was acknowledged, what was lost and which numbers bore it
    last.mark    the epoch and the highest number that was given out; written after each batch

    last.mark, byte 0   epoch     uint64, little-endian, as all numbers
                    8   sequence  uint64
                   16   check     uint32, CRC-32 of the 16 bytes above

The mark is not synced: a power failure leaves an older one, never one ahead of the batches. It
tells a file that was cut short from one that holds all that was promised.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import Struct as Layout
from typing import Annotated
from zlib import crc32

from msgspec import Meta, Struct, json
from msgspec.structs import replace

from meterhouse.bus.envelope import Moment
from meterhouse.bus.messages import Number
from meterhouse.bus.segment import sync_folder
from meterhouse.bus.signing import UNREADABLE
from meterhouse.metering.errors import Mistake

NAME = "state.json"
MARK = "last.mark"
_MARK = Layout("<QQ")
_CHECK = Layout("<I")

Gap = tuple[int, int]
"""Numbers from the first to the last, both included."""


class State(Struct, frozen=True, forbid_unknown_fields=True):
    """How a journal stands.

    gone:   numbers after the acknowledged that were counted in ``lost``, in order
    check:  CRC-32 of all else; files of version 1 have none
    """

    publisher: str
    epoch: Moment
    acknowledged: Number = 0
    lost: Number = 0
    version: Annotated[int, Meta(ge=1, le=2)] = 1
    gone: tuple[Gap, ...] = ()
    check: int = 0

    def losing(self, first: int, last: int) -> "State":
        """The state after numbers were lost. Those that are counted already are not again."""
        fresh = tuple(without([(first, last)], self.gone))
        gone = joined([*self.gone, *fresh])
        return replace(self, lost=self.lost + length(fresh), gone=tuple(gone))

    def acknowledging(self, sequence: int) -> "State":
        """The state once all up to a number is acknowledged: what was lost below is told."""
        gone = tuple(each for each in self.gone if each[1] > sequence)
        return replace(self, acknowledged=sequence, gone=gone)


def load(path: Path) -> State:
    """Read a state file. Raises Mistake if it is not as it was written, OSError if not there."""
    content = path.read_bytes()
    try:
        state = json.decode(content, type=State)
    except UNREADABLE as error:
        what = "is empty" if not content.strip(b"\0 \n") else f"is damaged ({error})"
        raise Mistake(f"journal {path}: {what}; {MENDING}") from error
    if state.version > 1 and state.check != _checked(state):
        raise Mistake(f"journal {path}: is damaged (its check is wrong); {MENDING}")
    return state


MENDING = "it is written anew from the batches when its publisher starts"


def save(path: Path, state: State) -> None:
    """Replace the state file, wholly or not at all. Raises OSError."""
    state = replace(state, version=2)
    beside = path.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(json.format(json.encode(replace(state, check=_checked(state)))))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def _checked(state: State) -> int:
    return crc32(json.encode(replace(state, check=0)))


@dataclass(eq=False)
class Mark:
    """The mark of a journal's folder, to be written by one process."""

    folder: Path
    _descriptor: int = -1

    def read(self) -> Gap:
        """Epoch and number; (0, 0) if there is none that can be believed. Raises OSError."""
        try:
            content = (self.folder / MARK).read_bytes()
        except FileNotFoundError:
            return 0, 0
        said = content[: _MARK.size]
        if content[_MARK.size :] != _CHECK.pack(crc32(said)) or len(said) < _MARK.size:
            return 0, 0
        epoch, sequence = _MARK.unpack(said)
        return epoch, sequence

    def write(self, epoch: int, sequence: int) -> None:
        """Note what was given out. Raises OSError; the mark then stays behind."""
        if self._descriptor < 0:
            flags = os.O_WRONLY | os.O_CREAT
            self._descriptor = os.open(self.folder / MARK, flags, 0o600)
        said = _MARK.pack(epoch, sequence)
        os.pwrite(self._descriptor, said + _CHECK.pack(crc32(said)), 0)
        os.ftruncate(self._descriptor, _MARK.size + _CHECK.size)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def length(gaps: Iterable[Gap]) -> int:
    """How many numbers are in some gaps."""
    return sum(last + 1 - first for first, last in gaps)


def missing(there: Iterable[int], first: int, last: int) -> Iterator[Gap]:
    """The numbers from the first to the last that are not there.

    there:  numbers in order
    """
    for number in there:
        if first <= number <= last:
            if number > first:
                yield first, number - 1
            first = number + 1
    if first <= last:
        yield first, last


def without(gaps: Iterable[Gap], others: Iterable[Gap]) -> Iterator[Gap]:
    """Gaps less what other gaps have. Others in order."""
    for first, last in gaps:
        start = first
        for begin, end in others:
            if end >= start and begin <= last:
                if begin > start:
                    yield start, begin - 1
                start = end + 1
        if start <= last:
            yield start, last


def joined(gaps: Iterable[Gap]) -> list[Gap]:
    """Gaps in order, and those that touch as one."""
    whole: list[Gap] = []
    for first, last in sorted(gaps):
        if whole and first <= whole[-1][1] + 1:
            whole[-1] = whole[-1][0], max(whole[-1][1], last)
        else:
            whole.append((first, last))
    return whole
