"""What became of a file of history, in a line for people."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from meterhouse.live.probes import Probe
from meterhouse.metering.periods import from_ms
from meterhouse.store.bringing import Brought

_HOUR_MS = 3_600_000
_KWH = 3.6e6  # joules


@dataclass(frozen=True, slots=True)
class Done:
    """One file. brought: None if it was left out, which ``why`` explains.

    refused: means in it that were not believed
    """

    path: Path
    probe: Probe | None = None
    brought: Brought | None = None
    refused: int = 0
    why: str = ""


def line(one: Done) -> str:
    if one.brought is None:
        named = f" ({one.probe.resource})" if one.probe else ""
        name = one.path.name if one.path.name.isprintable() else ascii(one.path.name)
        return f"{name}{named}: left out: {one.why}"
    found, resource = one.brought, one.probe.resource if one.probe else ""
    said = "nothing new"
    if found.covered_ms:
        share = found.covered_ms / (found.end_ms - found.start_ms)
        said = (
            f"{from_ms(found.start_ms):%F %H:%M} to {from_ms(found.end_ms):%F %H:%M} UTC,"
            f" {found.integral / _KWH:.3f} kWh, {share:.1%} known"
        )
    left = "; ".join(_left(found, one.refused))
    return f"{resource}: {said}" + (f"; left out: {left}" if left else "")


def _left(found: Brought, refused: int) -> Iterator[str]:
    if found.own:
        at = from_ms(found.own_ms)
        yield f"{_length(found.own)} from its first reading here on ({at:%F %H:%M} UTC)"
    if found.known:
        yield f"{_length(found.known)} that is there already"
    if found.too_old:
        yield f"{_length(found.too_old)} older than METERHOUSE_KEEP_HOURS keeps"
    if refused:
        yield f"{refused} means that cannot be (negative, or above 1 MW)"


def _length(ms: int) -> str:
    for unit, size in (("d", 24 * _HOUR_MS), ("h", _HOUR_MS), ("min", 60_000)):
        if ms >= 2 * size:
            return f"{ms / size:.1f} {unit}" if unit == "d" else f"{ms / size:.0f} {unit}"
    return f"{ms / 1000:.0f} s"


def last_line(done: Sequence[Done], *, dry_run: bool) -> str:
    brought = [one.brought for one in done if one.brought]
    fresh = [one for one in brought if one.covered_ms]
    kwh = sum(one.integral for one in fresh) / _KWH
    word = "would be brought" if dry_run else "brought"
    files, out = len(done), sum(one.brought is None for one in done)
    return f"{files} files: {len(fresh)} {word}, {kwh:.3f} kWh; {out} left out"
