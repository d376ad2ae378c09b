"""How BMCs are told to the source: where they are, how they are known, who logs in."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from meterhouse.clients import trust
from meterhouse.clients.hosts import address
from meterhouse.clients.redfish.service import How, Login
from meterhouse.metering.errors import Mistake
from meterhouse.metering.secrets import Secret
from meterhouse.sources import Probes, alone, checked

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
    verify:        "ca": an authority has signed the certificates; "pin": each is known by its
                   fingerprint; "none": anybody is believed, who is then told the password
    ca:            PEM file of the authorities; "" for the system's
    fingerprint:   of a certificate that all of them show
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
    verify: Literal["ca", "pin", "none"] = "ca"
    ca: str = ""
    fingerprint: str = ""
    chassis: tuple[str, ...] = ()
    patience_s: float = 5.0
    at_once: int = 64
    exceptions: dict[str, Exceptional] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be meant, without showing a password."""
        _check_hosts(self)
        _check_files(self)
        if not 0.1 <= self.patience_s <= 120:
            raise ValueError("patience_s: from 0.1 to 120")
        if not 1 <= self.at_once <= 1000:
            raise ValueError("at_once: from 1 to 1000")
        if self.ca and self.verify != "ca":
            raise ValueError('ca: goes with verify = "ca"')
        for host in self.hosts:
            _check_fingerprint(self.of(host), host)

    def of(self, host: str) -> "Config":
        """As for this host alone."""
        if host not in self.exceptions:
            return self
        found: Config = alone(self, host, self.exceptions[host])
        return found


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
    passwords: dict[str, Secret] = {}
    contexts: dict[str, ssl.SSLContext] = {}
    return [_bmc(config.of(host), host, passwords, contexts) for host in config.hosts]


def _bmc(
    config: Config,
    host: str,
    passwords: dict[str, Secret],
    contexts: dict[str, ssl.SSLContext],
) -> Bmc:
    if config.password_file and config.password_file not in passwords:
        passwords[config.password_file] = _read(config.password_file)
    if config.fingerprint not in contexts:
        contexts[config.fingerprint] = _trusted(config)
    password = passwords.get(config.password_file, config.password)
    login = Login(config.user, password, config.login)
    where = f"https://{address(host, config.port)}"
    return Bmc(host, where, login, contexts[config.fingerprint], config.chassis)


def _trusted(config: Config) -> ssl.SSLContext:
    if config.verify == "pin":
        return trust.pinned([trust.of_text(config.fingerprint)])
    return trust.authorities(config.ca) if config.verify == "ca" else trust.unverified()


def _read(file: str) -> Secret:
    try:
        return Secret(Path(file).read_text().rstrip("\r\n"))
    except (OSError, ValueError) as error:
        raise Mistake(f"password_file {file!r} cannot be read: {error}") from error


def _check_hosts(config: Config) -> None:
    checked(config.probes)
    if len(config.hosts) != len(config.probes):
        many = f"{len(config.probes)} of them for {len(config.hosts)} hosts"
        raise ValueError(f"probes: {many}; each host has one")
    for host in config.exceptions:
        if host not in config.hosts:
            raise ValueError(f"exceptions: {host!r} is none of the hosts")
    seen: set[str] = set()
    for host in config.hosts:
        where = address(host, config.of(host).port)
        if where in seen:
            raise ValueError(f"hosts: {where} is there twice")
        seen.add(where)


def _check_files(config: Config) -> None:
    if config.password.reveal() and config.password_file:
        raise ValueError("password and password_file: give one of them")
    for key, path in (("password_file", config.password_file), ("ca", config.ca)):
        if path and not Path(path).is_absolute():  # the house may run in another folder
            raise ValueError(f"{key}: {path!r} must be a whole path, from / on")


def _check_fingerprint(config: Config, host: str) -> None:
    if config.fingerprint and config.verify != "pin":
        raise ValueError('fingerprint: goes with verify = "pin"')
    if config.fingerprint:
        trust.of_text(config.fingerprint)
    elif config.verify == "pin":
        raise ValueError(f"fingerprint: {host!r} has none; its README says how it is found")
