"""What Redfish answers, as far as it is asked. Anything may be missing or null: that is unknown.

Source: DSP8010, Chassis 1.22, EnvironmentMetrics 1.3, Power 1.7, PowerSubsystem 1.1,
PowerSupplyCollection, PowerSupply 1.5, PowerSupplyMetrics 1.1.
"""

import re

import msgspec

from meterhouse.metering.errors import BadReading

_PATH = re.compile(r"/redfish/[!-~]{1,1000}")
_PART = re.compile(
    r"sub.?system|cpu|processor|memory|dimm|gpu|accelerator|fpga|fan|drive|disk|storage"
    r"|backplane|network|nic\b|pcie|slot|rail|\bps\w?\d|power ?supply",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"server|system|chassis|node|enclosure|total", re.IGNORECASE)


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


OFFLINE = frozenset({"Disabled", "StandbyOffline", "UnavailableOffline"})
"""States in which a supply takes in nothing. Source: DSP0268, Status, State."""


class Status(msgspec.Struct, frozen=True):
    state: str | None = msgspec.field(name="State", default=None)

    @property
    def is_there(self) -> bool:
        return self.state != "Absent"

    @property
    def is_offline(self) -> bool:
        return self.state in OFFLINE


UNKNOWN = Status()


class Control(msgspec.Struct, frozen=True):
    """Where a part of a machine, or the whole of it, is held to a limit and measured."""

    watts: float | None = msgspec.field(name="PowerConsumedWatts", default=None)
    name: str | None = msgspec.field(name="Name", default=None)
    context: str | None = msgspec.field(name="PhysicalContext", default=None)

    @property
    def is_part(self) -> bool:
        """Whether it measures a part of the machine, by what it is called."""
        return bool(_PART.search(self.name or "") or _PART.search(self.context or ""))

    @property
    def is_whole(self) -> bool:
        return bool(_WHOLE.search(self.name or "")) and not self.is_part


class Input(msgspec.Struct, frozen=True):
    """A supply as Power has it."""

    watts: float | None = msgspec.field(name="PowerInputWatts", default=None)
    status: Status | None = msgspec.field(name="Status", default=None)


class Power(msgspec.Struct, frozen=True):
    """Its supplies are only looked at where no control says watts: odd ones harm nobody else."""

    control: tuple[Control, ...] = msgspec.field(name="PowerControl", default=())
    unread: msgspec.Raw = msgspec.field(name="PowerSupplies", default=msgspec.Raw(b"[]"))

    @property
    def supplies(self) -> tuple[Input, ...]:
        """Raises BadReading."""
        try:
            return msgspec.json.decode(self.unread, type=tuple[Input, ...] | None) or ()
        except msgspec.MsgspecError as error:
            raise BadReading(f"PowerSupplies: {error}") from error


class Subsystem(msgspec.Struct, frozen=True):
    supplies: Link | None = msgspec.field(name="PowerSupplies", default=None)


class Supply(msgspec.Struct, frozen=True):
    status: Status | None = msgspec.field(name="Status", default=None)
    metrics: Link | None = msgspec.field(name="Metrics", default=None)


class SupplyMetrics(msgspec.Struct, frozen=True):
    input: Sensor | None = msgspec.field(name="InputPowerWatts", default=None)


Answer = Root | Collection | Chassis | Environment | Power | Subsystem | Supply | SupplyMetrics


def link(path: str) -> str:
    """A path that a BMC names. Raises BadReading if it leads elsewhere."""
    try:
        return Link(path).path
    except ValueError as error:
        raise BadReading(str(error)) from error
