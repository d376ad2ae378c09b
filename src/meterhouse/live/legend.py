"""What each of many probes used, cost and emitted in a period, and what they did together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from meterhouse.live.power import Power, Seen
from meterhouse.usage.pricing import Priced, priced

_MJ_IN_KWH = 3.6e9


@dataclass(frozen=True, slots=True)
class Row:
    """One probe, or all together. None where nothing is known.

    minimum, average, maximum, last: watts
    kwh:     as metered: from the energy counter where the probe has one
    costs:   currency to amount; empty where no price holds
    grams:   of CO2e
    covered: 0 to 1, of how much of what may be seen of the period a reading stood
    """

    minimum: float | None
    average: float | None
    maximum: float | None
    last: float | None
    kwh: float | None
    costs: Mapping[str, Decimal]
    grams: Decimal | None
    covered: float


@dataclass(frozen=True, slots=True)
class Legend:
    """rows: one for each probe of the table, in its order; total: of all."""

    rows: Sequence[Row]
    total: Row


def legend(drawn: Power, using: str = "default") -> Legend:
    """Read what is under a graph. Few queries, whatever the number of probes.

    What was measured as power is in the table already: it is not read twice.
    """
    owner = [number for number, seen in enumerate(drawn.seen) for _ in seen.stretches]
    spans = [(seen.probe.resource, *each) for seen in drawn.seen for each in seen.stretches]
    bills: list[list[Priced]] = [[] for _ in drawn.seen]
    for number, bill in zip(owner, priced(spans, using, drawn.parts), strict=True):
        bills[number].append(bill)
    rows = [_row(drawn, number, bill) for number, bill in enumerate(bills)]
    return Legend(rows, _total(drawn, rows, [bill for mine in bills for bill in mine]))


def _row(drawn: Power, number: int, bills: Sequence[Priced]) -> Row:
    length = _length(drawn.seen[number])
    return Row(
        _known(drawn.minimum[number]),
        _known(drawn.average[number]),
        _known(drawn.maximum[number]),
        _known(drawn.last[number]),
        _kwh(bills),
        _costs(bills),
        _grams(bills),
        min(int(drawn.covered_ms[number]) / length, 1.0) if length else 0.0,
    )


def _total(drawn: Power, rows: Sequence[Row], bills: Sequence[Priced]) -> Row:
    """Least and greatest of the sum as it is drawn; its average over what is known of it."""
    if len(rows) == 1:
        return rows[0]
    total = drawn.total
    known = total[np.isfinite(total)]
    ends = np.append(drawn.start[1:], drawn.period.end_ms)
    lengths = (ends - drawn.start)[np.isfinite(total)]
    length = sum(map(_length, drawn.seen))
    covered = float(drawn.covered_ms.sum()) / length if length else 0.0
    if not len(known):
        return Row(None, None, None, None, _kwh(bills), _costs(bills), _grams(bills), covered)
    average = float(known @ lengths / lengths.sum())
    ends_of_it = (float(known.min()), average, float(known.max()), float(known[-1]))
    return Row(*ends_of_it, _kwh(bills), _costs(bills), _grams(bills), min(covered, 1.0))


def _length(seen: Seen) -> int:
    return sum(end - start for start, end in seen.stretches)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _kwh(bills: Iterable[Priced]) -> float | None:
    measured = [bill.millijoules for bill in bills if bill.covered_ms]
    return sum(measured) / _MJ_IN_KWH if measured else None


def _costs(bills: Iterable[Priced]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for bill in bills:
        for currency, amount in bill.costs.items():
            found[currency] = found.get(currency, Decimal(0)) + amount
    return found


def _grams(bills: Iterable[Priced]) -> Decimal | None:
    known = [bill.grams for bill in bills if bill.grams is not None]
    return sum(known, Decimal(0)) if known else None
