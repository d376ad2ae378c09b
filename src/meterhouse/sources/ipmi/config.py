"""How BMCs are told to the source: where they are, whose, who logs in, and what is asked."""

from dataclasses import dataclass, field
from typing import Literal

from meterhouse.clients.files import Password
from meterhouse.clients.freeipmi.client import Manner
from meterhouse.clients.freeipmi.login import NO_KEY, Login
from meterhouse.clients.hosts import address
from meterhouse.metering.errors import Mistake
from meterhouse.metering.secrets import Secret
from meterhouse.sources import Probes, alone, check_hosts, checked

Method = Literal["auto", "dcmi", "sensors"]
Privilege = Literal["user", "operator", "admin"]
Workaround = Literal[
    "assumebmcowner",
    "assumemaxsdrrecordcount",
    "assumesystemevent",
    "authcap",
    "discretereading",
    "endianseq",
    "forcepermsg",
    "idzero",
    "ignorescanningdisabled",
    "integritycheckvalue",
    "intel20",
    "noauthcodecheck",
    "nochecksumcheck",
    "opensesspriv",
    "sun20",
    "supermicro20",
    "unexpectedauth",
]
"""Source: ipmi-sensors(8) and ipmi-dcmi(8), workarounds."""
LONGEST_NAME = 16  # of a sensor, in bytes. Source: IPMI 2.0 specification, 43.1
CIPHER_SUITES = (0, 1, 2, 3, 6, 7, 8, 11, 12, 15, 16, 17)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceptional:
    """What is otherwise with a single host; see Config. What is not given is as for all."""

    user: str | None = None
    password_file: str | None = None
    method: Method | None = None
    sensors: tuple[str, ...] | None = None
    port: int | None = None
    cipher_suite: int | None = None
    privilege: Privilege | None = None
    workarounds: tuple[Workaround, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Where BMCs are, how they are logged in to, and what they are asked.

    hosts:         names or IP addresses
    probes:        which node each of them is in
    project:       by its id; "" leaves it to an ownership rule
    password_file: holds the password, so that it stands in no configuration
    k_g:           the key that some BMCs want besides
    method:        "dcmi": the BMC's own power reading; "sensors"; "auto": the first that is there
    sensors:       by name, added; none: the only one in watts
    patience_s:    how long a BMC may be silent before it is given up
    exceptions:    a host of ``hosts`` to what is otherwise with it
    """

    hosts: tuple[str, ...]
    probes: Probes
    project: str = ""
    user: str = ""
    password: Secret = NO_KEY
    password_file: str = ""
    k_g: Secret = NO_KEY
    method: Method = "auto"
    sensors: tuple[str, ...] = ()
    port: int = 623
    cipher_suite: int = 3
    privilege: Privilege = "admin"
    workarounds: tuple[Workaround, ...] = ()
    patience_s: float = 3.0
    exceptions: dict[str, Exceptional] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be meant, without showing a password."""
        checked(self.probes)
        check_hosts(self)
        Password(self.password, self.password_file)
        Login(self.user, self.password, self.k_g)
        if self.cipher_suite not in CIPHER_SUITES:
            known = ", ".join(map(str, CIPHER_SUITES))
            raise ValueError(f"cipher_suite: {self.cipher_suite} is none of {known}")
        for name in self.sensors:
            if not name or len(name) > LONGEST_NAME:
                raise ValueError(f"sensors: {name!r}: a sensor's name has 1 to 16 characters")
        if not 0.1 <= self.patience_s <= 60:
            raise ValueError("patience_s: from 0.1 to 60")

    def of(self, host: str) -> "Config":
        """As for this host alone."""
        found: Config = alone(self, host)
        return found


@dataclass(frozen=True, slots=True)
class Bmc:
    """One host, as the source asks it."""

    host: str
    address: str
    manner: Manner
    method: Method
    sensors: tuple[str, ...]


def bmcs(config: Config) -> list[Bmc]:
    """The hosts in their order, their passwords read from their files. Raises Mistake."""
    return [_bmc(config.of(host), host) for host in config.hosts]


def _bmc(config: Config, host: str) -> Bmc:
    password = Password(config.password, config.password_file).read()
    try:
        login = Login(config.user, password, config.k_g)
    except ValueError as error:
        raise Mistake(f"password_file {config.password_file!r}: {error}") from None
    manner = Manner(
        login, config.cipher_suite, config.privilege, config.workarounds, config.patience_s
    )
    return Bmc(host, address(host, config.port), manner, config.method, config.sensors)
