"""Secrets at rest: encrypted with a key that lies in the data folder, readable by its owner only.

Whoever copies the database without the data folder has no passwords. Fernet (AES-128-CBC with
HMAC-SHA256): https://github.com/fernet/spec/blob/master/Spec.md
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from meterhouse.metering.errors import Mistake
from meterhouse.station.keyfile import NO_KEY, kept_key

NAME = "secrets.key"


def encrypt(secrets: Mapping[str, Any], data: Path) -> bytes:
    """Lock plain values (what JSON can hold) away. Nothing becomes ``b""``."""
    if not secrets:
        return b""
    return _lock(data).encrypt(msgspec.json.encode(dict(secrets)))


def decrypt(locked: bytes, data: Path) -> dict[str, Any]:
    """Give back what was encrypted. Raises Mistake if the key is not the one it was made with."""
    if not locked:
        return {}
    try:
        opened = _lock(data).decrypt(bytes(locked))
    except InvalidToken as error:
        raise Mistake(
            f"{data / NAME}: not the key these secrets were encrypted with; "
            "bring the old file back, or apply the sources again"
        ) from error
    return msgspec.json.decode(opened, type=dict[str, Any])


def _lock(data: Path) -> Fernet:
    path = data / NAME
    try:
        return Fernet(kept_key(path, Fernet.generate_key))
    except ValueError as error:
        raise Mistake(f"{path}: {NO_KEY}") from error
