"""Stretches of time in which a resource did not change, as columns."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meterhouse.inventory.facts import RevisionRow, RevisionTuple
from meterhouse.metering.snapshots import State
from meterhouse.usage.shares import NOBODY

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
STATES = tuple(State)
"""A state's number is its place here."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stretches:
    """Columns of n stretches: who had which resource, of which size, in which state, from when.

    resource:           index into ``resources``, their keys
    origin:             index into ``origins``, (source, kind)
    project, user:      database ids, NOBODY where there is none
    state:              index into STATES
    detail:             index into ``details``, JSON objects of texts
    start_ms, end_ms:   start < end, inside the period asked for
    """

    resources: Sequence[str]
    origins: Sequence[tuple[str, str]]
    details: Sequence[str]
    resource: Ints
    origin: Ints
    project: Ints
    user: Ints
    state: Ints
    detail: Ints
    vcpus: Ints
    ram_bytes: Ints
    disk_bytes: Ints
    start_ms: Ints
    end_ms: Ints

    @classmethod
    def of(cls, parts: Iterable[Sequence[RevisionTuple]]) -> "Stretches":
        """Turn revisions clipped to a period into columns, a part at a time."""
        columns = _Columns()
        blocks = [columns.block(rows) for rows in parts if rows]
        joined = {
            name: np.concatenate([_NOTHING, *(block[name] for block in blocks)])
            for name in COLUMNS
        }
        return cls(
            resources=tuple(columns.resources),
            origins=tuple(columns.origins),
            details=tuple(columns.details),
            **joined,
        )

    def __len__(self) -> int:
        return len(self.start_ms)

    def take(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> "Stretches":
        """Choose rows, by number (which may repeat) or by mask."""
        return replace(self, **{name: getattr(self, name)[which] for name in COLUMNS})


COLUMNS = tuple(
    name for name in Stretches.__slots__ if name not in {"resources", "origins", "details"}
)
_STATE = {state: number for number, state in enumerate(STATES)}
_NOTHING = np.empty(0, np.int64)


def _numbers() -> dict[Any, int]:
    """Each value that is looked up gets the next number when it is new."""
    numbers: defaultdict[Any, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    return numbers


class _Columns:
    """Makes columns of revisions, and numbers what is text in them."""

    def __init__(self) -> None:
        self.resources, self.origins, self.details = _numbers(), _numbers(), _numbers()

    def block(self, rows: Sequence[RevisionTuple]) -> dict[str, Ints]:
        of = dict(zip(RevisionRow._fields, zip(*rows, strict=True), strict=True))
        plain = ("vcpus", "ram_bytes", "disk_bytes", "start_ms", "end_ms")
        return {name: np.array(of[name], np.int64) for name in plain} | {
            "resource": _looked_up(self.resources, of["resource_key"]),
            "origin": _looked_up(self.origins, zip(of["source"], of["kind"], strict=True)),
            "project": np.array([project or NOBODY for project in of["project_id"]], np.int64),
            "user": np.array([user or NOBODY for user in of["user_id"]], np.int64),
            "state": _looked_up(_STATE, of["state"]),
            "detail": _looked_up(self.details, of["details"]),
        }


def _looked_up(numbers: dict[Any, int], values: Iterable[object]) -> Ints:
    return np.fromiter(map(numbers.__getitem__, values), np.int64)
