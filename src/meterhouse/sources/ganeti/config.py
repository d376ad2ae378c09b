"""How a cluster is told to the source: where it is, how it is known, how its tags name owners."""

import ssl
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from meterhouse.clients.files import Password
from meterhouse.clients.ganeti.client import DEADLINE_S, HOW_KNOWN
from meterhouse.clients.trust import Trust
from meterhouse.metering.secrets import Secret

NO_PASSWORD = Secret("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Where a cluster is, how it is known, and how its tags name owners.

    url:           "https://<cluster's name>:5080"
    user:          a RAPI user without any option; "" for a cluster that lets anybody read
    password_file: holds the password, so that it stands in no configuration
    verify:        "pin": the cluster's certificate is known, "ca": an authority has signed it
    certificate:   PEM file with that certificate; with "ca" the authorities, "" for the system's
    fingerprint:   the certificate's SHA-256 instead of the file
    project_tag:   an instance tagged "project:debian/cd" belongs to the project "debian/cd"
    user_tag:      likewise its user
    deadline_s:    for each request; a hypervisor that hangs takes 60 s
    """

    url: str
    user: str = ""
    password: Secret = NO_PASSWORD
    password_file: str = ""
    verify: Literal["pin", "ca"] = "pin"
    certificate: str = ""
    fingerprint: str = ""
    project_tag: str = "project:"
    user_tag: str = "user:"
    deadline_s: float = DEADLINE_S

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be meant, without showing a password."""
        _check_url(self.url)
        _check_user(self)
        _check_trust(self)
        if self.deadline_s <= 0:
            raise ValueError("deadline_s must be more than zero")


def _check_url(url: str) -> None:
    wanted = "expected https://<the cluster's name>:5080"
    try:
        parts = urlsplit(url)
        stray = parts.username or parts.path.strip("/") or parts.query or parts.fragment
        usable = parts.scheme == "https" and parts.hostname and parts.port != 0
    except ValueError as error:
        raise ValueError(f"url: {wanted} ({error})") from None
    if stray or not usable:
        raise ValueError(f"url: {wanted} and nothing more; the user has a key of its own")


def _check_user(config: Config) -> None:
    if bool(config.user) != bool(Password(config.password, config.password_file)):
        raise ValueError("user and password (or password_file) go together")
    if not config.password.reveal().isascii():  # 401, whatever its users file says
        raise ValueError("password: RAPI understands ASCII only")


def _check_trust(config: Config) -> None:
    if config.verify == "pin" and bool(config.certificate) == bool(config.fingerprint):
        raise ValueError(f"by what is the cluster known? {HOW_KNOWN}")
    _trust(config)


def _trust(config: Config) -> Trust:
    return Trust(config.verify, config.certificate, config.fingerprint)


def credentials(config: Config) -> tuple[Secret, ssl.SSLContext]:
    """Read the files that the configuration names. Raises Mistake."""
    return Password(config.password, config.password_file).read(), _trust(config).context()
