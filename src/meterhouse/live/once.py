"""What is worked out once and kept for a while, in bounded memory, shared by all who ask."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Condition
from time import perf_counter
from typing import Generic, TypeVar

T = TypeVar("T")

_PATIENCE = 20  # a value stands so many times as long as it took: at most a twentieth of a core


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    value: T
    size: int
    until: float


class Once(Generic[T]):
    """A cache for many threads.

    most:  bytes that are kept in all; what was used longest ago goes first
    size:  bytes of a value
    """

    def __init__(self, most: int, size: Callable[[T], int]) -> None:
        self._most, self._size = most, size
        self._kept: OrderedDict[Hashable, _Kept[T]] = OrderedDict()
        self._making: set[Hashable] = set()
        self._bytes = 0
        self._changed = Condition()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def bytes(self) -> int:
        return self._bytes

    def clear(self) -> None:
        with self._changed:
            self._kept.clear()
            self._bytes = 0

    def get(
        self,
        key: Hashable,
        make: Callable[[], T],
        *,
        now: float,
        keep: float | Callable[[T], float],
    ) -> T:
        """What stands under a key, made now unless it is there or somebody is making it.

        now, keep: seconds; a value stands so long (it may say so itself), or longer if it was
                   dear. If ``make`` raises, whoever waited tries it for themselves.
        """
        with self._changed:
            while key in self._making:
                self._changed.wait()
            kept = self._kept.get(key)
            if kept is not None and now < kept.until:
                self._kept.move_to_end(key)
                return kept.value
            self._making.add(key)
        began = perf_counter()
        try:
            value = make()
        except BaseException:
            self._made(key)
            raise
        least = keep(value) if callable(keep) else keep
        stands = max(least, _PATIENCE * (perf_counter() - began))
        self._made(key, _Kept(value, self._size(value), now + stands))
        return value

    def _made(self, key: Hashable, kept: "_Kept[T] | None" = None) -> None:
        with self._changed:
            self._making.discard(key)
            if kept is not None:
                self._put(key, kept)
            self._changed.notify_all()

    def _put(self, key: Hashable, kept: "_Kept[T]") -> None:
        before = self._kept.pop(key, None)
        self._bytes += kept.size - (before.size if before else 0)
        self._kept[key] = kept
        while self._bytes > self._most and self._kept:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= gone.size
