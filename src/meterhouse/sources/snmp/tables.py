"""Where an agent keeps power and energy, and how it writes them.

An OID is written as a pattern. In it stand

    {device}  the unit's number in a daisy chain
    {n}     the outlet's number, from 1
    {row}   the row, where rows are found in the agent's own tables (``Table.rows``)
"""

from dataclasses import dataclass
from math import inf

HIGHEST_32 = 2.0**32  # a register of 32 bits: after 2**32 - 1 comes 0
WH, KWH = 3600.0, 3_600_000.0  # joules


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """A number that an agent has for each outlet.

    oid:    a pattern, or one for each outlet
    scale:  watts, or joules, for each count
    digits: a pattern: the object that says how many decimal digits the number has
    size:   of an energy register: how many numbers it has; infinite if that is not known
    absent: which numbers mean that there is none. None: all that are negative
    """

    oid: str | tuple[str, ...]
    scale: float = 1.0
    digits: str = ""
    size: float = inf
    absent: tuple[int, ...] | None = None

    def pattern(self, outlet: int) -> str:
        """The pattern for an outlet, counted from 0."""
        return self.oid if isinstance(self.oid, str) else self.oid[outlet]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What an agent says of its outlets, or of what the PDU takes in.

    power, energy: at least one of them
    valid:  a pattern: an object that says 1 where the power is measured
    rows:   a pattern: the column whose rows are {row}, in its order. "": rows are known beforehand
    member: of ``rows``, only those that say this count: "{device}". "": all
    labels: of ``rows``, for each outlet the one that says this text
    most:   how many there can be
    """

    power: Object | None = None
    energy: Object | None = None
    valid: str = ""
    rows: str = ""
    member: str = ""
    labels: tuple[str, ...] = ()
    most: int = 1000

    @property
    def objects(self) -> tuple[Object, ...]:
        return tuple(found for found in (self.power, self.energy) if found)
