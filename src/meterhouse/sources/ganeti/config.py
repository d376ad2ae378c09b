"""How a cluster is told to the source: where it is, how it is known, how its tags name owners."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from meterhouse.clients import trust
from meterhouse.clients.ganeti.client import DEADLINE_S, HOW_KNOWN
from meterhouse.metering.errors import Mistake
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
        _check_path("password_file", self.password_file)
        _check_path("certificate", self.certificate)
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
    given = [bool(config.password.reveal()), bool(config.password_file)]
    if all(given):
        raise ValueError("password and password_file: give one of them")
    if bool(config.user) != any(given):
        raise ValueError("user and password (or password_file) go together")
    if not config.password.reveal().isascii():  # 401, whatever its users file says
        raise ValueError("password: RAPI understands ASCII only")


def _check_trust(config: Config) -> None:
    if config.verify == "ca" and config.fingerprint:
        raise ValueError('fingerprint: goes with verify = "pin"')
    if config.verify == "pin" and bool(config.certificate) == bool(config.fingerprint):
        raise ValueError(f"by what is the cluster known? {HOW_KNOWN}")
    if config.fingerprint:
        trust.of_text(config.fingerprint)


def _check_path(key: str, path: str) -> None:
    if path and not Path(path).is_absolute():  # the house may run in another folder
        raise ValueError(f"{key}: {path!r} must be a whole path, from / on")


def credentials(config: Config) -> tuple[Secret, ssl.SSLContext]:
    """Read the files that the configuration names. Raises Mistake."""
    return _password(config), _trusted(config)


def _password(config: Config) -> Secret:
    if not config.password_file:
        return config.password
    try:
        return Secret(Path(config.password_file).read_text().rstrip("\r\n"))
    except (OSError, ValueError) as error:
        raise Mistake(f"password_file {config.password_file!r} cannot be read: {error}") from error


def _trusted(config: Config) -> ssl.SSLContext:
    if config.verify == "ca":
        return trust.authorities(config.certificate)
    if config.certificate:
        return trust.pinned(trust.of_file(config.certificate, HOW_KNOWN))
    return trust.pinned([trust.of_text(config.fingerprint)])
