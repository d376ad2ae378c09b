"""Atoms of usage: one institution's part of one stretch of one resource, and their sums."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meterhouse.metering.snapshots import State
from meterhouse.usage.counting import CAPACITY, COUNTS, ENERGY_ONLY, SERVERS
from meterhouse.usage.cutting import Pieces
from meterhouse.usage.energy import Energy
from meterhouse.usage.gaps import Silences
from meterhouse.usage.quantities import AMOUNTS, NOTHING, Quantities
from meterhouse.usage.shares import Whole, split
from meterhouse.usage.slices import Spreading
from meterhouse.usage.stretches import STATES, Ints, Mask, Stretches
from meterhouse.usage.tariff import Tariff, bill

NANOS = "nanos"
_FITS = 2**62  # well below the largest int64
_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Atoms:
    """Columns of n atoms; ids and indexes as in Stretches.

    server:   whether its seconds are server hours
    currency: index into ``currencies`` of what its energy costs, -1 where that is unknown
    amounts:  name of a Quantities' whole number to whole[n]; NANOS to billionths of the currency
    """

    resources: Sequence[str]
    origins: Sequence[tuple[str, str]]
    currencies: Sequence[str]
    institution: Ints
    project: Ints
    user: Ints
    resource: Ints
    origin: Ints
    state: Ints
    server: Mask
    currency: Ints
    amounts: Mapping[str, Whole]

    def __len__(self) -> int:
        return len(self.institution)

    def take(self, which: Mask | Ints) -> "Atoms":
        return replace(
            self,
            amounts={name: amount[which] for name, amount in self.amounts.items()},
            **{name: getattr(self, name)[which] for name in _KEYS},
        )


_KEYS = ("institution", "project", "user", "resource", "origin", "state", "server", "currency")


def attribute(spread: Spreading, silences: Silences, tariff: Tariff) -> Atoms:
    """Say how much each piece is, and split it over the institutions that fund it.

    A piece with costs in several currencies has an atom more for each further one, with nothing
    but that cost.
    """
    pieces, energy = spread.pieces, spread.energy
    worth = _worth(spread, tariff)
    whole = _measure(pieces.stretches, energy, silences) | _valued(energy, worth)
    several = [_split(pieces, whole), *_further(pieces, whole, worth)]
    row, institution = (np.concatenate([each[n] for each in several]) for n in (0, 1))
    amounts: dict[str, Whole] = {
        name: np.concatenate([each[2][name] for each in several]) for name in whole
    }
    of = pieces.stretches.take(row)
    servers = np.array([kind in SERVERS for _, kind in of.origins], bool)
    return Atoms(
        resources=of.resources,
        origins=of.origins,
        currencies=tariff.currencies,
        institution=institution,
        project=of.project,
        user=of.user,
        resource=of.resource,
        origin=of.origin,
        state=of.state,
        server=servers[of.origin],
        currency=np.concatenate(
            [currency[each[0]] for each, currency in zip(several, worth.currency, strict=False)]
        ),
        amounts=amounts,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Worth:
    """What n pieces cost and emitted, and how much of each that is known of.

    currency: each piece's first, then its second, ...; -1 where it has none; nanos likewise
    """

    currency: Sequence[Ints]
    nanos: Sequence[Whole]
    priced_mj: Whole
    micrograms: Whole
    factored_mj: Whole
    factored_ms: Whole


def _worth(spread: Spreading, tariff: Tariff) -> _Worth:
    slices, count = spread.slices, len(spread.pieces.stretches)
    found = bill(slices.millijoules, slices.start_ms, tariff)
    first = np.searchsorted(slices.piece, np.arange(count))

    def summed_up(amount: Whole) -> Whole:
        whole: Whole = np.add.reduceat(amount, first) if count else amount
        return whole

    currency = np.where(slices.measured_ms > 0, found.currency, -1)
    names = range(len(tariff.currencies))
    nanos = [summed_up(np.where(currency == number, found.nanos, 0)) for number in names]
    there = [summed_up((currency == number).astype(np.int64)) > 0 for number in names]
    slots = list(_slots(there, nanos, count))
    return _Worth(
        currency=[slot for slot, _ in slots],
        nanos=[amount for _, amount in slots],
        priced_mj=summed_up(np.where(found.currency >= 0, slices.millijoules, 0)),
        micrograms=summed_up(found.micrograms),
        factored_mj=summed_up(np.where(found.factored, slices.millijoules, 0)),
        factored_ms=summed_up(np.where(found.factored, slices.measured_ms, 0)),
    )


def _slots(
    there: Sequence[Mask], nanos: Sequence[Whole], count: int
) -> Iterator[tuple[Ints, Whole]]:
    """The first currency of each piece and its billionths, then the second, as long as any is."""
    rank = np.cumsum(there, axis=0) if there else np.zeros((0, count), np.int64)
    for nth in range(1, max(int(rank.max(initial=0)), 1) + 1):
        currency = np.full(count, -1, np.int64)
        amount: Whole = np.zeros(count, nanos[0].dtype if nanos else np.int64)
        for number, (mine, more) in enumerate(zip(there, nanos, strict=True)):
            here = mine & (rank[number] == nth)
            currency[here], amount[here] = number, more[here]
        yield currency, amount


def _further(
    pieces: Pieces, whole: Mapping[str, Whole], worth: _Worth
) -> Iterator[tuple[Ints, Ints, dict[str, Whole]]]:
    """What pieces cost in their second currency, and so on."""
    for currency, nanos in zip(worth.currency[1:], worth.nanos[1:], strict=True):
        rows = np.flatnonzero(currency >= 0)
        some = Pieces(pieces.stretches.take(rows), pieces.plan[rows], pieces.plans)
        nothing: Whole = np.zeros(len(rows), np.int64)
        row, institution, amounts = _split(
            some, dict.fromkeys(whole, nothing) | {NANOS: nanos[rows]}
        )
        yield rows[row], institution, amounts


def _split(pieces: Pieces, whole: Mapping[str, Whole]) -> tuple[Ints, Ints, dict[str, Whole]]:
    """Split all pieces: of each part the row it comes from, its institution and its amounts."""
    some = {name: amount for name, amount in whole.items() if amount.any()}
    rows, institutions = [_NONE], [_NONE]
    parts: dict[str, list[Whole]] = {name: [] for name in some}
    for weights, mine, payers in _by_payers(pieces):
        rows.append(np.repeat(mine, payers.shape[1]))
        institutions.append(payers.ravel())
        for name, amount in some.items():
            parts[name].append(_share(amount[mine], weights))
    row = np.concatenate(rows)
    nothing: Whole = np.zeros(len(row), np.int64)
    joined: dict[str, Any] = {name: np.concatenate(several) for name, several in parts.items()}
    amounts = dict.fromkeys(whole, nothing) | joined
    return row, np.concatenate(institutions), amounts


def _share(amount: Whole, weights: Whole) -> Whole:
    """Split whole[n] into whole[n x k], the k parts of each side by side."""
    return amount if weights.shape[1] == 1 else split(amount, weights).ravel()


def _by_payers(pieces: Pieces) -> Iterator[tuple[Whole, Ints, Ints]]:
    """For each number k of payers: the pieces int64[n] with so many, their weights whole[n, k] and
    who gets the parts int64[n, k].
    """
    sizes = np.array([len(plan) for plan in pieces.plans], np.int64)
    for count in np.unique(sizes[pieces.plan]).tolist():
        of_plan = np.flatnonzero(sizes == count)
        plans = [pieces.plans[number] for number in of_plan.tolist()]
        mine = np.flatnonzero(sizes[pieces.plan] == count)
        place = np.searchsorted(of_plan, pieces.plan[mine])
        weights = np.array([[weight for _, weight in plan] for plan in plans])
        payers = np.array([[payer for payer, _ in plan] for plan in plans], np.int64)
        yield weights[place], mine, payers[place]


def _measure(of: Stretches, energy: Energy, silences: Silences) -> dict[str, Whole]:
    """The amounts of each stretch, before anything is split."""
    # Moments count from their whole second on: cutting at any moment then adds up exactly.
    real = ~np.array([kind in ENERGY_ONLY for _, kind in of.origins], bool)[of.origin]
    seconds = (of.end_ms // 1000 - of.start_ms // 1000) * real
    length = (of.end_ms - of.start_ms) * real
    capacity = np.array([kind in CAPACITY for _, kind in of.origins], bool)[of.origin]
    disk_seconds = seconds * ~capacity
    size_seconds = disk_seconds * np.array([COUNTS[s].size for s in STATES])[of.state]
    unseen = _unseen(of, silences) * real
    return {
        "resource_seconds": seconds,
        "vcpu_seconds": times(of.vcpus, size_seconds),
        "ram_byte_seconds": times(of.ram_bytes, size_seconds),
        "disk_byte_seconds": times(of.disk_bytes, disk_seconds),
        "millijoules": energy.millijoules,
        "measured_ms": energy.measured_ms,
        "unmeasured_ms": np.maximum(energy.expected(of) - energy.measured_ms, 0),
        "seen_ms": length - unseen,
        "unseen_ms": unseen,
    }


def _valued(energy: Energy, worth: _Worth) -> dict[str, Whole]:
    """What the energy costs and emits, and how much of it that is known of."""
    return {
        "estimated_mj": energy.estimated_mj,
        "cpu_mj": energy.cpu_mj,
        "idle_mj": energy.idle_mj,
        "overhead_mj": energy.overhead_mj,
        "priced_mj": worth.priced_mj,
        "micrograms": worth.micrograms,
        "factored_mj": worth.factored_mj,
        "factored_ms": worth.factored_ms,
        NANOS: worth.nanos[0],
    }


def _unseen(of: Stretches, silences: Silences) -> Ints:
    unseen = np.zeros(len(of), np.int64)
    for number, origin in enumerate(of.origins):
        if origin in silences:
            rows = np.flatnonzero(of.origin == number)
            unseen[rows] = silences[origin].within(of.start_ms[rows], of.end_ms[rows])
    return unseen


def times(each: Ints, seconds: Ints) -> Whole:
    """Multiply so that the products are exact: a petabyte-year is not int64. None is negative."""
    if (each.astype(np.float64) * seconds).max(initial=0) < _FITS:
        return each * seconds
    big: NDArray[np.object_] = each.astype(object) * seconds.astype(object)
    return big


def total(atoms: Atoms) -> Quantities:
    """Sum all atoms."""
    return next(iter(totals(atoms, np.zeros(len(atoms), np.int64)).values()), NOTHING)


def totals(atoms: Atoms, *keys: Ints) -> dict[tuple[int, ...], Quantities]:
    """Sum the atoms that agree in all keys, in order of the keys."""
    if not len(atoms):
        return {}
    order = np.lexsort(keys[::-1])
    ordered = [key[order] for key in keys]
    changes = np.any([key[1:] != key[:-1] for key in ordered], axis=0)
    starts = np.concatenate(([0], np.flatnonzero(changes) + 1))
    sums = [summed(atoms.amounts[name][order], starts) for name in AMOUNTS]
    groups = zip(*(key[starts].tolist() for key in ordered), strict=True)
    servers, costs = _server_seconds(atoms, order, starts), _costs(atoms, order, starts)
    return {
        group: Quantities(seconds, cost, *amounts)
        for group, seconds, cost, *amounts in zip(groups, servers, costs, *sums, strict=True)
    }


def summed(amount: Whole, starts: Ints) -> list[int]:
    """Add up exactly what lies between one start and the next; none is negative."""
    if amount.dtype == object or amount.sum(dtype=np.float64) < _FITS:
        whole: list[int] = np.add.reduceat(amount, starts).tolist()
        return whole
    high, low = amount >> 32, amount & (2**32 - 1)
    halves = (np.add.reduceat(half, starts).tolist() for half in (high, low))
    return [(upper << 32) + lower for upper, lower in zip(*halves, strict=True)]


def _server_seconds(atoms: Atoms, order: Ints, starts: Ints) -> list[dict[State, int]]:
    """State to seconds for each group, without the states it has none of."""
    seconds = np.where(atoms.server, atoms.amounts["resource_seconds"], 0)[order]
    state = atoms.state[order]
    found: list[dict[State, int]] = [{} for _ in starts]
    for number in np.unique(state):
        sums = np.add.reduceat(np.where(state == number, seconds, 0), starts)
        for group in np.flatnonzero(sums).tolist():
            found[group][STATES[number]] = int(sums[group])
    return found


def _costs(atoms: Atoms, order: Ints, starts: Ints) -> list[dict[str, int]]:
    """Currency to its billionths for each group, without those in which nothing is priced."""
    found: list[dict[str, int]] = [{} for _ in starts]
    currency, nanos = atoms.currency[order], atoms.amounts[NANOS][order]
    for number, name in enumerate(atoms.currencies):
        mine = currency == number
        there = np.logical_or.reduceat(mine, starts)
        sums = summed(np.where(mine, nanos, 0), starts)
        for group in np.flatnonzero(there).tolist():
            found[group][name] = sums[group]
    return found
