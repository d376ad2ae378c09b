"""Quantities as people read them: hours, GiB-hours, kWh; rounded once, here, for every format."""

from collections.abc import Mapping
from decimal import Context, Decimal
from functools import cache

import msgspec

from meterhouse.metering.snapshots import State
from meterhouse.usage.quantities import Quantities

PLACES = 4
"""Decimals of every figure in CSV and JSON: a third of a second, 0.1 Wh."""

HOUR = 3600  # s
GIB_HOUR = 2**30 * HOUR  # byte-seconds
KWH = 3_600_000_000  # mJ
KG = 10**9  # micrograms
NANO_PLACES = 9  # of a currency


_EXACT = Context(prec=999)  # of any size that occurs, without rounding


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One Quantities for people. Every Decimal has the same number of places.

    server_hours:     rounded from the sum
    server_hours_by_state: every state
    energy_kwh:       None where nothing was measured
    energy_estimated_kwh, energy_idle_kwh, energy_overhead_kwh: parts of it, None as it is
    energy_rule:     how it was found: "measured", "cpu time", "vcpus", joined by "+"; "" if not
    costs:           currency to amount, of NANO_PLACES: exact, so that parts sum to the whole
    co2e_kg:         None where no carbon factor held
    coverage, energy_coverage: 0 to 1; None where there is nothing to cover
    """

    server_hours: Decimal
    server_hours_by_state: Mapping[State, Decimal]
    resource_hours: Decimal
    vcpu_hours: Decimal
    ram_gib_hours: Decimal
    disk_gib_hours: Decimal
    energy_kwh: Decimal | None
    energy_estimated_kwh: Decimal | None
    energy_idle_kwh: Decimal | None
    energy_overhead_kwh: Decimal | None
    energy_rule: str
    costs: Mapping[str, Decimal]
    co2e_kg: Decimal | None
    coverage: Decimal | None
    energy_coverage: Decimal | None


def figures(used: Quantities, places: int = PLACES) -> Figures:
    """Round every quantity half up."""
    servers = used.server_seconds
    hours = {state: rounded(seconds, HOUR, places) for state, seconds in servers.items()}
    return Figures(
        server_hours=rounded(sum(servers.values()), HOUR, places),
        server_hours_by_state=_no_hours(places) | hours,
        resource_hours=rounded(used.resource_seconds, HOUR, places),
        vcpu_hours=rounded(used.vcpu_seconds, HOUR, places),
        ram_gib_hours=rounded(used.ram_byte_seconds, GIB_HOUR, places),
        disk_gib_hours=rounded(used.disk_byte_seconds, GIB_HOUR, places),
        energy_kwh=_kwh(used, used.millijoules, places),
        energy_estimated_kwh=_kwh(used, used.estimated_mj, places),
        energy_idle_kwh=_kwh(used, used.idle_mj, places),
        energy_overhead_kwh=_kwh(used, used.overhead_mj, places),
        energy_rule=rule(used),
        costs={name: _shifted(nanos, NANO_PLACES) for name, nanos in used.costs.items()},
        co2e_kg=rounded(used.micrograms, KG, places) if used.factored_ms else None,
        coverage=_ratio(used.seen_ms, used.unseen_ms, places),
        energy_coverage=_ratio(used.measured_ms, used.unmeasured_ms, places),
    )


def _kwh(used: Quantities, millijoules: int, places: int) -> Decimal | None:
    return rounded(millijoules, KWH, places) if used.measured_ms else None


def rule(used: Quantities) -> str:
    """By which rules the energy was found, those that any of it was found by."""
    if not used.measured_ms:
        return ""
    rules = {
        "measured": used.millijoules > used.estimated_mj or not used.millijoules,
        "cpu time": used.cpu_mj > 0,
        "vcpus": used.estimated_mj > used.cpu_mj,
    }
    return "+".join(name for name, holds in rules.items() if holds)


def rounded(amount: int, unit: int, places: int) -> Decimal:
    """Give amount / unit as a Decimal of so many places, rounded half up, of any size."""
    if not amount:
        return _zero(places)
    scaled = (2 * amount * 10**places + unit) // (2 * unit)
    return _shifted(scaled, places)


def _shifted(whole: int, places: int) -> Decimal:
    return _EXACT.scaleb(Decimal(whole), -places)


@cache
def _no_hours(places: int) -> dict[State, Decimal]:
    return dict.fromkeys(State, _zero(places))


@cache
def _zero(places: int) -> Decimal:
    return Decimal(f"0e-{places}")


def _ratio(inside: int, outside: int, places: int) -> Decimal | None:
    """Round down: what is not wholly covered must not read as 1."""
    whole = inside + outside
    return _shifted(inside * 10**places // whole, places) if whole else None
