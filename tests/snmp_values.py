"""What snmpd asks about the objects that a test chose: its pass_persist protocol, on a file.

    python -u snmp_values.py VALUES.json       {"1.3.6…": ["integer", "212"], …}

Source: snmpd.conf(5), pass_persist.
"""

import json
import sys
from bisect import bisect_right
from pathlib import Path

Oid = tuple[int, ...]


def oid(text: str) -> Oid:
    return tuple(int(part) for part in text.strip(". \n").split("."))


def found(asked: Oid, values: dict[Oid, list[str]], command: str) -> Oid | None:
    if command == "get":
        return asked if asked in values else None
    there_are = sorted(values)
    place = bisect_right(there_are, asked)
    return there_are[place] if place < len(there_are) else None


class Values:
    """The file, read again when it is another one."""

    def __init__(self, file: Path) -> None:
        self._file, self._seen = file, (0, 0)
        self._values: dict[Oid, list[str]] = {}

    def now(self) -> dict[Oid, list[str]]:
        stat = self._file.stat()
        is_now = (stat.st_mtime_ns, stat.st_ino)  # a new file replaces the old one
        if is_now != self._seen:
            listed = json.loads(self._file.read_text())
            self._values, self._seen = {oid(name): value for name, value in listed.items()}, is_now
        return self._values


def answer(command: str, asked: str, values: dict[Oid, list[str]]) -> str:
    at = found(oid(asked), values, command)
    return "\n".join([f".{'.'.join(map(str, at))}", *values[at]]) if at else "NONE"


def reply(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    values = Values(Path(sys.argv[1]))
    for line in sys.stdin:
        if line == "PING\n":
            reply("PONG")
        elif line in {"get\n", "getnext\n"}:
            reply(answer(line.strip(), sys.stdin.readline(), values.now()))


if __name__ == "__main__":
    main()
