"""Hosts that stand in one section: each has a probe, and single ones may differ from the rest."""

from dataclasses import asdict, replace
from typing import Any

from meterhouse.clients.hosts import address
from meterhouse.metering.secrets import Secret

INSTEAD: dict[str, dict[str, Any]] = {
    "password_file": {"password": Secret("")},
    "fingerprint": {"certificate": ""},
}
"""What a section says of all hosts, and no longer of one that has such a key of its own."""


def alone(config: Any, host: str) -> Any:
    """A section's configuration as it holds for one of its hosts.

    config: a frozen dataclass whose ``exceptions`` map a host to another one; what that leaves at
            None is as for all

    Raises ValueError that names the host.
    """
    if host not in config.exceptions:
        return config
    changes: dict[str, Any] = {"hosts": (host,), "probes": ("-",), "exceptions": {}}
    for key, value in asdict(config.exceptions[host]).items():
        if value is not None:
            changes |= {**INSTEAD.get(key, {}), key: value}
    try:
        return replace(config, **changes)
    except ValueError as error:
        raise ValueError(f"exceptions: {host!r}: {error}") from None


def check_hosts(config: Any) -> None:
    """Raise ValueError unless each host is there once, and has its probe."""
    if len(config.hosts) != len(config.probes):
        many = f"{len(config.probes)} of them for {len(config.hosts)} hosts"
        raise ValueError(f"probes: {many}; each host has one")
    for host in config.exceptions:
        if host not in config.hosts:
            raise ValueError(f"exceptions: {host!r} is none of the hosts")
    seen: set[str] = set()
    for host in config.hosts:
        where = address(host, alone(config, host).port)
        if where in seen:
            raise ValueError(f"hosts: {where} is there twice")
        seen.add(where)
