"""A look at some probes as a picture: Kwapi's graphs with Kwapi's legend, as SVG or PNG."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
import numpy as np

from meterhouse.live.amounts import cost, emitted, energy
from meterhouse.live.figures import figure, percent
from meterhouse.live.legend import Row
from meterhouse.live.looks import Look, Wanted, look
from meterhouse.live.once import Once
from meterhouse.live.pictures.look import LOOKS, Theme
from meterhouse.live.pictures.png import png
from meterhouse.live.pictures.raster import raster
from meterhouse.live.pictures.scene import Key, Levels, Scene, Words, scene
from meterhouse.live.pictures.svg import svg
from meterhouse.live.stack import Band, stack
from meterhouse.live.windows import resolution_of
from meterhouse.metering.periods import Period, to_ms

_MOST = 32 << 20  # bytes of pictures that are kept
_DAY_S = 86_400.0
_SPACE = 4 * "\N{NO-BREAK SPACE}"  # as wide as an em space, which the font of PNGs lacks


class Format(StrEnum):
    PNG = "png"
    SVG = "svg"


@dataclass(frozen=True, slots=True)
class Style:
    """How a picture is to look. Lengths are pixels; scale: PNG's pixels for each of them."""

    format: Format = Format.PNG
    theme: Theme = Theme.LIGHT
    width: int = 694
    height: int = 400
    scale: int = 1
    legend: bool = True


@dataclass(frozen=True, slots=True)
class Picture:
    """mark: the same for two pictures that are the same; age_s: how long it may be shown."""

    body: bytes
    mark: str
    made_s: float
    age_s: float


def picture(wanted: Wanted, style: Style, *, now: datetime, using: str = "default") -> Picture:
    """A picture of what is wanted: at most one resolution of its period old, and drawn only if
    something in it changed. Two who ask at once wait for one drawing.
    """
    now_s = to_ms(now) / 1000

    def made() -> Picture:
        seen = look(wanted, now=now, using=using)
        body, mark = drawn(seen, style, window=wanted.window.title if wanted.window else "")
        return Picture(body, mark, now_s, _age(seen))

    key = (using, wanted.key, style)
    return _pictures.get(key, made, now=now_s, keep=lambda made: made.age_s)


def forget() -> None:
    """Forget all pictures: for tests, whose databases come and go."""
    _pictures.clear()
    _bodies.clear()


def drawn(seen: Look, style: Style, *, window: str = "") -> tuple[bytes, str]:
    """A picture and its mark, which is made of all that it depends on, before it is drawn."""
    levels, words = _levels(seen, style), _words(seen, style, window)
    mark = hashlib.sha256(
        b"".join(
            (
                np.nan_to_num(np.array([*levels.heights]), nan=-1.0).tobytes(),
                levels.edges.tobytes(),
                msgspec.json.encode([words, style, levels.fills]),
            )
        )
    ).hexdigest()[:32]

    def body() -> bytes:
        whole = scene(levels, words, LOOKS[style.theme], style.width, style.height)
        return _encoded(whole, style, words.title)

    return _bodies.get(mark, body, now=0, keep=_DAY_S), mark


def _encoded(whole: Scene, style: Style, title: str) -> bytes:
    if style.format is Format.SVG:
        return svg(whole, title)
    return png(raster(whole, style.scale))


def _age(seen: Look) -> float:
    """Kwapi's rule; a period that is filled in part ages as fast as that part would."""
    period, known = seen.drawn.period, np.flatnonzero(np.isfinite(seen.drawn.total))
    first = int(seen.drawn.start[known[0]]) if len(known) else period.start_ms
    filled = (period.end_ms - first) / (period.end_ms - period.start_ms)
    return max(resolution_of(period) / timedelta(seconds=1) * filled, 1.0)


def _levels(seen: Look, style: Style) -> Levels:
    theme, power = LOOKS[style.theme], seen.drawn
    edges = np.append(power.start, power.period.end_ms).astype(np.float64)
    if len(power) == 1:
        return Levels(edges, [power.total], [theme.under], theme.line)
    bands = stack(power)
    known = np.isfinite(power.total)
    heights = [np.where(known, np.nan_to_num(band.watts), np.nan) for band in bands]
    return Levels(edges, heights, [theme.bands[band.colour - 1] for band in bands])


def _words(seen: Look, style: Style, window: str) -> Words:
    power, total = seen.drawn, seen.legend.total
    name = power.seen[0].probe.id if len(power) == 1 else "Summary"
    keys = []
    if style.legend and len(power) > 1:
        theme = LOOKS[style.theme]
        keys = [_key(seen, band, theme.bands[band.colour - 1]) for band in stack(power)]
    return Words(
        f"{name} ({window})" if window else name,
        _when(power.period, is_window=bool(window)),
        keys,
        _foot(total) if style.legend else (),
    )


def _key(seen: Look, band: Band, colour: str) -> Key:
    rows = [seen.legend.rows[number] for number in band.numbers]
    known = band.watts[np.isfinite(band.watts)]
    mean = rows[0].average if band.is_one else float(known.mean()) if len(known) else None
    kwh = [row.kwh for row in rows if row.kwh is not None]
    said = f"{figure(mean, 'W')} · {energy(sum(kwh) if kwh else None)}"
    return Key(colour, band.name(seen.drawn), said)


def _foot(row: Row) -> Sequence[str]:
    levels = (("Avg", row.average), ("Min", row.minimum), ("Max", row.maximum), ("Last", row.last))
    first = _SPACE.join(f"{name}: {figure(value, 'W')}" for name, value in levels)
    parts = [f"Total: {energy(row.kwh)}"]
    parts += [f"Cost: {cost(row.costs)}"] if row.costs else []
    parts += [f"{emitted(row.grams)} CO₂e"] if row.grams is not None else []
    parts += [f"{percent(row.covered)} known"] if row.covered < 0.9995 else []
    return first, _SPACE.join(parts)


def _when(period: Period, *, is_window: bool) -> str:
    if is_window:
        return f"until {period.end:%Y-%m-%d %H:%M} UTC"
    return f"{period.start:%Y-%m-%d %H:%M} to {period.end:%Y-%m-%d %H:%M} UTC"


_pictures: Once[Picture] = Once(_MOST, lambda picture: len(picture.body) + 200)
_bodies: Once[bytes] = Once(_MOST, len)
