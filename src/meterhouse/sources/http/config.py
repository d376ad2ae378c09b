"""Which documents are fetched, from whom, and where in them the figures are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from meterhouse.clients.trust import Trust, Verify
from meterhouse.metering.meters import ENERGY, POWER, Meter
from meterhouse.metering.secrets import Secret
from meterhouse.sources import Probes, checked, hint
from meterhouse.sources.documents import (
    CHANNEL,
    SHELLY_EM,
    SHELLY_SWITCH,
    TASMOTA,
    TASMOTA_EACH,
    Figures,
    Place,
    Places,
    Stamp,
    places,
)


class Login(StrEnum):
    """How user and password are sent."""

    BASIC = "basic"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a make of meter.

    address: what is asked of it, added to its url
    before:  keys that lead to the part of the document in which the places are
    valid:   a key beside them that says false where they are not to be believed
    each:    the places where there are several channels, if they are others then
    """

    address: str
    places: Places
    before: str = ""
    stamp: Stamp | None = None
    valid: str = ""
    each: Places | None = None


MODELS: Mapping[str, Model] = {
    # Source: Shelly, Gen2+ device API, Switch.GetStatus.
    "shelly-gen2": Model(f"/rpc/Switch.GetStatus?id={CHANNEL}", SHELLY_SWITCH),
    # Source: Shelly, Gen1 device API, /status: meters[].power in W, .total in watt-minutes.
    "shelly-gen1": Model(
        "/status",
        {POWER: Place(path="power"), ENERGY: Place(path="total", unit="Wmin")},
        before=f"meters.{CHANNEL}",
        valid="is_valid",
    ),
    # Source: Shelly, Gen2+ device API, PM1.GetStatus: the fields of a Switch.
    "shelly-pm1": Model(f"/rpc/PM1.GetStatus?id={CHANNEL}", SHELLY_SWITCH),
    "shelly-em": Model("/status", SHELLY_EM, before=f"emeters.{CHANNEL}", valid="is_valid"),
    # Source: Tasmota, documentation, Commands (Status 10) and JSON status responses.
    "tasmota": Model("/cm?cmnd=Status%2010", TASMOTA, before="StatusSNS", each=TASMOTA_EACH),
    # Source: Kwapi as Grid'5000 has it, drivers/json_url.py: {name: {"timestamp": s, "watt": W}}.
    "kwapi": Model(
        "", {POWER: Place(path="watt")}, before=CHANNEL, stamp=Stamp(path=f"{CHANNEL}.timestamp")
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Meters of one make, or one way of answering.

    urls:        where they are; {channel} stands for each of the channels
    channels:    the circuits, relays or names that each of them has
    probes:      what they feed: the first url's channels, then the second's, ...
    model:       a make whose answers are known; else places are named
    power, energy, voltage, current: where in the document they are
    timestamp:   where it says when it was measured; else that is when it is fetched
    user, password, login: for those that want them; login: "basic" or "digest"
    token:       sent as a bearer token
    headers:     sent besides, each with its secret text
    verify, certificate, fingerprint: how each proves who it is; see clients/trust.py
    deadline_s:  how long an answer may take
    project:     whose the probes are, by the project's id; "" leaves it to an ownership rule
    """

    urls: tuple[str, ...]
    channels: tuple[str, ...] = ("0",)
    probes: Probes
    model: str = ""
    power: Place | None = None
    energy: Place | None = None
    voltage: Place | None = None
    current: Place | None = None
    timestamp: Stamp | None = None
    user: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    login: Login = Login.BASIC
    token: Secret = field(default_factory=lambda: Secret(""))
    headers: dict[str, Secret] = field(default_factory=dict)
    verify: Verify = "ca"
    certificate: str = ""
    fingerprint: str = ""
    deadline_s: float = 2.0
    project: str = ""

    def __post_init__(self) -> None:
        _check_urls(self.urls)
        if not self.channels or len(set(self.channels)) < len(self.channels):
            raise ValueError("channels: at least one, each once")
        outlets = len(self.urls) * len(self.channels)
        if len(self.probes) != outlets:
            raise ValueError(
                f"probes: {len(self.probes)} for {outlets} outlets (urls x channels);"
                ' one that feeds nothing is ""'
            )
        checked(self.probes)
        if not self.places:
            raise ValueError("say the model, or where power or energy is")
        Figures(self.places)
        if not 0 < self.deadline_s <= 60:
            raise ValueError("deadline_s: more than 0 and at most 60 seconds")
        self._check_secrets()

    def _check_secrets(self) -> None:
        if bool(self.user) != bool(self.password.reveal()):
            raise ValueError("user and password go together")
        if self.user and self.token.reveal():
            raise ValueError("token: not together with user and password")
        _ = self.trust
        for name, text in self.headers.items():
            if not name.isascii() or not name.isprintable() or not text.reveal().isprintable():
                raise ValueError(f"headers: {name!r} cannot be sent")

    @property
    def trust(self) -> Trust:
        return Trust(self.verify, self.certificate, self.fingerprint)

    @property
    def known(self) -> Model:
        if self.model and self.model not in MODELS:
            raise ValueError(f"model: {self.model!r} is not known{hint(self.model, MODELS)}")
        return MODELS.get(self.model, Model("", {}))

    @property
    def places(self) -> dict[Meter, Place]:
        own = places(self.power, self.energy, self.voltage, self.current)
        known = self.known
        several = len(self.channels) > 1 and known.each
        return {**(several or known.places), **own}


def _check_urls(urls: tuple[str, ...]) -> None:
    if not urls or len(set(urls)) < len(urls):
        raise ValueError("urls: at least one, each once")
    for url in urls:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        except ValueError as error:
            raise ValueError(f"urls: {error}") from None
        if not usable:
            raise ValueError(f"urls: {url!r} must be http(s)://host[:port][/…]")
        if parts.username or parts.password:
            raise ValueError("urls: the login has keys of its own: user and password")
