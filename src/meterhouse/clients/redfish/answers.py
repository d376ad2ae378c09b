"""What Redfish answers, as far as it is asked. Anything may be missing or null: that is unknown.

Source: DSP8010, Chassis 1.22, EnvironmentMetrics 1.3, Power 1.7, PowerSubsystem 1.1,
PowerSupplyCollection, PowerSupply 1.5, PowerSupplyMetrics 1.1.
"""

import re

import msgspec

from meterhouse.metering.errors import BadReading

_PATH = re.compile(r"/redfish/[!-~]{1,1000}")


class Link(msgspec.Struct, frozen=True):
    """Where another resource is, on the same BMC."""

    path: str = msgspec.field(name="@odata.id", default="")

    def __post_init__(self) -> None:
        """Refuse what leads elsewhere: whoever is asked is told the login."""
        if self.path and not _PATH.fullmatch(self.path):
            raise ValueError(f"{self.path[:80]!r} leads to no resource of this BMC")


class Sensor(msgspec.Struct, frozen=True):
    """An excerpt of a sensor. The lifetime's reading is never reset, the other one may be."""

    reading: float | None = msgspec.field(name="Reading", default=None)
    lifetime: float | None = msgspec.field(name="LifetimeReading", default=None)


class Sessions(msgspec.Struct, frozen=True):
    sessions: Link | None = msgspec.field(name="Sessions", default=None)


class Root(msgspec.Struct, frozen=True):
    """The service's root, which answers everybody (DSP0266, 13.3.1)."""

    chassis: Link | None = msgspec.field(name="Chassis", default=None)
    links: Sessions | None = msgspec.field(name="Links", default=None)


class Collection(msgspec.Struct, frozen=True):
    members: tuple[Link, ...] = msgspec.field(name="Members", default=())
    next: str = msgspec.field(name="Members@odata.nextLink", default="")


class Chassis(msgspec.Struct, frozen=True):
    id: str = msgspec.field(name="Id", default="")
    environment: Link | None = msgspec.field(name="EnvironmentMetrics", default=None)
    power: Link | None = msgspec.field(name="Power", default=None)
    supplies: Link | None = msgspec.field(name="PowerSubsystem", default=None)


class Environment(msgspec.Struct, frozen=True):
    power: Sensor | None = msgspec.field(name="PowerWatts", default=None)
    kwh: Sensor | None = msgspec.field(name="EnergykWh", default=None)
    joules: Sensor | None = msgspec.field(name="EnergyJoules", default=None)


class Control(msgspec.Struct, frozen=True):
    watts: float | None = msgspec.field(name="PowerConsumedWatts", default=None)


class Power(msgspec.Struct, frozen=True):
    control: tuple[Control, ...] = msgspec.field(name="PowerControl", default=())


class Subsystem(msgspec.Struct, frozen=True):
    supplies: Link | None = msgspec.field(name="PowerSupplies", default=None)


class Status(msgspec.Struct, frozen=True):
    state: str | None = msgspec.field(name="State", default=None)


class Supply(msgspec.Struct, frozen=True):
    status: Status | None = msgspec.field(name="Status", default=None)
    metrics: Link | None = msgspec.field(name="Metrics", default=None)

    @property
    def is_there(self) -> bool:
        return not (self.status and self.status.state == "Absent")


class SupplyMetrics(msgspec.Struct, frozen=True):
    input: Sensor | None = msgspec.field(name="InputPowerWatts", default=None)


Answer = Root | Collection | Chassis | Environment | Power | Subsystem | Supply | SupplyMetrics


def link(path: str) -> str:
    """A path that a BMC names. Raises BadReading if it leads elsewhere."""
    try:
        return Link(path).path
    except ValueError as error:
        raise BadReading(str(error)) from error
