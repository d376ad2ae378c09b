"""Which meters measure watts that another measures as well: what belongs in no sum of all.

Pages ask that every two seconds, and it depends on little that changes. So how the meters are
wired is kept, until a source lists something else, somebody declares another feed, or a moment
comes that the inventory knew of already.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from meterhouse.inventory import reading as inventory
from meterhouse.inventory.facts import FeedRow, RevisionRow
from meterhouse.inventory.staying import Marks
from meterhouse.metering.periods import Period, to_ms
from meterhouse.usage.wiring import HOSTS, INLET, METERS, OUTLET, Book, Feed, wire

KINDS = (*HOSTS, *METERS)
AHEAD = timedelta(days=366)
"""So far ahead is looked for what is known to begin or to end."""

_ANSWERS = 64  # for so many sets of meters: those of several readers

Basis = tuple[Marks, tuple[FeedRow, ...]]
"""The marks of what is listed, and the feeds that are declared now."""


@dataclass(frozen=True, slots=True, eq=False)
class _Wired:
    """How meters are wired from one moment to another (milliseconds), and what that rests on.

    outlets, inlets: key to source
    answers:         by the meters that somebody asked about
    """

    basis: Basis
    start_ms: int
    end_ms: int
    outlets: dict[str, str]
    inlets: dict[str, str]
    feeds: Sequence[Feed]
    answers: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)

    def twice(self, metered: frozenset[str]) -> frozenset[str]:
        found = self.answers.get(metered)
        if found is None:
            feeds = [feed for feed in self.feeds if feed.meter in metered]
            found = self._inlets(metered) | _worse(feeds)
            if len(self.answers) >= _ANSWERS:
                self.answers.clear()
            self.answers[metered] = found
        return found

    def _inlets(self, metered: frozenset[str]) -> frozenset[str]:
        """Inlets of sources that have outlets."""
        sources = {source for key, source in self.outlets.items() if key in metered}
        return frozenset(
            key for key, source in self.inlets.items() if key in metered and source in sources
        )


_kept: dict[str, _Wired] = {}  # by database; replaced as a whole


def measured_twice(
    metered: Collection[str], now: datetime, using: str = "default"
) -> frozenset[str]:
    """Of resources that have watts, those whose watts another of them measures as well.

    These are a PDU's inlets where its outlets are metered, and of a node whatever is not at the
    first of outlet, node and package. An outlet of several nodes is left out only if that holds
    for all of them. Two short queries, and three more when the wiring has changed.
    """
    moment = Period(now, now + timedelta(milliseconds=1))
    basis = inventory.marks(using, kinds=KINDS), inventory.feeds_in(moment, using)
    wired = _kept.get(using)
    if wired is None or wired.basis != basis or not wired.start_ms <= to_ms(now) < wired.end_ms:
        wired = _kept[using] = _wired(basis, now, using)
    return wired.twice(frozenset(metered))


def _wired(basis: Basis, now: datetime, using: str) -> _Wired:
    now_ms, ahead = to_ms(now), Period(now, now + AHEAD)
    known = list(inventory.revisions(ahead, using, kinds=KINDS))
    rows = [row for row in known if row.start_ms <= now_ms < row.end_ms]
    hosts, meters = (Book(inventory.resource_names(using, kinds=each)) for each in (HOSTS, METERS))
    return _Wired(
        basis,
        now_ms,
        _next(known, now_ms, ahead.end_ms),
        {row.resource_key: row.source for row in rows if row.kind == OUTLET},
        {row.resource_key: row.source for row in rows if row.kind == INLET},
        [feed for feed in wire(rows, basis[1], hosts, meters).feeds if feed.known],
    )


def _next(rows: Iterable[RevisionRow], now_ms: int, end_ms: int) -> int:
    """The first moment after now at which something begins or ends."""
    edges = (edge for row in rows for edge in (row.start_ms, row.end_ms))
    return min((edge for edge in edges if edge > now_ms), default=end_ms)


def _worse(feeds: Collection[Feed]) -> frozenset[str]:
    """Meters all of whose nodes are measured at a place before theirs."""
    first: dict[str, int] = {}
    for feed in feeds:
        first[feed.node] = min(feed.place, first.get(feed.node, feed.place))
    needed = {feed.meter for feed in feeds if feed.place == first[feed.node]}
    return frozenset(feed.meter for feed in feeds) - needed
