"""Texts that must not be seen, and those that hold one: dots stand where they are shown."""

import re
from typing import Any

DOTS = "…"
_WORDS = r"token|key|auth|pass|pwd|secret|sig|credential|session"
_IN_ADDRESS = re.compile(
    r"(?P<login>://[^/\s@:?#]*:)[^/\s@]+(?=@)"
    rf"|(?P<word>[?&;][^=&;\s]*(?:{_WORDS})[^=&;\s]*=)[^&;#\s'\"]+",
    re.IGNORECASE,
)


def masked(value: Any) -> Any:
    """The same value, with dots for passwords and keys in addresses inside it.

    value:  a text, which may hold addresses, or lists and tables of such; all else stays
    """
    if isinstance(value, str):
        return _IN_ADDRESS.sub(lambda found: f"{found['login'] or found['word']}{DOTS}", value)
    if isinstance(value, dict):
        return {key: masked(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(each) for each in value]
    return value


class Secret:
    """Holds a password or key. ``reveal()`` is the one way to its text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)
