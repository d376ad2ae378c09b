"""A sample is one number read at one moment; columns are many, without a Python object each.

A series is all samples of one meter on one resource. Columns name each series once and point at
it by index, so that whoever carries or stores a batch never looks at a single sample.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from meterhouse.metering.meters import Meter


class Series(NamedTuple):
    """All samples of one meter on one resource.

    hold_ms: how long one reading stands for when the next one does not come (milliseconds);
             beyond it the series is not covered
    """

    resource: str
    meter: str
    hold_ms: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of one meter on one resource at one moment, in the meter's base unit."""

    meter: Meter
    resource: str
    value: float
    at_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Many samples, as columns of equal length n, in no particular order.

    series: the series that occur, each once
    key:    uint32[n], index into ``series``
    at:     int64[n], milliseconds since 1970, UTC
    value:  float64[n], in the unit of the series' meter
    """

    series: tuple[Series, ...] = ()
    key: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))
    at: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    value: NDArray[np.float64] = field(default_factory=lambda: np.empty(0, np.float64))

    def __post_init__(self) -> None:
        if not len(self.key) == len(self.at) == len(self.value):
            raise ValueError("columns differ in length")

    def __len__(self) -> int:
        return len(self.at)

    @classmethod
    def of(cls, samples: Iterable[Sample], *, hold_ms: int) -> "Columns":
        """Pack samples that a driver made one by one."""
        number: dict[Series, int] = {}
        rows = [
            (number.setdefault(Series(s.resource, s.meter.name, hold_ms), len(number)), s)
            for s in samples
        ]
        return cls(
            tuple(number),
            np.fromiter((key for key, _ in rows), np.uint32, len(rows)),
            np.fromiter((s.at_ms for _, s in rows), np.int64, len(rows)),
            np.fromiter((s.value for _, s in rows), np.float64, len(rows)),
        )

    @classmethod
    def join(cls, parts: Sequence["Columns"]) -> "Columns":
        """Put the columns of several drivers into one.

        Drivers that come again with the same series cost nothing a series: how their numbers map
        is remembered, and the same tuple of series is handed out again.
        """
        if len(parts) <= 1:
            return parts[0] if parts else cls()
        series, places = _joined(tuple(part.series for part in parts))
        keys = [place[part.key] for place, part in zip(places, parts, strict=True)]
        return cls(
            series,
            np.concatenate(keys),
            np.concatenate([part.at for part in parts]),
            np.concatenate([part.value for part in parts]),
        )


@lru_cache(maxsize=64)
def _joined(
    parts: tuple[tuple[Series, ...], ...],
) -> tuple[tuple[Series, ...], tuple[NDArray[np.uint32], ...]]:
    """All series once, and for each part the place of its series among them."""
    number: dict[Series, int] = {}
    places = tuple(
        np.array([number.setdefault(series, len(number)) for series in part], np.uint32)
        for part in parts
    )
    return tuple(number), places
