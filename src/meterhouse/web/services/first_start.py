"""What a new house starts with: this machine, a project it belongs to, and who pays for it."""

from importlib.resources import as_file, files
from pathlib import Path

from meterhouse.metering.clock import Clock
from meterhouse.web import sourcebook
from meterhouse.web.declaring import declare


def declare_starter(data: Path, clock: Clock, name: str = "starter.toml") -> None:
    """Declare what a file of this folder says, in a house that has no source yet."""
    if sourcebook.known(data):
        return
    with as_file(files(__package__) / name) as path:
        declare(path, data, now=clock.now())
