"""Cuts stretches where who funds their project changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from meterhouse.usage.shares import Funded, Plan
from meterhouse.usage.stretches import Ints, Stretches


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Stretches over each of which one plan holds. plan: index into ``plans``."""

    stretches: Stretches
    plan: Ints
    plans: Sequence[Plan]


def cut(stretches: Stretches, funding: Mapping[int, Sequence[Funded]]) -> Pieces:
    """Cut every stretch at the moments where its project's funding changes.

    funding: project, and NOBODY, to what covers the whole period without a hole; every project
             that a stretch names is in it
    """
    table = _Table(funding)
    first = table.at(stretches.project, stretches.start_ms)
    last = table.at(stretches.project, stretches.end_ms - 1)
    count = last - first + 1
    row = np.repeat(np.arange(len(stretches)), count)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    funded = first[row] + nth
    pieces = stretches.take(row)
    pieces = replace(
        pieces,
        start_ms=np.maximum(pieces.start_ms, table.start_ms[funded]),
        end_ms=np.minimum(pieces.end_ms, table.end_ms[funded]),
    )
    return Pieces(pieces, table.plan[funded], table.plans)


class _Table:
    """Funding as columns, ordered by project and time, to look up many moments at once."""

    def __init__(self, funding: Mapping[int, Sequence[Funded]]) -> None:
        rows = [(project, each) for project in sorted(funding) for each in funding[project]]
        number: dict[Plan, int] = {}
        self.plan = np.array([number.setdefault(e.plan, len(number)) for _, e in rows], np.int64)
        self.plans = tuple(number)
        self.start_ms = np.array([each.start_ms for _, each in rows], np.int64)
        self.end_ms = np.array([each.end_ms for _, each in rows], np.int64)
        self._projects, place = np.unique(
            np.array([project for project, _ in rows], np.int64), return_inverse=True
        )
        self._origin = int(self.start_ms.min(initial=0))
        self._length = int(self.end_ms.max(initial=0)) - self._origin + 1
        self._key = self._sortable(place, self.start_ms)

    def at(self, project: Ints, moment_ms: Ints) -> Ints:
        """The number of the funding in force for each project at each moment."""
        place = np.searchsorted(self._projects, project)
        result: Ints = (
            np.searchsorted(self._key, self._sortable(place, moment_ms), side="right") - 1
        )
        return result

    def _sortable(self, place: Ints, moment_ms: Ints) -> Ints:
        """Project and moment as one number, in which all of a project lies before the next's."""
        return place * self._length + (moment_ms - self._origin)
