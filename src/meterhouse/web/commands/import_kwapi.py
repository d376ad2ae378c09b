"""``meterhouse import-kwapi drivers.conf``: what Kwapi read, as sources."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

import tomlkit

from meterhouse.metering.errors import Mistake
from meterhouse.station.kwapi_conf import Carried, carried, secrets_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="drivers.conf")
    parser.add_argument(
        "--secrets",
        metavar="DIR",
        help="write the passwords there, a file each; otherwise only say which are wanted",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print tables; passwords are never among them. Returns 1 if something was left behind."""
    path = Path(arguments.file)
    try:
        found = carried(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise Mistake(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Mistake(f"{path}: not UTF-8 at byte {error.start}") from error
    for each in found:
        secrets = secrets_of(each.table) if each.table else {}
        if arguments.secrets:
            written(Path(arguments.secrets), secrets)
        print(shown(each, [] if arguments.secrets else [*secrets]))
    return 0 if all(each.table for each in found) else 1


def written(folder: Path, secrets: Mapping[str, str]) -> None:
    """A file each, which only its owner may read; what is there already is left alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in secrets.items():
        place = folder / name
        if not place.exists():
            with os.fdopen(
                os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
            ) as file:
                file.write(text)


def shown(each: Carried, wanted: list[str]) -> str:
    lines = [f"# {_printable(text)}" for text in (f"[{each.section}]", *each.notes)]
    lines += [f"# put its text into {name}, beside this file" for name in wanted]
    if each.table:
        lines.append("[[sources]]")
        lines += [f"{key} = {_value(value)}" for key, value in each.table.items()]
    return "\n".join([*lines, ""])


def _printable(text: str) -> str:
    """On one line, and nothing that a comment of TOML must not hold."""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())


def _value(value: object) -> str:
    if isinstance(value, dict):
        inline = tomlkit.inline_table()
        inline.update(value)
        return inline.as_string()
    return tomlkit.item(value).as_string()
