"""Stretches of time in which a resource did not change, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from meterhouse.metering.snapshots import State

Ints = NDArray[np.int64]
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

    def __len__(self) -> int:
        return len(self.start_ms)

    def take(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> "Stretches":
        """Choose rows, by number (which may repeat) or by mask."""
        return replace(self, **{name: getattr(self, name)[which] for name in COLUMNS})


COLUMNS = tuple(
    name for name in Stretches.__slots__ if name not in {"resources", "origins", "details"}
)
