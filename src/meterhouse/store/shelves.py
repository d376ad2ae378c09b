"""Blocks that one question needs: fetched in few queries, each decoded when first asked for."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from meterhouse.store.blocks import Block, Span

T = TypeVar("T")


class Shelf(Generic[T]):
    """Blocks of one granularity, by series and in order of time."""

    def __init__(self, found: Iterable[Block], decode: Callable[[Block], T]) -> None:
        self._decode = decode
        self._decoded: dict[int, T] = {}
        self._blocks: dict[int, list[Block]] = {}
        # A block that touches two of the spans asked for was fetched twice.
        for block in sorted({block.id: block for block in found}.values(), key=_order):
            self._blocks.setdefault(block.series, []).append(block)

    def blocks(self, span: Span) -> list[Block]:
        """Those that share time with a span."""
        mine = self._blocks.get(span.series, [])
        first = bisect_right(mine, span.start_ms, key=lambda block: block.end_ms)
        last = bisect_left(mine, span.end_ms, key=lambda block: block.start_ms)
        return mine[first:last]

    def around(self, span: Span, before: int, after: int) -> list[Block]:
        """Those that share time with a span, and that hold so many readings before and after it,
        of what was fetched.
        """
        mine = self._blocks.get(span.series, [])
        first = bisect_right(mine, span.start_ms, key=lambda block: block.end_ms)
        last = bisect_left(mine, span.end_ms, key=lambda block: block.start_ms)
        while first > 0 and before > 0:
            first -= 1
            before -= mine[first].size
        while last < len(mine) and after > 0:
            after -= mine[last].size
            last += 1
        return mine[first:last]

    def content(self, block: Block) -> T:
        if block.id not in self._decoded:
            self._decoded[block.id] = self._decode(block)
        return self._decoded[block.id]

    def contents(self, span: Span) -> list[T]:
        return [self.content(block) for block in self.blocks(span)]


def _order(block: Block) -> tuple[Any, ...]:
    return block.series, block.start_ms
