"""A stretch of time in UTC, start in, end out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970 of an aware moment, rounded down."""
    return (at - EPOCH) // _MS


def from_ms(at_ms: int) -> datetime:
    """The aware UTC moment of milliseconds since 1970."""
    return EPOCH + timedelta(milliseconds=at_ms)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Half-open: a moment at ``start`` is in, one at ``end`` is out."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.utcoffset() is None or self.end.utcoffset() is None:
            raise ValueError("a period needs aware times")
        if self.start > self.end:
            raise ValueError(f"a period cannot end ({self.end}) before it starts ({self.start})")

    @classmethod
    def from_ms(cls, start_ms: int, end_ms: int) -> "Period":
        return cls(from_ms(start_ms), from_ms(end_ms))

    @classmethod
    def month(cls, year: int, month: int) -> "Period":
        start = datetime(year, month, 1, tzinfo=UTC)
        following = date(year + month // 12, month % 12 + 1, 1)
        return cls(start, datetime(following.year, following.month, 1, tzinfo=UTC))

    @classmethod
    def last(cls, length: timedelta, *, now: datetime) -> "Period":
        return cls(now - length, now)

    @property
    def start_ms(self) -> int:
        return to_ms(self.start)

    @property
    def end_ms(self) -> int:
        return to_ms(self.end)

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end

    def clip(self, start: datetime, end: datetime) -> "Period | None":
        """The part of ``start`` .. ``end`` that lies in this period; None if there is none."""
        first, last = max(self.start, start), min(self.end, end)
        return Period(first, last) if first < last else None

    def split(self, *cuts: datetime) -> Iterator["Period"]:
        """The period cut at every given moment that lies inside it, in order."""
        edges = sorted({self.start, self.end, *(cut for cut in cuts if cut in self)})
        for start, end in pairwise(edges):
            yield Period(start, end)
