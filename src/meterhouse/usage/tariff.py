"""What energy costs and what it emits: dated prices and carbon factors, in whole numbers.

Millijoules times a price is worked out in billionths of the currency, and times a carbon factor in
micrograms of CO2e: whole numbers, so that parts can be added and nothing is lost on the way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from meterhouse.inventory.facts import CarbonRow, PriceRow
from meterhouse.usage.shares import Whole
from meterhouse.usage.stretches import Ints

NANO = 10**9
"""Parts of one unit of a currency."""

MICRO = 10**6
"""Parts of a gram of CO2e."""

KWH = 3_600_000_000  # mJ
_FITS = 2**62

Term = TypeVar("Term", PriceRow, CarbonRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The prices and carbon factors that hold at some moment of a period, each in order of time.

    At any moment at most one price and one factor hold; where none does, what energy costs (or
    emits) is unknown.
    """

    prices: Sequence[PriceRow] = ()
    factors: Sequence[CarbonRow] = ()

    @property
    def moments(self) -> Ints:
        """Where a price or a factor begins or ends, ascending."""
        rows: Sequence[PriceRow | CarbonRow] = (*self.prices, *self.factors)
        return np.unique([edge for row in rows for edge in (row.start_ms, row.end_ms)]).astype(
            np.int64
        )

    @property
    def currencies(self) -> tuple[str, ...]:
        return tuple(sorted({row.currency for row in self.prices}))


@dataclass(frozen=True, slots=True, eq=False)
class Bill:
    """What n amounts of energy cost and emitted.

    currency:   int64[n], index into the tariff's currencies, -1 where no price holds
    nanos:      whole[n], billionths of that currency
    factored:   bool[n], whether a carbon factor holds
    micrograms: whole[n] of CO2e
    """

    currency: Ints
    nanos: Whole
    factored: NDArray[np.bool_]
    micrograms: Whole


def bill(millijoules: Ints, start_ms: Ints, tariff: Tariff) -> Bill:
    """Say what energy is worth.

    millijoules: int64[n], none negative
    start_ms:    int64[n], from when each was used, to before the next of the tariff's moments
    """
    price, factor = in_force(tariff.prices, start_ms), in_force(tariff.factors, start_ms)
    number = {currency: place for place, currency in enumerate(tariff.currencies)}
    currency = np.array([*(number[row.currency] for row in tariff.prices), -1], np.int64)
    per_kwh = _units([row.per_kwh for row in tariff.prices], NANO)
    g_per_kwh = _units([row.g_per_kwh for row in tariff.factors], MICRO)
    return Bill(
        currency=currency[price],
        nanos=worth(millijoules, per_kwh[price]),
        factored=factor >= 0,
        micrograms=worth(millijoules, g_per_kwh[factor]),
    )


def in_force(rows: Sequence[Term], at_ms: Ints) -> Ints:
    """The number of the row that holds at each moment, -1 where none does."""
    starts = np.array([row.start_ms for row in rows], np.int64)
    # One more, so that -1 (nothing begun yet) finds a row that has ended.
    ends = np.array([*(row.end_ms for row in rows), 0], np.int64)
    number = np.searchsorted(starts, at_ms, side="right") - 1
    result: Ints = np.where(ends[number] > at_ms, number, -1)
    return result


def _units(amounts: Sequence[Decimal], parts: int) -> Whole:
    """Amounts per kWh in whole parts, and at the end 0 for where none is known."""
    whole = [round(amount * parts) for amount in amounts]
    return np.array([*whole, 0], np.int64 if max(whole, default=0) < _FITS else object)


def worth(millijoules: Ints, per_kwh: Whole) -> Whole:
    """Energy times an amount per kWh, each rounded half up to a whole part."""
    largest = int(per_kwh.max(initial=0))
    most = int(millijoules.max(initial=0)) // KWH + 1
    if largest * max(2 * KWH, most * max(len(millijoules), 1)) >= _FITS:
        millijoules, per_kwh = millijoules.astype(object), per_kwh.astype(object)
    whole, rest = millijoules // KWH, millijoules % KWH
    result: Whole = whole * per_kwh + (2 * rest * per_kwh + KWH) // (2 * KWH)
    return result
