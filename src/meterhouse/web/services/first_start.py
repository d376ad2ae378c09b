"""What a new house starts with: this machine, a project it belongs to, and who pays for it."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

from meterhouse.metering.clock import Clock
from meterhouse.web import sourcebook
from meterhouse.web.declaring import declare


def declare_starter(
    data: Path, clock: Clock, name: str = "starter.toml", words: Mapping[str, str] | None = None
) -> None:
    """Declare what a file of this folder says, in a house that has no source yet.

    words: what the file's $words stand for
    """
    if sourcebook.known(data):
        return
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(Template(text).substitute(words or {}), encoding="utf-8")
        declare(path, data, now=clock.now())
