"""RRD files as Kwapi makes them, made by rrdtool itself."""

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

KWAPI = ((1, 300), (10, 360), (900, 96), (7200, 84), (21_600, 124), (604_800, 52))
"""Its archives: seconds of a row, and rows."""

POWER = "DS:w:GAUGE:600:0:U"
_AT_ONCE = 2000


def stem(name: str) -> str:
    return str(uuid5(NAMESPACE_DNS, name))


def make(
    path: Path,
    readings: Iterable[tuple[int, float]],
    *,
    archives: Sequence[tuple[int, int]] = KWAPI,
    source: str = POWER,
    function: str = "AVERAGE",
    xff: float = 0.5,
) -> Path:
    """A file that was told readings (seconds since 1970, watts), oldest first."""
    told = [f"{at}:{watts}" for at, watts in readings]
    begin = int(told[0].partition(":")[0]) - 1
    rras = [f"RRA:{function}:{xff}:{step}:{rows}" for step, rows in archives]
    _run("create", path, "--start", str(begin), "--step", "1", source, *rras)
    for first in range(0, len(told), _AT_ONCE):
        _run("update", path, *told[first : first + _AT_ONCE])
    return path


def fetched(path: Path, step: int, start: int, end: int) -> dict[int, float]:
    """What ``rrdtool fetch`` says: when each row ends (seconds since 1970), and its mean."""
    said = _run("fetch", path, "AVERAGE", "-r", str(step), "-s", str(start), "-e", str(end))
    lines = [line.split() for line in said.splitlines()[2:]]
    return {int(at.rstrip(":")): float(watts) for at, watts in lines}


def _run(word: str, path: Path, *words: str) -> str:
    done = subprocess.run(
        ["rrdtool", word, str(path), *words], check=True, capture_output=True, text=True
    )
    return done.stdout
