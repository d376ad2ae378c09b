"""Puts samples in order: by series and time, each moment once, the last one recorded wins."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from meterhouse.store.folding import Floats, Ints
from meterhouse.store.heads import Samples


class Part(NamedTuple):
    """The samples of one series, oldest first, no two at one moment."""

    series: int
    at: Ints
    value: Floats


def by_series(samples: Samples) -> list[Part]:
    """Take the samples of many series apart. They are given in the order they were recorded."""
    if not len(samples):
        return []
    turned = _turned(samples)
    return turned if turned is not None else _sorted(samples)


def _turned(samples: Samples) -> list[Part] | None:
    """The parts where every batch brought one sample of each of the same series, in order of time.

    That is how probes are read. Then there is nothing to sort: rows are turned into columns.
    """
    again = np.flatnonzero(samples.series == samples.series[0])
    size = int(again[1]) if len(again) > 1 else len(samples)
    if size * len(again) != len(samples):
        return None
    series, at = samples.series.reshape(-1, size), samples.at.reshape(-1, size)
    if len(np.unique(series[0])) < size or not (series == series[0]).all():
        return None
    if not (at[1:] > at[:-1]).all():
        return None
    value = np.ascontiguousarray(samples.value.reshape(-1, size).T)
    return list(map(Part, series[0].tolist(), np.ascontiguousarray(at.T), value))


def _sorted(samples: Samples) -> list[Part]:
    order = np.argsort(_codes(samples.series), kind="stable")
    series, at, value = samples.series[order], samples.at[order], samples.value[order]
    change = series[1:] != series[:-1]
    if not (change | (at[1:] > at[:-1])).all():
        order = np.lexsort((at, series))  # stable, so that the last recorded stays the last
        at, value = at[order], value[order]
        last = np.append(change | (at[1:] != at[:-1]), True)
        series, at, value = series[last], at[last], value[last]
        change = series[1:] != series[:-1]
    bounds = [0, *(np.flatnonzero(change) + 1).tolist(), len(at)]
    numbers = series[bounds[:-1]].tolist()
    return [
        Part(number, at[start:end], value[start:end])
        for number, (start, end) in zip(numbers, pairwise(bounds), strict=True)
    ]


def _codes(series: NDArray[np.uint32]) -> NDArray[np.unsignedinteger]:
    """Numbers in the same order, in 16 bits if they fit: numpy sorts those ten times faster."""
    low = series.min()
    return (series - low).astype(np.uint16) if series.max() - low < 2**16 else series


def merge(older: list[tuple[Ints, Floats]], at: Ints, value: Floats) -> tuple[Ints, Floats]:
    """Merge samples of one series with older ones; where both have a moment the newer wins."""
    at = np.concatenate([*(part[0] for part in older), at])
    value = np.concatenate([*(part[1] for part in older), value])
    order = np.argsort(at, kind="stable")
    at, value = at[order], value[order]
    last = np.append(at[1:] != at[:-1], [True] * min(len(at), 1)).astype(np.bool_)
    return at[last], value[last]
