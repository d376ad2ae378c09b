"""Static files under names that hold what is in them, so that browsers keep them for good.

``meterhouse/house.css`` is asked for as ``meterhouse/house.3f9a1c0b7d2e.css``; when it changes, so
does its name. Nothing is collected before a start: the files are where packages put them.
"""

from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

DIGITS = 12


@cache
def fingerprinted(name: str) -> str:
    """A file's name with the digest of its content in it; as it is, if there is no such file."""
    place = finders.find(name)
    if not isinstance(place, str):
        return name
    digest = sha256(Path(place).read_bytes()).hexdigest()[:DIGITS]
    stem, dot, ending = name.rpartition(".")
    return f"{stem}.{digest}.{ending}" if dot else name


class Finder(BaseFinder):
    """Finds a file by its name with the digest, for servers that ask Django, as those of tests."""

    def find(self, path: str, *given: Any, **named: Any) -> Any:
        parts = path.rsplit(".", 2)
        plain = f"{parts[0]}.{parts[2]}" if len(parts) == 3 and len(parts[1]) == DIGITS else path
        if plain == path or fingerprinted(plain) != path:
            return []
        return finders.find(plain, *given, **named) or []

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        return ()


class Fingerprints(StaticFilesStorage):
    """What ``{% static %}`` asks for an address."""

    def url(self, name: str | None) -> str:
        return super().url(fingerprinted(name or ""))


class Files(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Serves static files under both names; those with a digest may be kept for good."""

    def add_files_from_finders(self) -> None:
        super().add_files_from_finders()
        for url in tuple(self.files):
            name = url.removeprefix(self.static_prefix)
            there = finders.find(name)
            if isinstance(there, str):
                self.add_file_to_dictionary(f"{self.static_prefix}{fingerprinted(name)}", there)
