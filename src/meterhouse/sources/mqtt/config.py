"""Which broker is listened to, for which topics, and where in their messages the figures are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product

from meterhouse.clients.identity import Identity
from meterhouse.clients.trust import Trust, Verify, where_spoken
from meterhouse.metering.meters import CURRENT, ENERGY, POWER, VOLTAGE, Meter
from meterhouse.metering.secrets import Secret
from meterhouse.sources import Probes, checked, hint
from meterhouse.sources.documents import (
    CHANNEL,
    SHELLY_SWITCH,
    TASMOTA,
    TASMOTA_EACH,
    Figures,
    Path,
    Place,
    Places,
    places,
)

DEVICE = "+"
"""In a topic, as a whole level: the device. Source: MQTT 3.1.1, 4.7.1.3, has the same sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot(Place):
    """Where a message says one figure. topic: of its message, if the section's is another."""

    topic: str = ""


@dataclass(frozen=True, slots=True)
class Listen:
    """One kind of message.

    before: keys that lead to the part of it in which the places are
    """

    topic: str
    places: Places
    before: Path = ""


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a make of meter.

    changes: whether its messages leave out what has not changed; then each of them confirms the
             rest as well
    each:    the kinds where there are several channels, if they are others then
    """

    listens: tuple[Listen, ...] = ()
    changes: bool = False
    each: tuple[Listen, ...] = ()


MODELS: Mapping[str, Model] = {
    # Source: Shelly, Gen2+ device API, MQTT: status of a component in full, and NotifyStatus on
    # events/rpc with the fields that have changed.
    "shelly-gen2": Model(
        (
            Listen(f"+/status/switch:{CHANNEL}", SHELLY_SWITCH),
            Listen("+/events/rpc", SHELLY_SWITCH, before=f"params.switch:{CHANNEL}"),
        ),
        changes=True,
    ),
    # Source: the same, component PM1: the fields of a Switch.
    "shelly-pm1": Model(
        (
            Listen(f"+/status/pm1:{CHANNEL}", SHELLY_SWITCH),
            Listen("+/events/rpc", SHELLY_SWITCH, before=f"params.pm1:{CHANNEL}"),
        ),
        changes=True,
    ),
    # Source: Shelly, Gen1 device API, Shelly EM, MQTT: power in W, total in Wh, bare numbers.
    "shelly-em": Model(
        (
            Listen(f"shellies/+/emeter/{CHANNEL}/power", {POWER: Place()}),
            Listen(f"shellies/+/emeter/{CHANNEL}/total", {ENERGY: Place(unit="Wh")}),
        )
    ),
    # Source: Shelly, Gen1 device API, MQTT: power in W, energy in watt-minutes, bare numbers.
    "shelly-gen1": Model(
        (
            Listen(f"shellies/+/relay/{CHANNEL}/power", {POWER: Place()}),
            Listen(f"shellies/+/relay/{CHANNEL}/energy", {ENERGY: Place(unit="Wmin")}),
        )
    ),
    # Source: Tasmota, documentation, MQTT: tele/<topic>/SENSOR every TelePeriod. Its Time is
    # local and names no zone, so that the moment of arrival is taken.
    "tasmota": Model(
        (Listen("tele/+/SENSOR", TASMOTA),), each=(Listen("tele/+/SENSOR", TASMOTA_EACH),)
    ),
    # Source: Zigbee2MQTT, documentation, MQTT topics: energy in kWh.
    "zigbee2mqtt": Model(
        (
            Listen(
                "zigbee2mqtt/+",
                {
                    POWER: Place(path="power"),
                    ENERGY: Place(path="energy", unit="kWh"),
                    VOLTAGE: Place(path="voltage"),
                    CURRENT: Place(path="current"),
                },
            ),
        )
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A broker, and meters of one make or with one way of publishing.

    model:       a make whose messages are known; else topics and places are named
    topic:       of the messages; + stands for the device, {channel} for a channel
    devices:     what stands in the place of +
    channels:    the relays or circuits that each device has
    probes:      what they feed: the first device's channels, then the second's, ...
    power, energy, voltage, current: where in a message they are
    every:       how many seconds lie between two messages of a device at most
    user, password: for a broker that wants them
    tls:         whether the broker speaks TLS
    verify, certificate, fingerprint: how it then proves who it is; see clients/trust.py
    client_certificate, client_key: how we prove who we are, to a broker that wants that
    project:     whose the probes are, by the project's id; "" leaves it to an ownership rule
    """

    host: str
    port: int = 0
    model: str = ""
    topic: str = ""
    devices: tuple[str, ...] = ()
    channels: tuple[str, ...] = ("0",)
    probes: Probes
    power: Spot | None = None
    energy: Spot | None = None
    voltage: Spot | None = None
    current: Spot | None = None
    every: float = 60.0
    user: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    tls: bool = False
    verify: Verify = "ca"
    certificate: str = ""
    fingerprint: str = ""
    client_certificate: str = ""
    client_key: str = ""
    project: str = ""

    def __post_init__(self) -> None:
        _check_names("devices", self.devices)
        _check_names("channels", self.channels)
        if not self.channels:
            raise ValueError("channels: at least one")
        if len(self.probes) != len(self.pairs):
            raise ValueError(
                f"probes: {len(self.probes)} for {len(self.pairs)} outlets (devices x channels);"
                ' one that feeds nothing is ""'
            )
        checked(self.probes)
        if not 0 < self.every <= 7 * 86400:
            raise ValueError("every: more than 0 seconds, and at most a week")
        if self.password.reveal() and not self.user:
            raise ValueError("password: only together with user")
        trust = self.trust
        if self.identity.certificate and not trust:
            raise ValueError("client_certificate: goes with tls = true")
        if not 0 <= self.port < 65536:
            raise ValueError("port: 1 to 65535")
        self._check_topics()

    def _check_topics(self) -> None:
        if not self.listens:
            raise ValueError("say the model, or where power or energy is")
        for listen in self.listens:
            Figures(listen.places)
            levels = listen.topic.split("/")
            if not listen.topic or "#" in listen.topic or "\0" in listen.topic:
                raise ValueError(f"topic: {listen.topic!r} is none; # cannot stand for one device")
            if any(DEVICE in level and level != DEVICE for level in levels):
                raise ValueError(f"topic: {listen.topic!r}: + stands for a whole level only")
            if levels.count(DEVICE) != bool(self.devices):
                raise ValueError(f"topic: {listen.topic!r}: devices need one + in it, and + them")

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Device and channel of each outlet."""
        return list(product(self.devices or ("",), self.channels))

    @property
    def known(self) -> Model:
        if self.model and self.model not in MODELS:
            raise ValueError(f"model: {self.model!r} is not known{hint(self.model, MODELS)}")
        return MODELS.get(self.model, Model())

    @property
    def listens(self) -> tuple[Listen, ...]:
        """The model's messages, and those that are named: each figure from one of the two."""
        named = places(self.power, self.energy, self.voltage, self.current)
        several = len(self.channels) > 1
        kinds = (several and self.known.each) or self.known.listens
        own = [Listen(self._topic(place), {meter: place}) for meter, place in named.items()]
        rest = [
            Listen(each.topic, left, each.before)
            for each in kinds
            if (left := _without(each.places, named))
        ]
        return (*rest, *own)

    def _topic(self, place: Place) -> str:
        return (place.topic if isinstance(place, Spot) else "") or self.topic

    @property
    def trust(self) -> Trust | None:
        """None: TLS is not spoken."""
        trust = Trust(self.verify, self.certificate, self.fingerprint)
        return where_spoken(trust, tls=self.tls)

    @property
    def identity(self) -> Identity:
        return Identity(self.client_certificate, self.client_key)

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port or (8883 if self.tls else 1883)

    @property
    def period(self) -> timedelta:
        return timedelta(seconds=self.every)


def _without(all_: Places, named: Mapping[Meter, object]) -> Places:
    return {meter: place for meter, place in all_.items() if meter not in named}


def _check_names(key: str, names: tuple[str, ...]) -> None:
    if len(set(names)) < len(names) or not all(names):
        raise ValueError(f"{key}: each once, and none empty")
    if any(sign in name for name in names for sign in "+#\0"):
        raise ValueError(f"{key}: no name holds + or #")


def topics(config: Config) -> dict[str, list[tuple[int, Figures]]]:
    """Every topic that is subscribed to, and which outlets its messages tell of."""
    found: dict[str, list[tuple[int, Figures]]] = {}
    for place, (device, channel) in enumerate(config.pairs):
        for listen in config.listens:
            levels = listen.topic.replace(CHANNEL, channel).split("/")
            topic = "/".join(device if level == DEVICE else level for level in levels)
            figures = Figures(listen.places, channel, listen.before)
            found.setdefault(topic, []).append((place, figures))
    return found


def promised(of: Mapping[str, list[tuple[int, Figures]]]) -> dict[int, set[Meter]]:
    """Of each outlet, the meters that somebody listens for."""
    found: dict[int, set[Meter]] = {}
    for told in of.values():
        for outlet, figures in told:
            found.setdefault(outlet, set()).update(figures.paths)
    return found
