"""Energy of any spans with what it cost and emitted: for graphs' legends and live figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np

from meterhouse.inventory import reading as inventory
from meterhouse.metering.periods import Period
from meterhouse.store.reading import Integrals
from meterhouse.usage.energy import Energy
from meterhouse.usage.metered import energy_of
from meterhouse.usage.stretches import Ints
from meterhouse.usage.tariff import MICRO, NANO, Bill, Tariff, bill

Spans = Sequence[tuple[str, int, int]]
"""Resource, start_ms (in), end_ms (out)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What one span used, cost and emitted.

    millijoules: as measured; see docs/energy.md
    covered_ms:  over how much of the span
    costs:       currency to amount, exact to a billionth; empty where no price held
    unpriced_mj: how much of the energy no price held for
    grams:       of CO2e; None where no carbon factor held
    uncounted_mj: how much of the energy no carbon factor held for
    """

    millijoules: int
    covered_ms: int
    costs: Mapping[str, Decimal]
    unpriced_mj: int
    grams: Decimal | None
    uncounted_mj: int

    @property
    def joules(self) -> Fraction | None:
        """None where nothing was measured: unknown is not zero."""
        return Fraction(self.millijoules, 1000) if self.covered_ms else None

    @property
    def cost(self) -> tuple[Decimal, str] | None:
        """The amount and its currency, if it is in one; currencies are never added together."""
        only = [(amount, currency) for currency, amount in self.costs.items()]
        return only[0] if len(only) == 1 else None


def priced(
    spans: Spans, using: str = "default", power: Integrals | None = None
) -> tuple[Priced, ...]:
    """What each span used, cut exactly where a price or a carbon factor changes.

    power: the integral of power over each span, of who has read it; where a span has to be cut,
           it is read again

    Few queries, whatever the number of spans.
    """
    real = [number for number, (_, start, end) in enumerate(spans) if start < end]
    if not real:
        return tuple(_NOTHING for _ in spans)
    tariff = tariff_in(_around([spans[number] for number in real]), using)
    owner, pieces = _cut(spans, real, tariff.moments)
    energy = energy_of(pieces, using, power=power if pieces == list(spans) else None)
    worth = bill(energy.millijoules, np.array([start for _, start, _ in pieces], np.int64), tariff)
    edges = np.searchsorted(owner, real)
    found = [_NOTHING] * len(spans)
    for number, first, last in zip(real, edges, [*edges[1:], len(owner)], strict=True):
        found[number] = _summed(slice(first, last), energy, worth, tariff)
    return tuple(found)


def tariff_in(period: Period, using: str) -> Tariff:
    """The prices and carbon factors of a period."""
    prices, factors = inventory.tariff_in(period, using)
    return Tariff(prices=prices, factors=factors)


def _around(spans: Spans) -> Period:
    starts, ends = [start for _, start, _ in spans], [end for _, _, end in spans]
    return Period.from_ms(min(starts), max(ends))


def _cut(
    spans: Spans, real: Sequence[int], moments: Ints
) -> tuple[Ints, list[tuple[str, int, int]]]:
    """The spans in pieces, and of each piece the number of the span it is of, ascending."""
    owner, pieces = [], []
    for number in real:
        resource, start, end = spans[number]
        inside = moments[(moments > start) & (moments < end)].tolist()
        for first, last in pairwise([start, *inside, end]):
            owner.append(number)
            pieces.append((resource, first, last))
    return np.array(owner, np.int64), pieces


def _summed(piece: slice, energy: Energy, worth: Bill, tariff: Tariff) -> Priced:
    joules, known = energy.millijoules[piece], energy.measured_ms[piece] > 0
    currency, factored = worth.currency[piece], worth.factored[piece]
    costs = {
        name: Decimal(int(worth.nanos[piece][mine].sum())) / NANO
        for number, name in enumerate(tariff.currencies)
        for mine in [known & (currency == number)]
        if mine.any()
    }
    grams = Decimal(int(worth.micrograms[piece].sum())) / MICRO
    return Priced(
        millijoules=int(joules.sum()),
        covered_ms=int(energy.measured_ms[piece].sum()),
        costs=costs,
        unpriced_mj=int(joules[currency < 0].sum()),
        grams=grams if (known & factored).any() else None,
        uncounted_mj=int(joules[~factored].sum()),
    )


_NOTHING = Priced(millijoules=0, covered_ms=0, costs={}, unpriced_mj=0, grams=None, uncounted_mj=0)
