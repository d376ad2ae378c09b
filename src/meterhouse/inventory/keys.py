"""Readable keys, and what a misspelt one may have meant."""

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

PART = r"[a-z0-9][a-z0-9._-]*"
_PART = re.compile(PART)
_PATH = re.compile(rf"{PART}(/{PART})*")


LONGEST = 255
"""Characters of a key or a name: a file system's longest name, and more than people read."""

PLAIN = f"one line of at most {LONGEST} characters, none of them a control character"

RESERVED = frozenset({"unassigned"})
"""What reports call those that have nobody."""

_BREAKS = frozenset("\u2028\u2029")


def is_plain(text: str) -> bool:
    """Whether a text can be a name everywhere: in a page, an address, a file, either database."""
    return len(text) <= LONGEST and not any(_is_odd(each) for each in text)


def plain(text: str) -> str:
    """The text with what cannot be shown as escapes, cut to a length for messages."""
    shown = "".join(repr(each)[1:-1] if _is_odd(each) else each for each in text)
    return shown if len(shown) <= 2 * LONGEST else f"{shown[:LONGEST]}..."


def _is_odd(character: str) -> bool:
    """Control characters, halves of a surrogate pair, line and paragraph separators."""
    return character in _BREAKS or unicodedata.category(character) in ("Cc", "Cs")


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
