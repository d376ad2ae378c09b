"""What was made of the inventory, kept in memory as long as the inventory stays as it was."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Marks = tuple[tuple[int, int], ...]
V = TypeVar("V")


class Staying(Generic[V]):
    """Values by key, each with the marks (``reading.marks``) that it rests on.

    Marks are asked for before a value is made, so none is kept under marks newer than itself.
    Two threads may make the same value at once; either is right.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[Hashable, tuple[Marks, V]] = {}

    def get(self, key: Hashable, marks: Marks, make: Callable[[], V]) -> V:
        kept = self._kept.get(key)
        if kept is not None and kept[0] == marks:
            return kept[1]
        value = make()
        if len(self._kept) >= self._most:
            self._kept.clear()
        self._kept[key] = marks, value
        return value
