"""Many peers in one section, asked all at once, where none waits for another.

A round is over when everybody who was asked has said something, or when most of the interval has
passed; who is still at it is left alone and heard in a later round. A peer that gave nothing is
asked again after a rest, which doubles each time: so one that is dead costs the others a part of
one interval now and then, and one that refuses a login is not told a wrong password each second.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from meterhouse.metering.errors import Unreachable
from meterhouse.metering.meters import POWER, Meter
from meterhouse.sources.kinds import Reading
from meterhouse.sources.outlets import Outlets
from meterhouse.sources.parts import lacks, listed

log = logging.getLogger(__name__)

NAN = float("nan")
FIRST_ROUND_S = 10.0  # there may be much to learn of a peer
PART_OF_INTERVAL = 0.7


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a peer gave nothing.

    reason:  in a few words, to be counted: "no answer", "login refused"
    said:    what it said, for people, in one line
    lasting: whether only people can mend it, so that trying often is useless, or does harm
    """

    reason: str
    said: str = ""
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Rests:
    """How long a peer in trouble is left alone, in seconds: at first, and at most."""

    first_s: float = 10.0
    lasting_s: float = 60.0
    most_s: float = 600.0

    def after(self, failures: int, trouble: Trouble) -> float:
        first = self.lasting_s if trouble.lasting else self.first_s
        return float(min(first * 2 ** min(failures - 1, 20), self.most_s))


@dataclass(frozen=True, slots=True)
class Partial:
    """What a peer gave, and in a few words what it owes besides."""

    figures: Mapping[Meter, float]
    lacking: str


Told = Mapping[Meter, float] | Partial | Trouble
Tell = Callable[[int, Told], None]
Ask = Callable[[Sequence[int], Tell], Awaitable[None]]
"""Asks the peers with these numbers at once, and tells of each as soon as it is known.

Of whom nothing was told when it returns, nothing is known: that is a trouble as well. It is
cancelled when the source is closed. What it raises is raised by the next round.
"""


class Crowd:
    """Peers, each of which is one outlet. A source that asks many is this, opened.

    names:  of the peers, in the order of the outlets
    meters: what they may say
    """

    def __init__(
        self,
        outlets: Outlets,
        names: Sequence[str],
        meters: Sequence[Meter],
        ask: Ask,
        *,
        rests: Rests | None = None,
    ) -> None:
        self._outlets, self._names, self._meters, self._ask = outlets, names, meters, ask
        self._named = outlets.named
        self._rests = rests or Rests()
        self._asked: dict[int, int] = {}  # who is being asked, in which round
        self._round = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._first = True
        self._news: dict[int, tuple[int, Mapping[Meter, float]]] = {}
        self._refused: Counter[str] = Counter()
        self._failures: Counter[int] = Counter()  # in a row
        self._rested_at: defaultdict[int, float] = defaultdict(float)  # in the loop's seconds
        self._troubles: dict[int, Trouble] = {}
        self._owed: dict[int, str] = {}  # what is lacking of those that gave something
        self._said: defaultdict[int, set[Meter]] = defaultdict(lambda: {POWER})
        self._logged: dict[int, str] = {}

    async def read(self) -> Reading:
        """Ask everybody who is not resting. Raises Unreachable if nobody is left to hope for."""
        self._first, first = False, self._first
        due = self._due()
        if due:
            self._round += 1
            self._asked |= dict.fromkeys(due, self._round)
            self._tasks.add(asyncio.create_task(self._asking(due, self._round)))
        await self._heard(due, FIRST_ROUND_S if first else self._patience_s())
        if not self._news and not self._asked:
            raise Unreachable(self.said())
        self._log_what_changed()
        return self._reading()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def lacking(self) -> tuple[str, ...]:
        """As in ``Reading``: of those in trouble, and of those that give a part only."""
        troubles = {number: one.said or one.reason for number, one in self._troubles.items()}
        owed = {number: said for number, said in self._owed.items() if said} | troubles
        return lacks((said, self._names[number]) for number, said in sorted(owed.items()))

    def said(self) -> str:
        """Who gives nothing, and why, in one line."""
        groups: defaultdict[str, list[str]] = defaultdict(list)
        for number, trouble in sorted(self._troubles.items()):
            groups[trouble.said or trouble.reason].append(self._names[number])
        told = "; ".join(f"{listed(names)}: {said}" for said, names in groups.items())
        return f"{len(self._troubles)} of {len(self._names)} give nothing: {told}"

    def _due(self) -> list[int]:
        now = asyncio.get_running_loop().time()
        idle = (number for number in range(len(self._names)) if number not in self._asked)
        return [number for number in idle if self._rested_at[number] <= now]

    def _patience_s(self) -> float:
        return min(self._named.interval.total_seconds() * PART_OF_INTERVAL, FIRST_ROUND_S)

    async def _asking(self, due: Sequence[int], of_round: int) -> None:
        def tell(number: int, told: Told) -> None:
            """What is said twice is heard once: by then the next round may be asking."""
            if self._asked.get(number) == of_round:
                self._hear(number, told)

        try:
            await self._ask(due, tell)
        finally:
            for number in due:
                tell(number, Trouble("no answer", "did not answer in time"))
            self._changed.set()

    async def _heard(self, due: Sequence[int], patience_s: float) -> None:
        """Wait for everybody who is due; when patience is over, for anybody."""
        loop = asyncio.get_running_loop()
        until = loop.time() + patience_s
        while self._asked and not (self._news and self._asked.keys().isdisjoint(due)):
            left = until - loop.time()
            if left <= 0 and self._news:
                break
            self._changed.clear()
            try:
                async with asyncio.timeout(left if self._news else None):
                    await self._changed.wait()
            except TimeoutError:
                break
        self._raise_what_went_wrong()

    def _raise_what_went_wrong(self) -> None:
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.discard(task)
            try:
                task.result()
            except BaseExceptionGroup as several:
                raise several.exceptions[0] from several

    def _hear(self, number: int, told: Told) -> None:
        del self._asked[number]
        if isinstance(told, Trouble):
            self._troubles[number] = told
            self._refused[told.reason] += 1
            self._failures[number] += 1
            rest_s = self._rests.after(self._failures[number], told)
            self._rested_at[number] = asyncio.get_running_loop().time() + rest_s
        else:
            self._take(number, told if isinstance(told, Partial) else Partial(told, ""))
        self._changed.set()

    def _take(self, number: int, told: Partial) -> None:
        """A number that a peer has said before is missed when it says it no more."""
        self._troubles.pop(number, None)
        del self._failures[number]
        self._said[number] |= told.figures.keys()
        missing = sorted(meter.name for meter in self._said[number] - told.figures.keys())
        owed = [told.lacking, *(f"no {name}" for name in missing)]
        self._owed[number] = ", ".join(filter(None, owed))
        self._news[number] = (self._named.clock.now_ms(), told.figures)

    def _reading(self) -> Reading:
        news, self._news = self._news, {}
        refused, self._refused = dict(self._refused), Counter()
        at_ms = np.full(len(self._names), self._named.clock.now_ms(), np.int64)
        values = {meter: np.full(len(self._names), NAN) for meter in self._meters}
        for number, (heard_ms, told) in news.items():
            at_ms[number] = heard_ms
            for meter, value in told.items():
                values[meter][number] = value
        return self._outlets.reading(at_ms, values, refused, lacking=self.lacking())

    def _log_what_changed(self) -> None:
        now = {number: trouble.reason for number, trouble in self._troubles.items()}
        if now == self._logged:
            return
        self._logged = now
        said = self.said() if now else f"all {len(self._names)} give values again"
        log.warning("%s", said, extra={"source": self._named.name})
