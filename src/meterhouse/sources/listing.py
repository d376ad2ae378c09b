"""When a source whose things seldom change says again what there is."""

from collections.abc import Iterable

from meterhouse.metering.snapshots import Snapshot, SnapshotObject

LIST_EVERY_MS = 15 * 60 * 1000


class Listing:
    """Lists when it is first asked, when something has changed, and every quarter of an hour."""

    def __init__(self, source: str, kind: str) -> None:
        self._source, self._kind = source, kind
        self._objects: tuple[SnapshotObject, ...] = ()
        self._at_ms: int | None = None

    def of(self, objects: Iterable[SnapshotObject], at_ms: int) -> tuple[Snapshot, ...]:
        """A complete snapshot of these objects, or nothing if it need not be said again."""
        listed = tuple(objects)
        recent = self._at_ms is not None and 0 <= at_ms - self._at_ms < LIST_EVERY_MS
        if recent and listed == self._objects:
            return ()
        self._objects, self._at_ms = listed, at_ms
        return (
            Snapshot(
                source=self._source, kind=self._kind, at_ms=at_ms, complete=True, objects=listed
            ),
        )
