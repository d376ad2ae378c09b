"""What messages should have said by now: a device that is silent wakes nobody."""

from collections.abc import Collection, Iterator, Mapping

from meterhouse.metering.meters import Meter
from meterhouse.sources import Outlets, lacks

Figure = tuple[int, Meter]


class Owed:
    """When each figure of each outlet was heard last.

    promised:  of each outlet, the meters that its messages should have
    opened_ms: since when somebody listens
    changes:   whether a message confirms what it does not say
    """

    def __init__(
        self,
        outlets: Outlets,
        promised: Mapping[int, Collection[Meter]],
        opened_ms: int,
        *,
        changes: bool,
    ) -> None:
        self._outlets, self._changes = outlets, changes
        self._opened_ms, self._hold_ms = opened_ms, outlets.named.hold_ms
        self._heard_ms: dict[Figure, int | None] = {
            (outlet, meter): None
            for outlet, meters in sorted(promised.items())
            if outlets.uses(outlet)
            for meter in meters
        }
        self._of: dict[int, list[Figure]] = {}
        for figure in self._heard_ms:
            self._of.setdefault(figure[0], []).append(figure)
        self._missed: set[Figure] = set()  # that a message lacked, and that were never heard

    def hear(
        self, outlet: int, expected: Collection[Meter], values: Collection[Meter], at_ms: int
    ) -> bool:
        """Note a message of an outlet. Returns whether it lacks something never heard.

        expected: what its topic is listened to for; values: what it said
        """
        for figure in self._of.get(outlet, ()):
            confirmed = self._changes and self._heard_ms[figure] is not None
            if figure[1] in values or confirmed:
                self._heard_ms[figure] = at_ms
                self._missed.discard(figure)
        missed = {
            (outlet, meter)
            for meter in expected
            if self._heard_ms.get((outlet, meter), at_ms) is None
        }
        self._missed |= missed
        return bool(missed)

    def lacking(self, now_ms: int) -> tuple[str, ...]:
        """As in ``Reading``."""
        return lacks(self._overdue(now_ms))

    def _overdue(self, now_ms: int) -> Iterator[tuple[str, str]]:
        for figure, heard_ms in self._heard_ms.items():
            since_ms = self._opened_ms if heard_ms is None else heard_ms
            if figure in self._missed or now_ms - since_ms > self._hold_ms:
                yield f"no {figure[1].name}", self._outlets.label(figure[0])
