"""How much was used: exact whole numbers, so that parts can be added without losing anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction

from meterhouse.metering.snapshots import State


@dataclass(frozen=True, slots=True)
class Quantities:
    """What was used in one period. Everything is a whole number and adds up exactly.

    server_seconds:    state to seconds that servers spent in it; states without any are left out
    costs:             currency to billionths of it; a currency is there if a price in it held for
                       something that was measured. They are never added together
    resource_seconds:  seconds that resources of any kind existed
    ram_byte_seconds, disk_byte_seconds: bytes allocated x seconds
    millijoules:       energy measured; nothing is known about the rest
    measured_ms:       time over which power was measured ...
    unmeasured_ms:     ... and over which it was not, though the resource could draw some
    seen_ms:           time in which the source said what exists ...
    unseen_ms:         ... and in which it was silent, so that existence is taken for granted
    estimated_mj:      how much of the energy is estimated: split from what a node drew ...
    cpu_mj:            ... and how much of that by CPU time; the rest was split by vCPUs
    idle_mj:           how much of the energy is nodes' idle share
    overhead_mj:       how much of it went through outlets that feed no known node
    priced_mj:         how much of it a price held for; what the rest costs is unknown
    micrograms:        of CO2e
    factored_mj, factored_ms: how much of the energy, and of its time, a carbon factor held for
    """

    server_seconds: Mapping[State, int] = field(default_factory=dict)
    costs: Mapping[str, int] = field(default_factory=dict)
    resource_seconds: int = 0
    vcpu_seconds: int = 0
    ram_byte_seconds: int = 0
    disk_byte_seconds: int = 0
    millijoules: int = 0
    measured_ms: int = 0
    unmeasured_ms: int = 0
    seen_ms: int = 0
    unseen_ms: int = 0
    estimated_mj: int = 0
    cpu_mj: int = 0
    idle_mj: int = 0
    overhead_mj: int = 0
    priced_mj: int = 0
    micrograms: int = 0
    factored_mj: int = 0
    factored_ms: int = 0

    def __add__(self, other: "Quantities") -> "Quantities":
        states = self.server_seconds.keys() | other.server_seconds.keys()
        return Quantities(
            {
                state: self.server_seconds.get(state, 0) + other.server_seconds.get(state, 0)
                for state in State
                if state in states
            },
            {
                currency: self.costs.get(currency, 0) + other.costs.get(currency, 0)
                for currency in sorted(self.costs.keys() | other.costs.keys())
            },
            *(getattr(self, name) + getattr(other, name) for name in AMOUNTS),
        )

    @property
    def joules(self) -> Fraction | None:
        """Energy, exactly; None where nothing was measured, because unknown is not zero."""
        return Fraction(self.millijoules, 1000) if self.measured_ms else None

    @property
    def coverage(self) -> Fraction | None:
        """The part of the resources' existence that a source saw, 0 to 1; None without any."""
        return _part(self.seen_ms, self.unseen_ms)

    @property
    def energy_coverage(self) -> Fraction | None:
        """The part of the time that could be measured and was; None where nothing could be."""
        return _part(self.measured_ms, self.unmeasured_ms)


def _part(inside: int, outside: int) -> Fraction | None:
    return Fraction(inside, inside + outside) if inside + outside else None


AMOUNTS = tuple(
    each.name for each in fields(Quantities) if each.name not in {"server_seconds", "costs"}
)
"""The names of the plain whole numbers among a Quantities' fields, in their order."""

NOTHING = Quantities()
