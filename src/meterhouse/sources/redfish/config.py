"""How BMCs are told to the source: where they are, how they are known, who logs in."""

import ssl
from dataclasses import dataclass, field

from meterhouse.clients.files import Password
from meterhouse.clients.hosts import address
from meterhouse.clients.redfish.service import How, Login
from meterhouse.clients.trust import Trust, Verify
from meterhouse.metering.secrets import Secret
from meterhouse.sources import Probes, alone, check_hosts, checked

NO_PASSWORD = Secret("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceptional:
    """What is otherwise with a single host; see Config. What is not given is as for all.

    fingerprint: of this host's certificate, SHA-256
    """

    user: str | None = None
    password_file: str | None = None
    login: How | None = None
    port: int | None = None
    chassis: tuple[str, ...] | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Where BMCs are, how they prove who they are, and how they are logged in to.

    hosts:         names or IP addresses
    probes:        which node each of them is in
    project:       by its id; "" leaves it to an ownership rule
    user:          "" asks as nobody
    password_file: holds the password, so that it stands in no configuration
    verify, certificate, fingerprint: how each proves who it is; see clients/trust.py
    chassis:       ids of the chassis that are added; none: the only one that says its power
    patience_s:    how long one BMC may take to answer
    at_once:       how many are asked at the same time
    exceptions:    a host of ``hosts`` to what is otherwise with it
    """

    hosts: tuple[str, ...]
    probes: Probes
    project: str = ""
    user: str = ""
    password: Secret = NO_PASSWORD
    password_file: str = ""
    login: How = How.SESSION
    port: int = 443
    verify: Verify = "ca"
    certificate: str = ""
    fingerprint: str = ""
    chassis: tuple[str, ...] = ()
    patience_s: float = 5.0
    at_once: int = 64
    exceptions: dict[str, Exceptional] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be meant, without showing a password."""
        checked(self.probes)
        check_hosts(self)
        Password(self.password, self.password_file)
        if not 0.1 <= self.patience_s <= 120:
            raise ValueError("patience_s: from 0.1 to 120")
        if not 1 <= self.at_once <= 1000:
            raise ValueError("at_once: from 1 to 1000")
        for host in self.hosts:
            self._check_trust(host)

    def of(self, host: str) -> "Config":
        """As for this host alone."""
        found: Config = alone(self, host)
        return found

    @property
    def trust(self) -> Trust:
        return Trust(self.verify, self.certificate, self.fingerprint)

    def _check_trust(self, host: str) -> None:
        try:
            _ = self.of(host).trust
        except ValueError as error:
            raise ValueError(f"{error} (host {host!r})") from None


@dataclass(frozen=True, slots=True)
class Bmc:
    """One host, as the source asks it."""

    host: str
    url: str
    login: Login
    trusted: ssl.SSLContext
    chassis: tuple[str, ...]


def bmcs(config: Config) -> list[Bmc]:
    """The hosts in their order, with what stands in the files that are named. Raises Mistake."""
    contexts: dict[Trust, ssl.SSLContext] = {}
    return [_bmc(config.of(host), host, contexts) for host in config.hosts]


def _bmc(config: Config, host: str, contexts: dict[Trust, ssl.SSLContext]) -> Bmc:
    if config.trust not in contexts:  # the system's authorities take a while to be read
        contexts[config.trust] = config.trust.context()
    password = Password(config.password, config.password_file).read()
    login = Login(config.user, password, config.login)
    where = f"https://{address(host, config.port)}"
    return Bmc(host, where, login, contexts[config.trust], config.chassis)
