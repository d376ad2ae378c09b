"""What the store knows of each series, beside its samples."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from meterhouse.metering.meters import Kind
from meterhouse.store import holds
from meterhouse.store.blocks import HOUR_MS
from meterhouse.store.bridging import CEILINGS, SETTLED_MS, Ceiling
from meterhouse.store.folding import Ints, kind_of
from meterhouse.store.holds import Dated

_COLUMNS = (
    "id, resource, meter, hold_ms, first_ms, last_ms, last_value, folded_ms, pruned_ms,"
    " minutes_pruned_ms, own_ms"
)
_AT_ONCE = 5000
_SLOW_HOLD_MS = 180_000  # readings stand for three of their intervals (sources.configuration)


class State(NamedTuple):
    """A row of store_series and the holds of its readings; moments in milliseconds since 1970.

    hold_ms:           of its newest readings: for how long one stands when no next one comes
    first_ms:          of the samples in blocks and of what was brought, None if there is neither
    last_ms, last_value: of the samples in blocks, None if there are none
    folded_ms:         minutes and hours are made of all samples in blocks before this
    pruned_ms:         raw samples before this may be gone
    minutes_pruned_ms: minutes before this may be gone, or were never made
    own_ms:            its own readings begin then; what is known of the time before was brought
                       from elsewhere (bringing.py). None if nothing was
    dated:             the holds of all its readings; None if they always had ``hold_ms``
    """

    id: int
    resource: str
    meter: str
    hold_ms: int
    first_ms: int | None
    last_ms: int | None
    last_value: float | None
    folded_ms: int
    pruned_ms: int
    minutes_pruned_ms: int
    own_ms: int | None
    dated: Dated | None = None

    def holds_at(self, at: Ints) -> "int | Ints":
        """For how long readings taken at some moments stand: of each, or of all the same."""
        return self.hold_ms if self.dated is None else self.dated.at(at)

    def hold_at(self, moment_ms: int) -> int:
        """For how long a reading taken at a moment stands."""
        return self.hold_ms if self.dated is None else int(self.dated.at(moment_ms))

    @property
    def longest_hold_ms(self) -> int:
        return self.hold_ms if self.dated is None else max(self.dated.hold)

    def reach(self, moment_ms: int) -> int:
        """The earliest moment at which a reading can have been taken that stands at this one."""
        return moment_ms - self.hold_ms if self.dated is None else self.dated.reach(moment_ms)

    def closed_until(self, moment_ms: int) -> "State":
        """The state once all hours before a moment are closed."""
        if self.makes_minutes:
            return self._replace(folded_ms=moment_ms)
        return self._replace(folded_ms=moment_ms, minutes_pruned_ms=moment_ms)

    @property
    def is_open(self) -> bool:
        """Whether there are samples in blocks of which minutes and hours are still to be made."""
        if self.last_ms is None:
            return False
        last_ms = self.last_ms
        return self.bridges is not None or last_ms + self.hold_at(last_ms) > self.folded_ms

    @property
    def bridges(self) -> Ceiling | None:
        """How fast it can grow, if that is spread over the time between readings (bridging.py)."""
        return CEILINGS.get(self.meter)

    def remakes(self, at_ms: int) -> bool:
        """Whether a reading that comes now can change minutes and hours that are made."""
        if self.bridges and self.last_ms is not None:
            return at_ms <= self.last_ms
        return at_ms < self.folded_ms

    def closable_until(self, moment_ms: int) -> int:
        """Up to where hours may be closed: of a counter, what no later reading can change."""
        if not self.bridges or self.last_ms is None:
            return moment_ms
        return min(moment_ms, hour_of(self.last_ms - SETTLED_MS))

    @property
    def makes_minutes(self) -> bool:
        """Whether minutes are made of it, beside hours.

        Not where readings come once a minute or less often: then minutes would take more space
        than the readings, which are kept as long as minutes in their stead. A series that has
        minutes goes on having them.
        """
        return self.hold_ms < _SLOW_HOLD_MS or self.minutes_pruned_ms < self.folded_ms

    @property
    def kind(self) -> Kind:
        return kind_of(self.meter)


def by_id(cursor: Any, ids: Collection[int]) -> dict[int, State]:
    """The states of some series, few queries whatever their number."""
    found: dict[int, State] = {}
    wanted = list(ids)
    for first in range(0, len(wanted), _AT_ONCE):
        part = wanted[first : first + _AT_ONCE]
        places = ", ".join(["%s"] * len(part))
        found.update((state.id, state) for state in where(cursor, f"id IN ({places})", part))
    return found


def where(cursor: Any, condition: str, values: Iterable[object]) -> list[State]:
    columns = f"{_COLUMNS}, {holds.column(cursor)}"
    cursor.execute(f"SELECT {columns} FROM store_series WHERE {condition}", list(values))
    return [State._make((*row, holds.read(dated))) for *row, dated in cursor.fetchall()]


def save(cursor: Any, states: Iterable[State]) -> None:
    """Write what sealing and closing change."""
    cursor.executemany(
        "UPDATE store_series SET first_ms = %s, last_ms = %s, last_value = %s, folded_ms = %s,"
        " minutes_pruned_ms = %s WHERE id = %s",
        [
            (s.first_ms, s.last_ms, s.last_value, s.folded_ms, s.minutes_pruned_ms, s.id)
            for s in states
        ],
    )


def save_brought(cursor: Any, state: State) -> None:
    """Write what changes when something from before a series' first reading is brought."""
    cursor.execute(
        "UPDATE store_series SET first_ms = %s, folded_ms = %s, pruned_ms = %s,"
        " minutes_pruned_ms = %s, own_ms = %s WHERE id = %s",
        (
            *(state.first_ms, state.folded_ms, state.pruned_ms),
            *(state.minutes_pruned_ms, state.own_ms, state.id),
        ),
    )


def hour_of(moment_ms: int) -> int:
    """The start of the hour a moment lies in."""
    return moment_ms // HOUR_MS * HOUR_MS
