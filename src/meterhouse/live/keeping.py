"""What the board shows, kept in the database: read at a start, written once in a while."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from meterhouse.live.board import Board, Counted
from meterhouse.live.counting import Base, moved_on
from meterhouse.live.models import Tally

_AT_ONCE = 500
_CHANGING = ("base_ms", "base_joules", "at_ms", "watts", "joules")


@dataclass
class Keeping:
    """Reads and writes tallies. ``load``, ``move_on`` and ``write`` may block; ``due`` may not.

    bases:  of each probe; replaced as a whole, never changed
    """

    using: str = "default"
    bases: Mapping[str, Base] = field(default_factory=dict)
    _written: int = 0  # the version of the board that is in the database
    _moved: frozenset[str] = frozenset()

    def load(self) -> list[Counted]:
        """What was shown when it was last written."""
        rows = list(Tally.objects.using(self.using).order_by("resource"))
        self.bases = {row.resource: Base(row.base_ms, row.base_joules) for row in rows}
        return [Counted(row.resource, 0, row.at_ms, row.watts, row.joules) for row in rows]

    def move_on(self) -> None:
        """Take into the bases what the store will not keep for ever."""
        moved = moved_on(self.bases, self.using)
        self._moved |= moved.keys()
        self.bases = {**self.bases, **moved}

    def due(self, board: Board) -> "tuple[int, list[Tally]]":
        """What has changed since it was last written, and the version it belongs to."""
        rows = [
            self._row(board, slot, resource)
            for slot, resource in enumerate(board.resources)
            if board.changed[slot] > self._written or resource in self._moved
        ]
        return board.version, [row for row in rows if row.at_ms]

    def write(self, version: int, rows: "list[Tally]") -> None:
        Tally.objects.using(self.using).bulk_create(
            rows,
            batch_size=_AT_ONCE,
            update_conflicts=True,
            unique_fields=["resource"],
            update_fields=_CHANGING,
        )
        self._written, self._moved = version, frozenset()

    def _row(self, board: Board, slot: int, resource: str) -> Tally:
        base = self.bases.get(resource, Base())
        return Tally(
            resource=resource,
            base_ms=base.ms,
            base_joules=base.joules,
            at_ms=int(board.at[slot]),
            watts=float(board.watts[slot]),
            joules=float(board.shown[slot]),
        )
