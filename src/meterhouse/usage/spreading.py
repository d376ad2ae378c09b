"""Gives every piece of a statement its energy: measured, split, idle or overhead. Pure.

The law: what instances, idle shares, nodes by themselves and overhead get is exactly what the
meters read, in whole millijoules, for every node. Prices do not matter here: who gets what is
worked out without them, and then cut where a price changes (slices.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from meterhouse.usage.counting import IDLE, OVERHEAD, SERVERS
from meterhouse.usage.course import Course, Shape, evenly
from meterhouse.usage.cutting import Pieces
from meterhouse.usage.energy import Energy, powered
from meterhouse.usage.estate import Measure
from meterhouse.usage.feeding import Fed
from meterhouse.usage.portions import At, Portion, of_meters, of_nodes, of_placed
from meterhouse.usage.sharing import Nodes, Placed, Work, share
from meterhouse.usage.slices import Between, Spreading, directly, sliced
from meterhouse.usage.stretches import COLUMNS, Ints, Mask, Stretches
from meterhouse.usage.windows import Floats, Windows, apportion
from meterhouse.usage.wiring import HOSTS, METERS, Book, detail


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Readings:
    """All that pieces get their energy from, in the same windows.

    fed:     what reached which node
    idle_w:  float64[k, w] of fed's nodes, NaN where nobody knows
    work:    CPU time of instances, by their keys; None if there is none
    hosts:   nodes by key and name
    moments: changes of prices and factors
    direct:  measures what neither is a node nor on one
    shape:   how what reached nodes, and meters behind them, came within a window
    """

    windows: Windows
    fed: Fed
    idle_w: Floats
    work: tuple[Mapping[str, int], Work] | None
    hosts: Book
    moments: Ints
    direct: Measure
    notes: tuple[str, ...] = ()
    shape: Shape | None = None

    @property
    def rows(self) -> int:
        """Nodes, and meters behind them."""
        return len(self.fed.nodes) + len(self.fed.meters)


def spread(pieces: Pieces, readings: Readings) -> Spreading:
    """Give pieces their energy; what is idle or overhead gets pieces of its own, at the end."""
    of = pieces.stretches
    at = _where(of, readings)
    inside = np.flatnonzero(at.on >= 0)
    cpu, work = _work(of, inside, readings)
    placed = Placed(at.on[inside], of.vcpus[inside], cpu, of.start_ms[inside], of.end_ms[inside])
    course = _course(of, at, readings)
    shared = share(course, _nodes(of, at, course, readings), placed, work)
    parts = (
        of_placed(of, placed, inside, shared),
        *of_nodes(of, at, shared, readings.fed),
        of_meters(of, at, shared, readings.fed),
    )
    return _joined(pieces, at, parts, _whole(parts, readings), readings)


def _course(of: Stretches, at: At, readings: Readings) -> Course:
    """What was drawn, cut where a piece of a node, of a meter, or on a node begins or ends."""
    row = np.where(at.on >= 0, at.on, at.host)
    row = np.where(at.meter >= 0, at.meter + len(readings.fed.nodes), row)
    some = np.flatnonzero(row >= 0)
    moments = np.concatenate([of.start_ms[some], of.end_ms[some]])
    shape = readings.shape or evenly(readings.windows)
    return Course.of(readings.windows, readings.rows, np.tile(row[some], 2), moments, shape)


def _where(of: Stretches, readings: Readings) -> At:
    kinds = np.array([kind for _, kind in of.origins], object)[of.origin]
    nodes = {key: number for number, key in enumerate(readings.fed.nodes)}
    meters = {key: number for number, key in enumerate(readings.fed.meters)}
    node = np.array([nodes.get(key, -1) for key in of.resources], np.int64)[of.resource]
    meter = np.array([meters.get(key, -1) for key in of.resources], np.int64)[of.resource]
    host = np.where(np.isin(kinds, HOSTS), node, -1)
    return At(
        host=host,
        meter=np.where(np.isin(kinds, METERS), meter, -1),
        on=np.where(
            np.isin(kinds, list(SERVERS)) & (host < 0) & powered(of), _on(of, readings), -1
        ),
    )


def _on(of: Stretches, readings: Readings) -> Ints:
    """The node that each piece says it is on."""
    nodes = {key: number for number, key in enumerate(readings.fed.nodes)}
    pairs, place = np.unique(of.origin * max(len(of.details), 1) + of.detail, return_inverse=True)
    found = []
    for origin, text in (divmod(int(pair), max(len(of.details), 1)) for pair in pairs):
        word = detail(of.details[text], "node")
        key = readings.hosts.find(word, of.origins[origin][0]) if word else None
        found.append(nodes.get(key or "", -1))
    result: Ints = np.array(found, np.int64)[place]
    return result


def _work(of: Stretches, rows: Ints, readings: Readings) -> tuple[Ints, Work | None]:
    if readings.work is None:
        return np.full(len(rows), -1, np.int64), None
    numbers, work = readings.work
    number = np.array([numbers.get(key, -1) for key in of.resources], np.int64)
    return number[of.resource[rows]], work


def _nodes(of: Stretches, at: At, course: Course, readings: Readings) -> Nodes:
    rows, fed = np.flatnonzero(at.host >= 0), readings.fed
    capacity = course.weighed(at.host[rows], of.vcpus[rows], of.start_ms[rows], of.end_ms[rows])
    unknown = np.full(fed.overhead.shape, np.nan)
    return Nodes(
        np.concatenate([fed.drawn, fed.overhead]),
        np.concatenate([fed.measured_ms, fed.overhead_ms]),
        capacity,
        np.concatenate([readings.idle_w, unknown]),
    )


def _whole(parts: Sequence[Portion], readings: Readings) -> list[Ints]:
    """Whole millijoules of every part: for each node and meter they sum to what was read."""
    fed = readings.fed
    totals = np.rint(np.concatenate([fed.drawn, fed.overhead]).sum(axis=1)).astype(np.int64)
    group = np.concatenate([part.target for part in parts])
    drawn = np.concatenate([part.millijoules for part in parts])
    found = apportion(np.maximum(drawn, 0.0), group, totals)
    return np.split(found, np.cumsum([len(part.rows) for part in parts])[:-1])


def _joined(
    pieces: Pieces,
    at: At,
    parts: Sequence[Portion],
    whole: Sequence[Ints],
    readings: Readings,
) -> Spreading:
    of = pieces.stretches
    length = of.end_ms - of.start_ms
    energy = _measured(of, at, readings)
    mine, idle, own, overhead = parts
    for part, amount in ((mine, whole[0]), (own, whole[2])):
        _put(energy, part, amount, length)
    busy = np.zeros(len(of), np.int64)
    there = _there(idle, whole[1])
    busy[idle.rows[there]] = _within(idle.expected_ms[there], length[idle.rows[there]])
    expected = np.where(powered(of) & (at.meter < 0), length - busy, 0)
    extra = [
        _extra(pieces, part, amount, kind)
        for part, amount, kind in ((idle, whole[1], IDLE), (overhead, whole[3], OVERHEAD))
    ]
    result = _together([replace(energy, expected_ms=expected), *(each for _, each in extra)])
    direct = np.flatnonzero((at.host < 0) & (at.meter < 0) & (at.on < 0))
    sources = [
        (mine.rows, mine.between),
        (own.rows, own.between),
        (direct, directly(of.take(direct), readings.direct)),
    ]
    first = len(of)
    for part, amount in ((idle, whole[1]), (overhead, whole[3])):
        kept = np.flatnonzero(_there(part, amount))
        sources.append((np.arange(first, first + len(kept)), _of_some(part, kept)))
        first += len(kept)
    joined = _with([pieces, *(each for each, _ in extra)])
    slices = sliced(joined.stretches, result, readings.moments, sources)
    return Spreading(joined, result, slices, readings.notes)


def _of_some(part: Portion, kept: Ints) -> Between:
    return lambda some, start_ms, end_ms: part.between(kept[some], start_ms, end_ms)


def _measured(of: Stretches, at: At, readings: Readings) -> Energy:
    """Energy of what is neither a node, nor an outlet, nor on a node that is metered."""
    energy = Energy.none(len(of))
    rows = np.flatnonzero((at.host < 0) & (at.meter < 0) & (at.on < 0))
    if len(rows):
        found = readings.direct(of.take(rows))
        energy.millijoules[rows] = found.millijoules
        energy.measured_ms[rows] = found.measured_ms
    return energy


def _put(energy: Energy, part: Portion, amount: Ints, length: Ints) -> None:
    rows = part.rows
    energy.millijoules[rows] = amount
    energy.measured_ms[rows] = _within(part.measured_ms, length[rows])
    energy.estimated_mj[rows] = _of(amount, part.estimated, part.millijoules)
    energy.cpu_mj[rows] = _of(amount, part.by_cpu, part.millijoules)


def _there(part: Portion, amount: Ints) -> Mask:
    """Whether anything is known of each."""
    return (np.rint(part.measured_ms) > 0) | (amount > 0)


def _extra(pieces: Pieces, part: Portion, amount: Ints, kind: str) -> tuple[Pieces, Energy]:
    """Pieces that are nothing but energy, with owner and time of those they come from."""
    there = _there(part, amount)
    rows, amount, whole = part.rows[there], amount[there], part.millijoules[there]
    of = pieces.stretches.take(rows)
    length = of.end_ms - of.start_ms
    is_idle = kind == IDLE
    return (
        Pieces(_called(of, kind), pieces.plan[rows], pieces.plans),
        Energy(
            amount,
            _within(part.measured_ms[there], length),
            _of(amount, part.estimated[there], whole),
            _of(amount, part.by_cpu[there], whole),
            amount if is_idle else np.zeros_like(amount),
            np.zeros_like(amount) if is_idle else amount,
            _within(part.expected_ms[there], length),
        ),
    )


def _called(of: Stretches, kind: str) -> Stretches:
    """The same stretches as resources of another kind."""
    return replace(of, origins=tuple((source, kind) for source, _ in of.origins))


def _with(several: Sequence[Pieces]) -> Pieces:
    """Pieces after one another; each keeps resources and origins of its own."""
    parts = [each.stretches for each in several]
    columns: dict[str, Any] = {}
    for name in COLUMNS:
        shift = np.zeros(len(parts), np.int64)
        if name in {"resource", "origin"}:
            sizes = [len(getattr(part, f"{name}s")) for part in parts]
            shift = np.cumsum([0, *sizes[:-1]])
        columns[name] = np.concatenate(
            [getattr(part, name) + more for part, more in zip(parts, shift, strict=True)]
        )
    stretches = replace(
        parts[0],
        resources=tuple(key for part in parts for key in part.resources),
        origins=tuple(origin for part in parts for origin in part.origins),
        **columns,
    )
    plan = np.concatenate([each.plan for each in several])
    return Pieces(stretches, plan, several[0].plans)


def _together(several: Sequence[Energy]) -> Energy:
    return Energy(
        **{
            each.name: np.concatenate([getattr(energy, each.name) for energy in several])
            for each in fields(Energy)
        }
    )


def _within(measured_ms: Floats | Ints, length: Ints) -> Ints:
    result: Ints = np.clip(np.rint(measured_ms).astype(np.int64), 0, length)
    return result


def _of(amount: Ints, part: Floats, whole: Floats) -> Ints:
    """As much of an amount as a part is of a whole; never more than there is."""
    share = np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)
    result: Ints = np.clip(np.rint(amount * share).astype(np.int64), 0, amount)
    return result
