"""How a key stands in an address: any key at all, also one that no source should have given.

Keys are mostly short words with slashes, and stand as they are. What a browser or a proxy would
take for something else (``..``, an empty part, a line break, a percent sign) is escaped once more
than addresses are anyway, so that it arrives as it was written.
"""

from urllib.parse import quote, unquote

from django.urls import register_converter

_DOTS = {".": "%2E", "..": "%2E%2E"}


class Key:
    """``<key:…>`` of pages, whose addresses are made by ``reverse``."""

    regex = r"[\s\S]+"

    def to_python(self, value: str) -> str:
        """Raises ValueError, which is no such page, for what no database can hold."""
        key = unquote(value, errors="strict")
        if "\0" in key:
            raise ValueError("no key holds a zero byte")
        return key

    def to_url(self, value: str) -> str:
        first, *rest = (_part(part) for part in value.split("/"))
        return "".join((first, *(f"/{part}" if part else "%2F" for part in rest)))


class Raw:
    """``{raw:…}`` of the API: a key as a program escapes it, once."""

    regex = r"[\s\S]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


def _part(part: str) -> str:
    signs = (sign if sign.isprintable() and sign != "%" else quote(sign) for sign in part)
    return _DOTS.get(part) or "".join(signs)


def register() -> None:
    register_converter(Key, "key")
    register_converter(Raw, "raw")
