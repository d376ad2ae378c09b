"""One publisher as a follower sees it: which batch is next, what waits, what was asked for.

Nothing here knows sockets or time; the follower tells both.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from meterhouse.metering.batches import Batch

MOST_WAITING = 256  # batches that are taken before the reader has taken them
MOST_WEIGHT = 4 * 2**20  # and bytes of memory they may take, roughly
MOST_HELD = 64  # batches kept that came before their turn
ASKED_BYTES = 2**20  # at a time; packed lists become some ten times as large in memory

Acknowledge = Callable[[int, int], None]  # epoch, sequence


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """A batch, the next one of its publisher."""

    batch: Batch
    on_acknowledged: Acknowledge

    async def acknowledge(self) -> None:
        """Tell the publisher to forget this batch and all before it. To be called once they are
        recorded durably; what is not acknowledged is delivered again after a restart.
        """
        self.on_acknowledged(self.batch.epoch, self.batch.sequence)


@dataclass(frozen=True, slots=True)
class Loss:
    """Batches ``first`` to ``last`` that the publisher does not have any more."""

    publisher: str
    epoch: int
    first: int
    last: int
    on_acknowledged: Acknowledge = field(repr=False, compare=False)

    async def acknowledge(self) -> None:
        """Tell the publisher that the loss is known. To be called once it is recorded."""
        self.on_acknowledged(self.epoch, self.last)


@dataclass(eq=False)
class Track:
    """How far one publisher is followed.

    expected:      the next batch's number
    last:          the highest number the publisher is known to have given out
    acknowledged:  the last number that is recorded for good
    waiting:       what was not handed over yet, in order
    request:       the number of the request that is being answered; 0 if none is
    failures:      requests in a row that brought nothing
    """

    publisher: str
    epoch: int
    expected: int
    acknowledged: int
    on_acknowledged: Acknowledge
    session: bytes = b""
    last: int = 0
    delivered: int = 0
    heard_at: float = 0.0
    waiting: deque[Delivery | Loss] = field(default_factory=deque)
    request: int = 0
    deadline: float = 0.0
    not_before: float = 0.0
    failures: int = 0
    brought: bool = False
    _held: dict[int, Batch] = field(default_factory=dict)
    _weight: int = 0

    @property
    def lacks(self) -> bool:
        """Whether there is something to ask for, and room for it."""
        return self.expected <= self.last and self.room() * 2 >= MOST_WAITING

    def room(self) -> int:
        """How many batches more may wait."""
        return MOST_WAITING - len(self.waiting) if self._weight < MOST_WEIGHT else 0

    def arrive(self, batch: Batch, *, asked: bool) -> str:
        """Take a batch of this epoch.

        asked:  whether it is an answer; there was room for it when it was asked for
        Returns a word to count: "" if it was taken, "repeated" if it was there already, "early"
        if it has to be asked for when its turn comes.
        """
        if batch.sequence < self.expected:
            return "repeated"
        self.last = max(self.last, batch.sequence)
        if batch.sequence == self.expected and (asked or self.room()):
            self._take_in(batch)
            self._take_in_held()
            return ""
        return self._hold(batch)

    def gone(self, first: int, last: int) -> None:
        """Take note that the publisher does not have these any more."""
        if first <= self.expected <= last:
            self._lose(last)
            self._take_in_held()

    def renew(self, epoch: int, expected: int) -> None:
        """Go over to the publisher's new journal; what is left in the old one is lost."""
        if self.expected <= self.last:
            self._lose(self.last)
        self._drop_held()
        self.epoch, self.expected, self.acknowledged = epoch, expected, expected - 1
        self.last = self.delivered = expected - 1

    def take(self) -> Delivery | Loss:
        """Hand over what waits first."""
        item = self.waiting.popleft()
        if isinstance(item, Loss):
            epoch, sequence = item.epoch, item.last
        else:
            epoch, sequence = item.batch.epoch, item.batch.sequence
            self._weight -= weight(item.batch)
        if epoch == self.epoch:
            self.delivered = sequence
        return item

    def _take_in(self, batch: Batch) -> None:
        if (held := self._held.pop(batch.sequence, None)) is not None:
            self._weight -= weight(held)
        self.waiting.append(Delivery(batch, self.on_acknowledged))
        self._weight += weight(batch)
        self.expected = batch.sequence + 1
        self.brought = True

    def _take_in_held(self) -> None:
        while (batch := self._held.get(self.expected)) is not None:
            self._take_in(batch)
        for sequence in [number for number in self._held if number < self.expected]:
            self._weight -= weight(self._held.pop(sequence))

    def _hold(self, batch: Batch) -> str:
        if batch.sequence in self._held:
            return "repeated"
        if len(self._held) >= MOST_HELD or not self.room() or batch.sequence == self.expected:
            return "early"
        self._held[batch.sequence] = batch
        self._weight += weight(batch)
        return ""

    def _drop_held(self) -> None:
        self._weight -= sum(map(weight, self._held.values()))
        self._held.clear()

    def _lose(self, last: int) -> None:
        loss = Loss(self.publisher, self.epoch, self.expected, last, self.on_acknowledged)
        self.waiting.append(loss)
        self.expected = last + 1
        self.brought = True


def weight(batch: Batch) -> int:
    """About how many bytes of memory a batch takes."""
    objects = sum(len(snapshot.objects) for snapshot in batch.snapshots)
    return 1_000 + 20 * len(batch.samples) + 1_000 * objects
