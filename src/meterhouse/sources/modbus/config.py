"""Where the meters are, and which of their registers are read."""

from dataclasses import dataclass

from meterhouse.metering.meters import CURRENT, ENERGY, POWER, VOLTAGE, Meter
from meterhouse.sources import Probes, checked, hint
from meterhouse.sources.modbus.registers import MODELS, Model, Register, factors


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The meters behind one address.

    units:      their unit ids: one for a meter with an address of its own, several for a gateway
    channels:   how many circuits each meter measures
    probes:     what they feed: the first meter's channels, then the second's, ...
    model:      a make of meter whose registers are known; else they are named
    power, energy, voltage, current: registers, instead of the model's or besides
    deadline_s: how long a meter may take for one request
    project:    whose the probes are, by the project's id; "" leaves it to an ownership rule
    """

    host: str
    port: int = 502
    units: tuple[int, ...] = (1,)
    channels: int = 1
    probes: Probes
    model: str = ""
    power: Register | None = None
    energy: Register | None = None
    voltage: Register | None = None
    current: Register | None = None
    deadline_s: float = 1.0
    project: str = ""

    def __post_init__(self) -> None:
        if not self.units or not all(0 <= unit <= 255 for unit in self.units):
            raise ValueError("units: at least one unit id, from 0 to 255")
        if len(set(self.units)) < len(self.units):
            raise ValueError("units: each once; a meter of several circuits has `channels`")
        if not 1 <= self.channels <= 100:
            raise ValueError("channels: 1 to 100")
        if not 0 < self.port < 65536:
            raise ValueError("port: 1 to 65535")
        if self.deadline_s <= 0:
            raise ValueError("deadline_s: more than 0 seconds")
        outlets = len(self.units) * self.channels
        if len(self.probes) != outlets:
            raise ValueError(
                f"probes: {len(self.probes)} for {outlets} outlets (units x channels);"
                ' one that feeds nothing is ""'
            )
        checked(self.probes)
        if not self.registers:
            raise ValueError("say the model, or a register for power or energy")
        factors(self.registers)

    @property
    def known(self) -> Model:
        if self.model and self.model not in MODELS:
            raise ValueError(f"model: {self.model!r} is not known{hint(self.model, MODELS)}")
        return MODELS.get(self.model, Model({}, bridge=0))

    @property
    def registers(self) -> dict[Meter, Register]:
        """Which figures are read, and where they are."""
        named = {
            POWER: self.power,
            ENERGY: self.energy,
            VOLTAGE: self.voltage,
            CURRENT: self.current,
        }
        own = {meter: register for meter, register in named.items() if register}
        return {**self.known.registers, **own}
