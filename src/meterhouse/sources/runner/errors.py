"""Errors in one line that anybody may read: what happened, where, and no secret."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from traceback import extract_tb
from urllib.parse import quote

from meterhouse.metering.errors import BadReading, Mistake, Unreachable
from meterhouse.metering.secrets import Secret

LONGEST = 300  # characters
SHORT = 4
DOTS = "…"
_LOGIN = re.compile(r"://[^/@\s]+@")


class Unpublished(Exception):
    """What was read could not be handed on."""


EXPECTED = (Unreachable, BadReading, Mistake, Unpublished)


def describe(error: BaseException, config: object) -> str:
    """One line for people. An error nobody expected names the place in the code as well."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    said = " ".join(str(error).split())
    if not isinstance(error, EXPECTED):
        said = f"{type(error).__name__}: {said}{_place(error)}"
    return hide(said or type(error).__name__, config)[:LONGEST]


def hide(text: str, config: object) -> str:
    """Put dots in place of every secret of a configuration, and of logins inside addresses."""
    for secret in secrets(config):
        for written in {secret, quote(secret, safe="")}:
            text = _without(text, written)
    return _LOGIN.sub(f"://{DOTS}@", text)


def _without(text: str, secret: str) -> str:
    """Of a short one only where it stands alone: dots inside of words would tell what it is."""
    if len(secret) >= SHORT:
        return text.replace(secret, DOTS)
    return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", DOTS, text)


def secrets(value: object) -> Iterator[str]:
    """The texts of all secrets anywhere inside a value that are not empty."""
    if isinstance(value, Secret):
        yield from filter(None, [value.reveal()])
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from secrets(getattr(value, field.name))
    elif isinstance(value, dict):
        yield from secrets(list(value.values()))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from secrets(item)


def _place(error: BaseException) -> str:
    frames = extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
