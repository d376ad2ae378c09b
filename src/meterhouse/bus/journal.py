"""A publisher's memory on disk: what was published and is not acknowledged yet.

A folder with

    state.json            publisher, epoch, what was acknowledged, what was lost: see state.py
    last.mark             the highest number that was given out
    lock                  held by the process that writes here
    0000....journal       segments: see segment.py

Nothing is sent before it is here, and nothing goes away unless it was acknowledged or the journal
outgrew its limit; then the loss is remembered, and told to whoever asks for the batches. What is
missing when it is opened, because files were cut short, damaged or removed, is a loss as well.
"""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from meterhouse.bus import envelope
from meterhouse.bus.segment import SMALLEST_BYTES, SUFFIX, Entry, Segment
from meterhouse.bus.signing import SIGNATURE_BYTES
from meterhouse.bus.state import NAME, Mark, State, load, missing, save, without
from meterhouse.metering.batches import Batch
from meterhouse.metering.clock import Clock
from meterhouse.metering.errors import BadMessage, Mistake
from meterhouse.metering.periods import from_ms, to_ms
from meterhouse.metering.samples import Columns
from meterhouse.metering.snapshots import Snapshot

log = logging.getLogger(__name__)

LIMIT_BYTES = 2**30  # a day of a thousand wattmeters at 1 Hz, eleven of a hundred
# A machine whose clock is not set yet must not begin a journal: epochs are compared.
EARLIEST_MS = to_ms(datetime(2026, 1, 1, tzinfo=UTC))
SEGMENT_BYTES = 8 * 2**20
SEGMENTS_AT_LEAST = 8  # in a full journal: outgrowing costs an eighth of it, not all


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalState:
    """How a journal stands.

    first, last:   the batches in it; first is last + 1 if there are none
    acknowledged:  the last batch that the recorder has
    lost:          how many batches went before they were acknowledged, ever (at most: of a damaged
                   file one cannot tell how many were in it)
    size:          bytes on disk
    """

    publisher: str
    epoch: int
    first: int
    last: int
    acknowledged: int
    lost: int
    size: int


class Journal:
    """The journal in a folder, which is made if need be; one process at a time.

    publisher:    the publisher's name, 1 to 200 characters; a folder is one publisher's for ever
    limit_bytes:  what it may grow to while nobody acknowledges

    Raises Mistake if the folder is another's, in use, unreadable, or cannot be written.
    To be used from one thread.
    """

    _state: State
    _segments: list[Segment]
    _next: int

    def __init__(
        self, folder: Path, publisher: str, clock: Clock, limit_bytes: int = LIMIT_BYTES
    ) -> None:
        if not 1 <= len(publisher) <= 200 or not publisher.isprintable():
            raise Mistake(f"journal {folder}: {publisher!r} cannot be a publisher's name")
        self.folder = folder
        self._clock = clock
        self._limit = limit_bytes
        self._segment_bytes = min(SEGMENT_BYTES, max(limit_bytes // SEGMENTS_AT_LEAST, 1))
        self._lock = -1
        self._mark = Mark(folder)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _locked(folder)
            self._open(publisher)
        except OSError as error:
            self._unlock()
            raise Mistake(f"journal {folder}: cannot be opened: {error.strerror}") from error
        except Mistake:
            self._unlock()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def publisher(self) -> str:
        return self._state.publisher

    @property
    def epoch(self) -> int:
        return self._state.epoch

    @property
    def last(self) -> int:
        """The number of the newest batch; 0 if there was none yet."""
        return self._next - 1

    @property
    def state(self) -> JournalState:
        return JournalState(
            publisher=self.publisher,
            epoch=self.epoch,
            first=self._segments[0].first,
            last=self.last,
            acknowledged=self._state.acknowledged,
            lost=self._state.lost,
            size=sum(segment.size for segment in self._segments),
        )

    def append(self, samples: Columns, snapshots: tuple[Snapshot, ...] = ()) -> Entry:
        """Give a batch the next number and keep it. On return it is on the disk.

        Raises OSError naming the folder (the disk is full, say), ValueError if no reader would
        accept the batch. Then nothing was added, and the number is given to the next batch.
        """
        entry = self._entry(samples, snapshots)
        with _told(self.folder):
            if self._segments[-1].size >= self._segment_bytes:
                self._begin_segment()
            self._segments[-1].append(entry)
            self._next += 1
        self._note_last()
        return entry

    def since(self, sequence: int) -> Iterator[Entry]:
        """The batches after a number that are here, in order. A number left out is lost."""
        return self._since(sequence)

    def _since(self, sequence: int) -> Iterator[Entry]:
        segments = [*self._segments]
        for segment, following in zip(segments, [*segments[1:], None], strict=True):
            if following is None or following.first > sequence + 1:
                yield from segment.since(sequence)

    def acknowledged(self, epoch: int, sequence: int) -> bool:
        """Take note that the recorder has everything up to a number, and forget it.

        Returns False, and does nothing, if it is of another epoch. One that comes again, or late,
        changes nothing. One that is ahead of the journal shows that the journal is a copy from
        earlier (restored from a backup): then numbers were given out twice, what bears them is
        lost, and the next number is a new one. Raises OSError naming the folder.
        """
        if epoch != self.epoch:
            return False
        if sequence > self.last:
            with _told(self.folder):
                self._catch_up(sequence)
        elif sequence > self._state.acknowledged:
            self._state = self._state.acknowledging(sequence)
            if self._forget_acknowledged():
                # Only for people to see: what is gone is known from what is left.
                self._save_if_possible()
        return True

    def close(self) -> None:
        """Stop writing here. Nothing is lost by not closing."""
        if self._lock >= 0:
            self._save_if_possible()
            self._segments[-1].close()
            self._unlock()

    def _unlock(self) -> None:
        self._mark.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _open(self, publisher: str) -> None:
        paths = sorted(self.folder.glob(f"{'[0-9]' * 20}{SUFFIX}"))
        self._segments = [Segment.existing(path) for path in paths]
        self._state = self._loaded(publisher) if paths else self._begun(publisher)
        if not paths:
            self._segments.append(Segment.create(self.folder, 1))
        newest = self._segments[-1]
        newest.reopen()
        self._next = newest.first + len(newest.scan())
        self._find_losses()
        if newest.damaged or self._next > newest.first + len(newest.scan()):
            self._begin_segment()
        self._note_last()

    def _begun(self, publisher: str) -> State:
        """The state of a journal that begins; what the one before it took along is lost."""
        epoch = self._clock.now_ms()
        if epoch < EARLIEST_MS:
            raise Mistake(f"journal {self.folder}: the clock says {from_ms(epoch):%Y}; set it")
        self._state = State(publisher=publisher, epoch=epoch)
        with suppress(FileNotFoundError, Mistake):
            before = load(self.folder / NAME)
            marked, last = self._mark.read()
            self._state = replace(self._state, lost=before.lost)
            if marked == before.epoch and last > before.acknowledged:
                self._lose(before.acknowledged + 1, last, "its files were removed")
        self._state = replace(self._state, gone=())
        save(self.folder / NAME, self._state)
        return self._state

    def _loaded(self, publisher: str) -> State:
        try:
            state = load(self.folder / NAME)
        except (FileNotFoundError, Mistake) as error:
            state = self._rebuilt(publisher, str(error))
        if state.publisher != publisher:
            raise Mistake(
                f"journal {self.folder}: belongs to {state.publisher!r}, not to {publisher!r}; "
                "give each publisher a folder of its own"
            )
        if state.version == 1:  # it did not say which numbers its losses bore
            told = (state.acknowledged + 1, self._segments[0].first - 1)
            state = replace(state, gone=(told,) if told[0] <= told[1] else ())
        return state

    def _rebuilt(self, publisher: str, why: str) -> State:
        """The state as batches and mark tell it. Raises Mistake if they tell nothing."""
        first = self._segments[0].first
        epoch, _ = self._mark.read()
        for entry in self._since(0):
            with suppress(BadMessage):
                batch = envelope.unpack(bytes(SIGNATURE_BYTES) + entry.unsigned)
                publisher, epoch = batch.publisher, batch.epoch
                break
        if not epoch:
            raise Mistake(
                f"journal {self.folder}: {NAME} is missing, empty or damaged, and no batch tells "
                "what it said; move the folder away, and a new journal is begun"
            )
        log.error("journal wrote %s anew; what it lost before is not known: %s", NAME, why)
        state = State(publisher=publisher, epoch=epoch, acknowledged=first - 1, version=2)
        save(self.folder / NAME, state)
        return state

    def _find_losses(self) -> None:
        """Count what was promised and is not here any more, and give no such number out again."""
        newest = self._segments[-1]
        epoch, marked = self._mark.read()
        last = max(marked if epoch == self.epoch else 0, self._state.acknowledged, self.last)
        if newest.damaged:
            last = max(last, self._next + newest.damaged // SMALLEST_BYTES)
        there = (entry.sequence for entry in self._since(self._state.acknowledged))
        gaps = list(missing(there, self._state.acknowledged + 1, last))
        self._next = last + 1
        for gap in without(gaps, self._state.gone):
            self._lose(*gap, "its files are damaged, were cut short or removed")

    def _note_last(self) -> None:
        with suppress(OSError):  # the mark stays behind: less can be told of a later damage
            self._mark.write(self.epoch, self.last)

    def _entry(self, samples: Columns, snapshots: tuple[Snapshot, ...]) -> Entry:
        batch = Batch(
            publisher=self.publisher,
            epoch=self.epoch,
            sequence=self._next,
            sent_ms=self._clock.now_ms(),
            samples=samples,
            snapshots=snapshots,
        )
        return Entry(self._next, envelope.pack(batch))

    def _begin_segment(self) -> None:
        begun = Segment.create(self.folder, self._next)
        self._segments[-1].close()
        self._segments.append(begun)
        self._forget_acknowledged()
        self._forget_outgrown()

    def _catch_up(self, sequence: int) -> None:
        """Go on after a number that the recorder has and the journal never gave out."""
        first, last = self._state.acknowledged + 1, self.last
        self._next = sequence + 1
        self._lose(first, last, "the recorder is ahead; was it restored from a backup?")
        self._state = self._state.acknowledging(sequence)
        self._begin_segment()
        self._note_last()
        self._save_if_possible()

    def _forget_acknowledged(self) -> bool:
        """Delete the segments of which nothing is wanted any more."""
        done = 0
        while (
            done + 1 < len(self._segments)
            and self._segments[done + 1].first <= self._state.acknowledged + 1
        ):
            done += 1
        self._delete(done)
        return done > 0

    def _forget_outgrown(self) -> None:
        """Delete the oldest segments until the rest is within the limit, remembering the loss."""
        size = sum(segment.size for segment in self._segments) + self._segment_bytes
        while size > self._limit and len(self._segments) > 1:
            oldest, following = self._segments[:2]
            first = max(oldest.first, self._state.acknowledged + 1)
            self._lose(first, following.first - 1, f"it outgrew its limit of {self._limit} bytes")
            self._delete(1)
            size -= oldest.size

    def _lose(self, first: int, last: int, why: str) -> None:
        self._state = self._state.losing(first, last)
        save(self.folder / NAME, self._state)
        log.error(
            "journal lost batches: %s",
            why,
            extra={"journal": str(self.folder), "first": first, "last": last},
        )

    def _delete(self, count: int) -> None:
        gone, self._segments = self._segments[:count], self._segments[count:]
        for segment in gone:
            segment.path.unlink(missing_ok=True)

    def _save_if_possible(self) -> None:
        try:
            save(self.folder / NAME, self._state)
        except OSError as error:
            log.warning("journal cannot save its state: %s", error)


def _locked(folder: Path) -> int:
    """Take the folder's lock. Raises Mistake if another process has it."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise Mistake(f"journal {folder}: is in use by process {holder}") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Name the folder in every error of the disk."""
    try:
        yield
    except OSError as error:
        what = f"the journal cannot be written: {error.strerror}"
        raise OSError(error.errno, what, str(folder)) from error
