"""What the board shows as JSON, encoded once and given out until something changes.

The shapes are Kwapi's. Source: openstack/kwapi, kwapi/plugins/api/v1.py, and what Ceilometer's
pollster read of it, openstack/ceilometer, ceilometer/energy/kwapi.py. Energy is in kWh here,
because Kwapi's is.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from meterhouse.live.board import Board
from meterhouse.live.probes import Probe, Probes
from meterhouse.metering.clock import Clock

JOULES_A_KWH = 3_600_000
METERS = ("timestamp", "w", "kwh")

_VIEWS_KEPT = 256
_FOREVER = 2**63 - 1

Slots = NDArray[np.intp]
Sight = frozenset[str] | None
"""The resources that somebody may see; None: all."""


@dataclass(slots=True)
class _View:
    """What one sight shows: valid for a version of the board, and until a probe falls silent."""

    version: int
    until_ms: int
    slots: Slots
    bodies: dict[str, bytes]


class Answers:
    """The board's probes by their names, as far as they are not silent.

    silent_ms: a probe that says nothing for so long is left out; it goes on when it is back
    """

    def __init__(self, board: Board, clock: Clock, silent_ms: int) -> None:
        self.board = board
        self._clock = clock
        self._silent_ms = silent_ms
        self._names = Probes(())
        self._called: dict[int, str] = {}
        self._order: Slots = np.empty(0, np.intp)
        self._slots: dict[str, int] = {}
        self._views: dict[Sight, _View] = {}
        self._masks: dict[Sight, NDArray[np.bool_]] = {}

    def name(self, names: Probes) -> None:
        """Take what probes are called from now on; those without a name are not shown."""
        self._names = names
        slots = ((self.board.slot_of(probe.resource), probe.id) for probe in names.all)
        known = sorted((called, slot) for slot, called in slots if slot is not None)
        self._called = {slot: called for called, slot in known}
        self._order = np.array([slot for _, slot in known], np.intp)
        self._slots = dict(known)
        self._views.clear()
        self._masks.clear()

    @property
    def lacks_names(self) -> bool:
        """Whether a probe is on the board that has no name yet."""
        return len(self._order) < len(self.board)

    def find(self, word: str, sight: Sight) -> Probe | None:
        """The probe of this name or whole key, if it is there now and may be seen."""
        probe = self._names.find(word)
        if probe is None or (sight is not None and probe.resource not in sight):
            return None
        slot = self._slots.get(probe.id)
        return probe if slot is not None and self._is_present(slot) else None

    def slots(self, sight: Sight) -> Slots:
        """Those that are shown to a sight, in the order of their names."""
        return self._view(sight).slots

    def one(self, probe: Probe) -> dict[str, float]:
        return self._figures(self._slots[probe.id])

    def ids(self, slots: Slots) -> list[str]:
        return [self._called[slot] for slot in slots.tolist()]

    def named(self, words: Iterable[str]) -> Slots:
        """The slots of the probes of these names or whole keys, of those that there are."""
        found = [self._names.find(word) for word in words]
        return np.array(
            [self._slots[each.id] for each in found if each and each.id in self._slots], np.intp
        )

    def probe_ids(self, sight: Sight) -> bytes:
        return self._body("ids", sight, lambda slots: {"probe_ids": self.ids(slots)})

    def probes(self, sight: Sight) -> bytes:
        return self._body("probes", sight, self.by_id)

    def listed(self, sight: Sight) -> bytes:
        """The probes as a list, which Ceilometer's dynamic pollster can take apart."""
        return self._body("list", sight, self._as_list)

    def by_id(self, slots: Slots) -> dict[str, Any]:
        figures = zip(self.ids(slots), *self._columns(slots), strict=True)
        return {
            "probes": {
                called: {"timestamp": at, "w": watts, "kwh": kwh}
                for called, at, watts, kwh in figures
            }
        }

    def _as_list(self, slots: Slots) -> dict[str, Any]:
        resources = [self.board.resources[slot] for slot in slots.tolist()]
        figures = zip(self.ids(slots), resources, *self._columns(slots), strict=True)
        names = ("id", "resource_id", *METERS)
        return {"probes": [dict(zip(names, row, strict=True)) for row in figures]}

    def _columns(self, slots: Slots) -> tuple[list[float], list[float], list[float]]:
        board = self.board
        return (
            (board.at[slots] / 1000).tolist(),
            board.watts[slots].tolist(),
            (board.shown[slots] / JOULES_A_KWH).tolist(),
        )

    def _figures(self, slot: int) -> dict[str, float]:
        columns = self._columns(np.array([slot], np.intp))
        return {meter: column[0] for meter, column in zip(METERS, columns, strict=True)}

    def _body(self, name: str, sight: Sight, shape: Callable[[Slots], dict[str, Any]]) -> bytes:
        view = self._view(sight)
        if name not in view.bodies:
            view.bodies[name] = msgspec.json.encode(shape(view.slots))
        return view.bodies[name]

    def _view(self, sight: Sight) -> _View:
        now_ms = self._clock.now_ms()
        view = self._views.get(sight)
        if view is None or view.version != self.board.version or now_ms >= view.until_ms:
            if len(self._views) >= _VIEWS_KEPT:
                self._views.pop(next(iter(self._views)))
            view = self._views[sight] = self._made(sight, now_ms)
        return view

    def _made(self, sight: Sight, now_ms: int) -> _View:
        until = self.board.at[self._order] + self._silent_ms
        shown = (until > now_ms) & self._mask(sight)
        until_ms = int(until[shown].min()) if shown.any() else _FOREVER
        return _View(self.board.version, until_ms, self._order[shown], {})

    def _mask(self, sight: Sight) -> NDArray[np.bool_]:
        """Which of the named probes a sight holds: worked out once, as long as names stay."""
        if sight not in self._masks:
            if len(self._masks) >= _VIEWS_KEPT:
                self._masks.pop(next(iter(self._masks)))
            held = [
                sight is None or self.board.resources[slot] in sight
                for slot in self._order.tolist()
            ]
            self._masks[sight] = np.array(held, np.bool_)
        return self._masks[sight]

    def _is_present(self, slot: int) -> bool:
        return int(self.board.at[slot]) + self._silent_ms > self._clock.now_ms()
