"""What has changed on the board, as server-sent events: encoded once for all who see the same.

    event: state    once, at first: {"probes": {"A": {"timestamp": s, "w": W, "kwh": kWh}, …}}
    event: power    a round: {"at": ms, "w": {"A": W, …}, "kwh": {"A": kWh, …}}

Nothing waits for anybody. Whoever missed rounds is told all that changed since the last one they
had, in one event: an event tells how things stand, not what happened in between.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
import numpy as np

from meterhouse.live.answers import JOULES_A_KWH, Answers, Sight, Slots

HEARTBEAT = b":\n\n"


class Watch(NamedTuple):
    """What somebody looks at.

    sight:  what they may see
    words:  names or whole keys of the probes they asked for; None: all
    """

    sight: Sight
    words: frozenset[str] | None = None


class Events:
    """The changes of a board. ``announce`` is called after it changed; rounds come from that."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._next = asyncio.Event()
        self._version = 0
        self._made: dict[tuple[Watch, int], bytes] = {}

    @property
    def version(self) -> int:
        """Of the newest round."""
        return self._version

    def announce(self) -> None:
        """Let a round begin, if there is anything new."""
        if self._answers.board.version > self._version:
            self._version = self._answers.board.version
            self._made.clear()
            began, self._next = self._next, asyncio.Event()
            began.set()

    async def after(self, version: int) -> None:
        """Wait for a round that is newer than the one that somebody had."""
        while self._version <= version:
            await self._next.wait()

    def state(self, watch: Watch) -> bytes:
        """How everything stands that is watched."""
        return self._kept(watch, -1)

    def since(self, watch: Watch, version: int) -> bytes:
        """What changed of it since a round; empty if nothing did."""
        return self._kept(watch, version)

    def _kept(self, watch: Watch, version: int) -> bytes:
        key = (watch, version)
        if key not in self._made:
            slots = self._slots(watch)
            self._made[key] = self._state(slots) if version < 0 else self._power(slots, version)
        return self._made[key]

    def _slots(self, watch: Watch) -> Slots:
        slots = self._answers.slots(watch.sight)
        if watch.words is None:
            return slots
        wanted = self._answers.named(watch.words)
        return slots[np.isin(slots, wanted)]

    def _state(self, slots: Slots) -> bytes:
        return _event("state", self._answers.by_id(slots))

    def _power(self, slots: Slots, version: int) -> bytes:
        board = self._answers.board
        slots = slots[board.changed[slots] > version]
        if not len(slots):
            return b""
        ids = self._answers.ids(slots)
        kwh = board.shown[slots] / JOULES_A_KWH
        return _event(
            "power",
            {
                "at": int(board.at[slots].max()),
                "w": _by(ids, board.watts[slots].tolist()),
                "kwh": _by(ids, kwh.tolist()),
            },
        )


def _by(ids: Iterable[str], values: Iterable[float]) -> dict[str, float]:
    return dict(zip(ids, values, strict=True))


def _event(name: str, what: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(what) + b"\n\n"
