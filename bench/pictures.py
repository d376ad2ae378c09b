"""Pictures of power: CPU to draw one of a day, beside rrdtool's of the same data.

Kwapi's summary had a size of 694 x 261 pixels and its picture of one probe 497 x 187; both are
drawn so here. rrdtool draws 100 probes as 100 bands; ours are the twelve that used most and the
rest in up to four. What is measured is work, not waiting: CPU of this process, and of rrdtool
with what it starts; rrdtool stays open between pictures, so that its start is not counted.
"""

import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray

from bench._databases import set_up
from meterhouse.metering.clock import SystemClock
from meterhouse.metering.periods import Period

COUNTS = (1, 10, 100)
TIMES, BEST_OF = 12, 4
STEP_S = 300
Floats = NDArray[np.float64]
_KWAPIS = (
    "--full-size-mode --imgformat PNG --alt-y-grid --vertical-label Watts --lower-limit 0 --rigid"
    " --title Summary"
)


def run() -> list[tuple[str, str]]:
    set_up()
    return [row for count in COUNTS for row in rows(count)]


def rows(count: int) -> Iterator[tuple[str, str]]:
    period, watts = a_day(count)
    ours = {kind: cpu_ms(partial(draw, period, watts, kind)) for kind in ("png", "svg")}
    theirs = rrdtool_ms(period, watts) if shutil.which("rrdtool") else None
    beside = f"{theirs:.1f} ms" if theirs else "rrdtool is not installed"
    ratio = f", {theirs / ours['png']:.1f} times ours as PNG" if theirs else ""
    probes = "1 probe" if count == 1 else f"{count} probes, stacked"
    yield f"{probes}: PNG, SVG", f"{ours['png']:.1f} ms, {ours['svg']:.1f} ms"
    yield f"{probes}: rrdtool graph", f"{beside}{ratio}"


def a_day(count: int) -> tuple[Period, Floats]:
    """Watts of so many nodes, a mean for each five minutes of a day."""
    random = np.random.default_rng(count)
    at = np.arange(86_400 // STEP_S)
    idle, phase = random.uniform(80, 250, (count, 1)), random.uniform(0, 6, (count, 1))
    noise = random.normal(0, 4, (count, len(at)))
    end = int(SystemClock().now().timestamp()) // STEP_S * STEP_S * 1000
    watts = np.round(idle * (1.2 + 0.2 * np.sin(at / 40 + phase)) + noise, 1)
    return Period.from_ms(end - 86_400_000, end), watts


def draw(period: Period, watts: Floats, kind: str) -> bytes:
    """From the table of watts to the file, with legend, as an address is answered."""
    from meterhouse.live.legend import Legend, Row  # noqa: PLC0415 - Django must be set up
    from meterhouse.live.looks import Look  # noqa: PLC0415
    from meterhouse.live.pictures import drawing  # noqa: PLC0415
    from meterhouse.live.power import Power, Seen  # noqa: PLC0415
    from meterhouse.live.probes import Probe  # noqa: PLC0415
    from meterhouse.store.reading import Integrals  # noqa: PLC0415

    drawing.forget()
    count = len(watts)
    seen = tuple(Seen(Probe(f"n{n}", f"pdu/n{n}", f"n{n}"), ()) for n in range(count))
    start = period.start_ms + np.arange(watts.shape[1], dtype=np.int64) * STEP_S * 1000
    ends = (watts.min(axis=1), watts.max(axis=1), watts.mean(axis=1), watts[:, -1])
    power = Power(
        seen,
        period,
        timedelta(seconds=STEP_S),
        start,
        watts.astype(np.float32),
        *ends,
        watts.sum(axis=1) * STEP_S,
        np.full(count, 86_400_000),
        Integrals(np.empty(0), np.empty(0, np.int64)),
    )
    row = Row(100.0, 150.0, 200.0, 120.0, 3.6, {}, None, 1.0)
    look = Look(power)
    look._legend = Legend([row] * count, row)  # noqa: SLF001 - reading it is measured elsewhere
    size = (497, 187) if count == 1 else (694, 261)
    style = drawing.Style(drawing.Format(kind), width=size[0], height=size[1], legend=count == 1)
    return drawing.drawn(look, style, window="day")[0]


def cpu_ms(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(BEST_OF):
        began = process_time()
        for _ in range(TIMES):
            work()
        best = min(best, (process_time() - began) / TIMES)
    return best * 1000


def rrdtool_ms(period: Period, watts: Floats) -> float:
    """CPU of a graph by rrdtool in its pipe mode: many graphs less none, by the number of them."""
    with tempfile.TemporaryDirectory(prefix="mh-bench-") as name, files(Path(name), period, watts):
        command = graph(Path(name), period, len(watts))
        best = float("inf")
        for _ in range(BEST_OF):
            whole = spent(Path(name), f"{command}\n" * (TIMES + 1))
            once = spent(Path(name), f"{command}\n")
            best = min(best, (whole - once) / TIMES)
    return best * 1000


@contextmanager
def files(folder: Path, period: Period, watts: Floats) -> Iterator[None]:
    """A file for each probe with the same averages."""
    start = period.start_ms // 1000
    lines = []
    for number, row in enumerate(watts):
        lines.append(
            f"create {number}.rrd --start {start} --step {STEP_S}"
            f" DS:w:GAUGE:600:0:U RRA:AVERAGE:0.5:1:{len(row) + 2}"
        )
        updates = (f"{start + STEP_S * (at + 1)}:{w}" for at, w in enumerate(row.tolist()))
        lines.append(f"update {number}.rrd {' '.join(updates)}")
    spent(folder, "\n".join(lines) + "\n")
    yield


def graph(folder: Path, period: Period, count: int) -> str:
    """Kwapi's graph. Source: Kwapi's plugins/rrd, its options of rrdtool.graph."""
    size = "497 --height 187" if count == 1 else "694 --height 261"
    ends = f"--start {period.start_ms // 1000} --end {period.end_ms // 1000}"
    parts = [f"graph {folder}/out.png {ends} --width {size} {_KWAPIS}"]
    for number in range(count):
        colour = f"#{(number * 7919) % 0xFFFFFF:06x}"
        parts.append(f"DEF:w{number}={number}.rrd:w:AVERAGE AREA:w{number}{colour}AA::STACK")
    if count == 1:
        ends_of_it = ("AVERAGE", "MINIMUM", "MAXIMUM", "LAST")
        parts += [f"VDEF:{each}=w0,{each} GPRINT:{each}:%5.1lfW" for each in ends_of_it]
    return " ".join(parts)


def spent(folder: Path, commands: str) -> float:
    """CPU seconds of one rrdtool that is told some commands."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["rrdtool", "-"], cwd=folder, input=commands, text=True, capture_output=True, check=True
    )
    if "ERROR" in done.stdout:
        raise SystemExit(f"rrdtool: {done.stdout[done.stdout.index('ERROR') :][:200]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    for what, figure in run():
        print(f"{what:40} {figure}")


if __name__ == "__main__":
    main()
