"""Where a BMC is: a name or an IP address and a port, ``bmc-1.example:623``, ``[::1]:623``.

Programs take a leading dash for an option, brackets for ranges (``bmc-[1-9]``), commas for lists,
and FreeIPMI the bare word localhost for this machine's own BMC; an address made here is one host.
"""

import re
from contextlib import suppress
from ipaddress import IPv6Address

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})")


def address(host: str, port: int) -> str:
    """Raises ValueError for what is no host name and no IP address, or no port."""
    if not 0 < port < 65536:
        raise ValueError(f"port: {port} is none")
    if _NAME.fullmatch(host):
        return f"{host}:{port}"
    with suppress(ValueError):
        found = IPv6Address(host)
        if found.scope_id is None:  # which may hold anything
            return f"[{found}]:{port}"
    raise ValueError(f"hosts: {host!r} is no host name and no IP address")
