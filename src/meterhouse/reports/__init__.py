"""Usage on paper, a folder a format.

A folder here is a format: its module ``format.py`` holds a ReportFormat under the name FORMAT.
A format orders nothing and adds nothing up: the same report gives the same figures in all of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import BinaryIO

from meterhouse.usage.report import Report


@dataclass(frozen=True, slots=True)
class ReportFormat:
    """What a format's folder hands over.

    suffix:  ".csv"
    write:   writes the whole document to the file given, which it leaves open; may be called
             twice, and at once from several threads; raises what the file raises, nothing else
    """

    name: str
    suffix: str
    media_type: str
    write: Callable[[Report, BinaryIO], None]


@cache
def formats() -> Mapping[str, ReportFormat]:
    """Every format there is, by name: a folder is a format, and that is all the registration."""
    found = (
        import_module(f"{__name__}.{folder.name}.format").FORMAT
        for folder in iter_modules(__path__)
        if folder.ispkg
    )
    return MappingProxyType({each.name: each for each in found})
