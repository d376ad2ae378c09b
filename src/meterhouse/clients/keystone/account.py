"""Who asks Keystone, and whom it tells about; without its library, which is slow to load."""

from dataclasses import dataclass

from meterhouse.metering.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where Keystone is, and who asks it.

    url:         with or without /v3
    certificate: file of the authority that signed Keystone's certificate; "": the system's
    """

    url: str
    user: str
    password: Secret
    project: str = "service"
    user_domain: str = "Default"
    project_domain: str = "Default"
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose token it is. roles: their names, in lower case; expires_ms: since 1970."""

    user: str
    roles: frozenset[str]
    expires_ms: int
