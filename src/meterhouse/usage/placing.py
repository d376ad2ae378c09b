"""Reads from the database what energy is split by: meters, feeds, nodes, CPU time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from meterhouse.inventory import reading as inventory
from meterhouse.inventory.facts import IdleRow, RevisionRow
from meterhouse.metering.meters import CPU_TIME
from meterhouse.metering.periods import Period
from meterhouse.store import reading as store
from meterhouse.store.grid import grid
from meterhouse.store.union import energy_grid
from meterhouse.usage.counting import SERVERS
from meterhouse.usage.cutting import Pieces
from meterhouse.usage.estate import Measure, Spread
from meterhouse.usage.feeding import Fed, feed
from meterhouse.usage.gaps import Gap
from meterhouse.usage.metered import Meters
from meterhouse.usage.power_gaps import power_gaps
from meterhouse.usage.shapes import shape
from meterhouse.usage.sharing import Work
from meterhouse.usage.slices import Spreading
from meterhouse.usage.spreading import Readings, spread
from meterhouse.usage.stretches import Ints, Stretches
from meterhouse.usage.tariff import Tariff
from meterhouse.usage.windows import Floats, Windows
from meterhouse.usage.wiring import (
    HOSTS,
    INLET,
    METERS,
    OUTLET,
    PLACES,
    Book,
    Feed,
    Wiring,
    detail,
    wire,
)

DAY_MS = 86_400_000
IDLE_DAYS = 7
"""What a node draws idle is the lowest mean of an hour in so many UTC days before a day."""


def spreading(
    period: Period, tariff: Tariff, known: Meters, direct: Measure, using: str, *, until_ms: int
) -> Spread | None:
    """How pieces of a period get their energy; None where no node and no outlet is metered.

    until_ms: to when usage is counted; from the period's end to then nothing was read
    """
    names = [inventory.resource_names(using, kinds=kinds) for kinds in (HOSTS, METERS)]
    hosts, outlets = map(Book, names)
    metered = known.resources & {key for each in names for key in each}
    if not metered or period.start >= period.end:
        return None

    def work_out(pieces: Pieces) -> Spreading:
        of = pieces.stretches
        workers = _workers(of, using)
        before = timedelta(days=IDLE_DAYS + 1) if workers else timedelta(0)
        longer = Period(period.start - before, period.end)
        rows = list(inventory.revisions(longer, using, kinds=(*HOSTS, *METERS)))
        wiring = wire(rows, inventory.feeds_in(longer, using), hosts, outlets)
        declared = inventory.idle_in(longer, using)
        changes = [
            *_changes(wiring.feeds),
            *(edge for row in declared for edge in (row.start_ms, row.end_ms)),
        ]
        windows = Windows.of(longer, np.union1d(changes, [period.start_ms]).astype(np.int64))
        energy = _energy(sorted(metered), windows, using)
        there = _there(windows, rows)
        fed = feed(windows, wiring.feeds, energy | _above(energy, rows), there)
        idle_w = _idle(windows, fed, declared, hosts)
        first = int(np.searchsorted(windows.edges, period.start_ms))
        windows = Windows(windows.edges[first:])
        fed = fed.since(first)
        readings = Readings(
            windows=windows,
            fed=fed,
            idle_w=idle_w[:, first:],
            work=_work(workers, windows, using),
            hosts=hosts,
            moments=tariff.moments,
            direct=direct,
            shape=shape(windows, fed, _cut(energy, first), using),
            notes=(
                *_notes(fed, wiring),
                *_unmetered(fed, {k: v[first:] for k, v in there.items()}),
            ),
        )
        gaps = _gaps(windows, _cut(energy, first), rows, until_ms, using)
        return replace(spread(pieces, readings), gaps=gaps)

    return work_out


def _gaps(
    windows: Windows,
    energy: Mapping[str, tuple[Floats, Floats]],
    rows: Sequence[RevisionRow],
    until_ms: int,
    using: str,
) -> tuple[Gap, ...]:
    """When meters that were there said nothing, to the end of what is counted."""
    later = windows.edges[-1] < until_ms
    whole = Windows(np.append(windows.edges, until_ms)) if later else windows
    listed = [row for row in rows if row.resource_key in energy]

    def cover(meters: Sequence[str], cuts: Windows) -> Floats | Ints:
        if cuts is not whole:
            return energy_grid(meters, cuts.edges, using).covered_ms
        known = np.array([energy[meter][1] for meter in meters])
        return np.pad(known, ((0, 0), (0, int(later))))

    def presence(meters: Sequence[str], cuts: Windows) -> Floats:
        there = _there(cuts, listed, tuple({row.kind for row in listed}))
        return np.array([there[meter] for meter in meters])

    return power_gaps({row.resource_key: row.source for row in listed}, whole, cover, presence)


def _workers(of: Stretches, using: str) -> tuple[str, ...]:
    """Instances whose CPU time is known."""
    known = store.having((CPU_TIME.name,), using)[CPU_TIME.name]
    servers = np.array([kind in SERVERS for _, kind in of.origins], bool)[of.origin]
    mine = np.unique(of.resource[servers]).tolist()
    return tuple(of.resources[number] for number in mine if of.resources[number] in known)


def _work(
    workers: Sequence[str], windows: Windows, using: str
) -> tuple[dict[str, int], Work] | None:
    if not workers:
        return None
    found = grid(workers, CPU_TIME.name, windows.edges, using)
    numbers = {key: number for number, key in enumerate(workers)}
    return numbers, Work(found.amount, found.covered_ms.astype(np.float64))


def _changes(feeds: Iterable[Feed]) -> set[int]:
    """When a meter begins or ceases to measure a node; the nodes' own coming and going too."""
    found: set[tuple[Feed, int]] = set()
    for each in feeds:
        what = each._replace(start_ms=0, end_ms=0)
        # Where one ends as the next of the same begins, nothing changes.
        found ^= {(what, each.start_ms)}
        found ^= {(what, each.end_ms)}
    return {edge for _, edge in found}


def _cut(
    energy: Mapping[str, tuple[Floats, Floats]], first: int
) -> dict[str, tuple[Floats, Floats]]:
    return {key: (mj[first:], ms[first:]) for key, (mj, ms) in energy.items()}


def _energy(
    meters: Sequence[str], windows: Windows, using: str
) -> dict[str, tuple[Floats, Floats]]:
    """Millijoules and covered milliseconds of each meter in each window."""
    known = energy_grid(meters, windows.edges, using)
    return {
        key: (np.maximum(known.amount[row], 0.0) * 1000, known.covered_ms[row].astype(np.float64))
        for row, key in enumerate(meters)
    }


def _above(
    energy: dict[str, tuple[Floats, Floats]], rows: Sequence[RevisionRow]
) -> dict[str, tuple[Floats, Floats]]:
    """Of a PDU's own total, what is above the sum of its outlets: the rest is theirs."""
    inputs, outlets = (
        {r.resource_key: _pdu(r) for r in rows if r.kind == kind and r.resource_key in energy}
        for kind in (INLET, OUTLET)
    )
    found = {}
    for key, pdu in inputs.items():
        total = sum(energy[each][0] for each, its in inputs.items() if its == pdu)
        theirs = sum(energy[each][0] for each, its in outlets.items() if its == pdu)
        rest = np.maximum(total - theirs, 0.0)
        part = np.divide(rest, total, out=np.zeros_like(rest), where=total > 0)
        found[key] = (energy[key][0] * part, energy[key][1])
    return found


def _pdu(row: RevisionRow) -> tuple[str, str, bool]:
    """Of which PDU of its source an inlet or an outlet is; what measures elsewhere is of none."""
    place = detail(row.details, "measures") or PLACES[0]
    return row.source, detail(row.details, "pdu"), place == PLACES[0]


def _there(
    windows: Windows, rows: Iterable[RevisionRow], kinds: Sequence[str] = HOSTS
) -> dict[str, Floats]:
    """Node, or what is of other kinds, to how long it was there in each window."""
    nodes = [row for row in rows if row.kind in kinds]
    numbers = {key: n for n, key in enumerate(dict.fromkeys(row.resource_key for row in nodes))}
    found = windows.filled(
        np.array([numbers[row.resource_key] for row in nodes], np.int64),
        np.ones(len(nodes), np.int64),
        np.array([row.start_ms for row in nodes], np.int64),
        np.array([row.end_ms for row in nodes], np.int64),
        len(numbers),
    )
    return {key: found[number] for key, number in numbers.items()}


def _idle(windows: Windows, fed: Fed, declared: Sequence[IdleRow], hosts: Book) -> Floats:
    """What each node draws idle in each window: declared, else the least of the days before."""
    day = windows.edges[:-1] // DAY_MS
    whole = (windows.length == 3_600_000) & (fed.measured_ms >= windows.length)
    mean = np.divide(fed.drawn, fed.measured_ms, out=np.full(fed.drawn.shape, np.inf), where=whole)
    days = np.arange(day[0], day[-1] + 1)
    least = np.full((len(fed.nodes), len(days)), np.inf)
    np.minimum.at(least.T, day - day[0], mean.T)
    found = np.full(fed.drawn.shape, np.inf)
    for back in range(1, IDLE_DAYS + 1):
        there = day - back >= day[0]
        found[:, there] = np.minimum(found[:, there], least[:, (day - back - day[0])[there]])
    found[np.isinf(found)] = np.nan
    numbers = {key: number for number, key in enumerate(fed.nodes)}
    for row in declared:
        number = numbers.get(hosts.find(row.node) or "")
        if number is not None:
            first, last = np.searchsorted(windows.edges[:-1], (row.start_ms, row.end_ms))
            found[number, first:last] = float(row.watts)
    return found


def _notes(fed: Fed, wiring: Wiring) -> Iterable[str]:
    unused = fed.unused.sum(axis=1)
    left = [
        f"{key} ({millijoules / 3.6e9:.4f} kWh)"
        for key, millijoules in zip(fed.meters, unused.tolist(), strict=True)
        if millijoules >= 0.5
    ]
    if left:
        yield (
            "Not counted, because another meter measured the same watts: "
            f"{_listed(left)}. Of {', '.join(PLACES)} the first that knows something counts."
        )
    evenly = float(fed.evenly.sum())
    if evenly >= 0.5:
        yield (
            f"{evenly / 3.6e9:.4f} kWh went through outlets that feed several nodes: split evenly "
            "over those of them that were there, which is an estimate."
        )
    if wiring.unknown:
        yield f"Declared feeds name what is not there: {_listed(list(wiring.unknown))}."


def _unmetered(fed: Fed, there: Mapping[str, Floats]) -> Iterable[str]:
    """Say which nodes were there and never measured, so that coverage is explained."""
    known = dict(zip(fed.nodes, fed.measured_ms.sum(axis=1).tolist(), strict=True))
    dark = sorted(key for key, ms in there.items() if ms.sum() > 0 and not known.get(key))
    if dark:
        yield (
            f"Nothing measured {_listed(dark)}: what they drew is not known, "
            "nor what the instances on them did."
        )


MOST_NAMED = 10


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
