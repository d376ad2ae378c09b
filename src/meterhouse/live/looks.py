"""What is shown of some probes in some period: worked out once for all who may see the same.

Graph, legend, CSV and picture of one page are answered from one look, and a house's wall of
screens costs no more than one of them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

import msgspec

from meterhouse.live.legend import Legend, legend
from meterhouse.live.once import Once
from meterhouse.live.power import Power, Seen, power
from meterhouse.live.windows import Window, resolution_of, width_of
from meterhouse.metering.periods import Period, to_ms

_MOST = 96 << 20  # bytes
_ROW = 400  # bytes of a legend's row


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.

    window:  the one that ends about now; None where moments are given
    is_live: whether ``period`` ends about now, so that who asks a moment later means the same;
             every window does
    """

    seen: Sequence[Seen]
    period: Period
    window: Window | None
    is_live: bool = False

    @property
    def key(self) -> str:
        """The same for who may see the same of the same probes, and for nobody else."""
        probes = [
            (one.probe.resource, one.probe.id, one.stretches)
            if self.window or self.is_live
            else (one.probe.resource, one.probe.id, one.within(self.period).stretches)
            for one in self.seen
        ]
        return hashlib.sha256(msgspec.json.encode([self._said, probes])).hexdigest()

    @property
    def _said(self) -> "list[str | int]":
        if self.window:
            return [self.window.name]
        start_ms, end_ms = self.period.start_ms, self.period.end_ms
        return [start_ms] if self.is_live else [start_ms, end_ms]

    @property
    def fresh_s(self) -> float:
        """How long a look stands: a tenth of a picture's age, for a page is looked at closely."""
        most = resolution_of(self.period).total_seconds()
        return max(min(most, most / 10 + 1, 60.0), 1.0)


class Look:
    """What was seen. The legend is read when somebody first wants it, then by one of those."""

    def __init__(self, drawn: Power, using: str = "default") -> None:
        self.drawn = drawn
        self._using = using
        self._legend: Legend | None = None
        self._reading = Lock()

    @property
    def legend(self) -> Legend:
        with self._reading:
            if self._legend is None:
                self._legend = legend(self.drawn, self._using)
            return self._legend


def forget() -> None:
    """Forget all that was worked out: for tests, whose databases come and go."""
    _kept.clear()


_kept: Once[Look] = Once(_MOST, lambda look: look.drawn.bytes + _ROW * len(look.drawn))


def look(wanted: Wanted, *, now: datetime, using: str = "default") -> Look:
    """Look at it now, or as somebody else saw it a moment ago."""

    def worked_out() -> Look:
        return Look(power(wanted.seen, wanted.period, width_of(wanted.period), using), using)

    now_s = to_ms(now) / 1000
    return _kept.get((using, wanted.key), worked_out, now=now_s, keep=wanted.fresh_s)
