"""Readable keys, and what a misspelt one may have meant."""

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

PART = r"[a-z0-9][a-z0-9._-]*"
_PART = re.compile(PART)
_PATH = re.compile(rf"{PART}(/{PART})*")


RESERVED = frozenset({"unassigned"})
"""What reports call those that have nobody."""


def is_key(text: str) -> bool:
    """Whether ``text`` is one part: small letters, digits, dot, dash, underscore."""
    return _PART.fullmatch(text) is not None


def is_path(text: str) -> bool:
    """Whether ``text`` is parts joined by slashes: ``debian/cd``."""
    return _PATH.fullmatch(text) is not None


def slug(name: str) -> str:
    """The part of a key that reads most like ``name``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._") or "unnamed"


def unique(wanted: str, taken: set[str]) -> str:
    """``wanted``, or ``wanted-2``, ``wanted-3``, ...; what is given is added to ``taken``."""
    key, number = wanted, 1
    while key in taken:
        number += 1
        key = f"{wanted}-{number}"
    taken.add(key)
    return key


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """``; did you mean "debian"?``, or nothing when nothing is near."""
    near = get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else ""
