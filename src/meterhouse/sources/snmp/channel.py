"""The objects of one table that are asked for, and what comes of their answers."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from meterhouse.clients.snmp.agent import Agent, Query, Said
from meterhouse.metering.meters import ENERGY, POWER, Meter
from meterhouse.sources import Counted, Register
from meterhouse.sources.snmp import rows
from meterhouse.sources.snmp.numbers import Floats, counts, numbers, without
from meterhouse.sources.snmp.tables import Object, Table

UNLABELLED = "no row with its label"
NO_DIGITS = "a number without its decimal digits"
MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Numbers:
    """One kind of number, of every outlet.

    oids:  for each outlet; "" where there is nothing to ask for
    scale: for each outlet, what a count is worth; NaN where that is not known
    """

    object: Object
    oids: tuple[str, ...]
    scale: Floats

    def read(self, said: Said, refused: Counter[str]) -> Floats:
        """In counts, NaN where there is none."""
        values = numbers([said.get(oid) for oid in self.oids], refused)
        values = without(values, self.object.absent)
        unknown = ~np.isnan(values) & np.isnan(self.scale)
        if unknown.any():
            refused[NO_DIGITS] += int(unknown.sum())
        return np.where(unknown, np.nan, values)


@dataclass(slots=True)
class Channel:
    """A table's outlets.

    labels: for each outlet the object that must say its label; "" where there is none
    unlabelled: outlets of which no row says the label
    """

    table: Table
    power: Numbers | None
    energy: Numbers | None
    valid: tuple[str, ...]
    labels: tuple[str, ...]
    unlabelled: int
    register: Register = field(init=False)

    def __post_init__(self) -> None:
        if self.energy:
            self.register = Register(self.energy.scale, self.energy.object.size)

    @property
    def oids(self) -> list[str]:
        parts = [one.oids for one in (self.power, self.energy) if one]
        return [oid for part in (*parts, self.valid, self.labels) for oid in part if oid]

    def there(self, said: Said) -> list[bool]:
        """Which outlets the agent says anything of."""
        kinds = [one for one in (self.power, self.energy) if one]
        return [
            any(oid in said for oid in oids) for oids in zip(*(k.oids for k in kinds), strict=True)
        ]

    def strayed(self, said: Said) -> bool:
        """Whether another label than before stands in some outlet's row."""
        return any(
            oid in said and rows.label(said[oid]) != text
            for oid, text in zip(self.labels, self.table.labels, strict=False)
        )

    def watts(self, said: Said, refused: Counter[str], count: int) -> Floats:
        if not self.power:
            return np.full(count, np.nan)
        values = self.power.read(said, refused) * self.power.scale
        return self._where_valid(values, said)

    def joules(
        self, said: Said, refused: Counter[str], before: Counted, at_ms: int
    ) -> tuple[Floats, Counted]:
        if not self.energy:
            return np.full(len(before.raw), np.nan), before
        said_counts = counts(self.energy.read(said, refused), self.register.size, refused)
        return self.register.read(before, self._where_valid(said_counts, said), at_ms)

    def lacking(
        self, said: Said, names: Sequence[str], numbers_of: Mapping[Meter, Floats]
    ) -> Iterator[tuple[str, str]]:
        """What each outlet that has a name does not say and why, and the name."""
        for meter, one in ((POWER, self.power), (ENERGY, self.energy)):
            nothing = np.isnan(numbers_of[meter]) if one else np.zeros(0)
            for outlet in np.flatnonzero(nothing).tolist():
                if one and names[outlet]:
                    why = self._why(one, outlet, said)
                    yield f"no {meter.name} ({why})", names[outlet]

    def _why(self, one: Numbers, outlet: int, said: Said) -> str:
        """Why there is no number of an outlet."""
        oid = one.oids[outlet]
        if not oid:
            return UNLABELLED if self.table.labels else "no such row"
        if self.valid and said.get(self.valid[outlet]) != 1:
            return "its sensor is not available"
        if oid not in said:
            return f"no such object: {one.object.pattern(outlet)}"
        value = said[oid]
        return f"it says {value[:20]!r}" if isinstance(value, bytes) else f"it says {value}"

    def _where_valid(self, values: Floats, said: Said) -> Floats:
        if not self.valid:
            return values
        return np.where([said.get(oid) == 1 for oid in self.valid], values, np.nan)


async def channel(agent: Agent, table: Table, device: int, wanted: Sequence[bool]) -> Channel:
    """Find what to ask for.

    wanted: for each outlet, whether anybody wants to know
    """
    places = await rows.found(agent, table, device, len(wanted))

    def oids(patterns: Iterable[str]) -> tuple[str, ...]:
        return tuple(
            rows.filled(pattern, device, outlet, places[outlet]) if wanted[outlet] else ""
            for outlet, pattern in enumerate(patterns)
        )

    def alike(pattern: str) -> tuple[str, ...]:
        return oids([pattern] * len(wanted)) if pattern else ()

    async def of(one: Object | None) -> Numbers | None:
        if one is None:
            return None
        scale = one.scale * await _powers(agent, alike(one.digits), len(wanted))
        return Numbers(one, oids(one.pattern(outlet) for outlet in range(len(wanted))), scale)

    labels = alike(f"{table.rows}.{{row}}") if table.labels else ()
    return Channel(
        table,
        await of(table.power),
        await of(table.energy),
        alike(table.valid),
        labels,
        sum(is_wanted and not oid for is_wanted, oid in zip(wanted, labels, strict=False)),
    )


async def _powers(agent: Agent, digits: Sequence[str], count: int) -> Floats:
    """Ten to the minus digits, for each outlet; NaN where the digits are not known."""
    asked = tuple(oid for oid in digits if oid)
    if not asked:
        return np.ones(count)
    said = await Query(agent, asked).settle()
    return np.array(
        [
            10.0**-known if isinstance(known, int) and 0 <= known <= MOST_DIGITS else np.nan
            for known in (said.get(oid) for oid in digits)
        ]
    )
