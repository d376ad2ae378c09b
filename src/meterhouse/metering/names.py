"""Which texts can be names: in a page, an address, a file and either database."""

import unicodedata

LONGEST = 255
"""Characters of a key or a name: a file system's longest name, and more than people read."""

PLAIN = f"one line of at most {LONGEST} characters, none of them a control character"

_BREAKS = frozenset("\u2028\u2029")


def is_plain(text: str) -> bool:
    """Whether a text can be a name everywhere: in a page, an address, a file, either database."""
    return len(text) <= LONGEST and is_line(text)


def is_line(text: str) -> bool:
    """Whether a text is one line without control characters, of any length."""
    return text.isprintable() or not any(_is_odd(each) for each in text)


def plain(text: str, most: int = LONGEST) -> str:
    """The text with what cannot be shown escaped, cut to ``most`` characters."""
    shown = escaped(text)
    return shown if len(shown) <= most else f"{shown[: most - 3]}..."


def escaped(text: str) -> str:
    """The text as one line: what cannot be shown as Python escapes it."""
    if is_line(text):
        return text
    return "".join(repr(each)[1:-1] if _is_odd(each) else each for each in text)


def _is_odd(character: str) -> bool:
    """Control characters, halves of a surrogate pair, line and paragraph separators."""
    return character in _BREAKS or unicodedata.category(character) in ("Cc", "Cs")


def is_reachable(key: str) -> bool:
    """Whether a resource's key can be asked for by address: plain, and no part of it a path's own.

    ``history`` at the end is what the API calls a resource's past.
    """
    parts = key.split("/")
    bare = all(part not in ("", ".", "..") for part in parts)
    return is_plain(key) and bare and parts[-1] != "history"
