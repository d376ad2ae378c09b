"""Secrets at rest: encrypted with a key that lies in the data folder, readable by its owner only.

Whoever copies the database without the data folder has no passwords. Fernet (AES-128-CBC with
HMAC-SHA256): https://github.com/fernet/spec/blob/master/Spec.md
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from meterhouse.metering.errors import Mistake

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
        return Fernet(path.read_bytes().strip())
    except FileNotFoundError:
        return Fernet(_make_key(path))
    except ValueError as error:
        raise Mistake(f"{path}: is not a key") from error


def _make_key(path: Path) -> bytes:
    """Write a new key, or read the one that another process wrote a moment before."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{NAME}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(Fernet.generate_key())
    try:
        os.link(draft, path)  # fails if it is there: of two processes one wins, with a whole key
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_bytes().strip()
