"""A key in a file: made when it is first wanted, readable by its owner only."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from meterhouse.metering.errors import Mistake

SHORTEST = 32
NO_KEY = "is not a key: bring the old file back, or move it away and a new one is made"


def random_key() -> bytes:
    """256 random bits as text."""
    return secrets.token_hex(32).encode()


def kept_key(path: Path, make: Callable[[], bytes] = random_key) -> bytes:
    """Read the key, or make it; of two processes that make it at once one wins, with a whole key.

    Raises OSError if the folder cannot be written, and Mistake if the file holds no key.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        _place(path, make())
        return _read(path)


def read_key(path: Path) -> bytes:
    """Read a key that somebody else made. Raises Mistake if there is none."""
    try:
        return _read(path)
    except OSError as error:
        raise Mistake(f"key {path}: {error.strerror}: copy the house's bus.key there") from error


def _read(path: Path) -> bytes:
    """A short key would be taken without a word, and protect nothing."""
    key = path.read_bytes().strip()
    if len(key) < SHORTEST or not key.isascii():
        raise Mistake(f"{path}: {NO_KEY}")
    return key


def _place(path: Path, key: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(key)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
