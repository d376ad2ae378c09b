"""What stands where in a picture of power, whatever it is drawn with. Lengths are pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from meterhouse.live.pictures import axes
from meterhouse.live.pictures.look import Look

Floats = NDArray[np.float64]

TEXT, TITLE = 12, 14  # sizes of letters
_LINE = 17  # from one line of text to the next
_EDGE = 12
_WIDE = 0.52  # of a letter's size, on average: how wide it is
_MOMENT_PX, _WATTS_PX = 74, 44  # that a mark on an axis wants
_LEAST_PLOT = 40


class Text(NamedTuple):
    """align: "start", "end" or "middle" of the text is at x; y is the letters' foot."""

    x: float
    y: float
    text: str
    colour: str
    size: int = TEXT
    align: str = "start"
    strong: bool = False


class Rect(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    colour: str


class Key(NamedTuple):
    """One line of a legend: a colour, a name, and what it comes to."""

    colour: str
    name: str
    figures: str


@dataclass(frozen=True, slots=True)
class Words:
    """What is written in a picture.

    keys:  one for each band; nothing for a single probe
    foot:  lines under all
    """

    title: str
    about: str
    keys: Sequence[Key] = ()
    foot: Sequence[str] = ()
    nothing: str = "Nothing was read in this period"


class Curve(NamedTuple):
    """A stretch without gaps: its points, from left to right, at the middles of buckets; the
    first and the last at the outer ends of theirs.
    """

    x: Floats
    y: Floats


@dataclass(frozen=True, slots=True)
class Layer:
    """An area from the foot of the plot up to its curves. line: also drawn along them."""

    fill: str
    curves: Sequence[Curve]
    line: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """layers: the highest first, each hides what is below it of the one before."""

    width: int
    height: int
    paper: str
    plot: Rect
    grid: Sequence[Rect]
    layers: Sequence[Layer]
    texts: Sequence[Text]
    swatches: Sequence[Rect] = field(default=())

    @property
    def foot(self) -> float:
        return self.plot.y + self.plot.height


class Levels(NamedTuple):
    """What is drawn: the edges of buckets (milliseconds, one more than columns) and the heights
    of stacked bands, the lowest first, NaN where nothing is known of any.
    """

    edges: Floats
    heights: Sequence[Floats]
    fills: Sequence[str]
    line: str = ""


def scene(levels: Levels, words: Words, look: Look, width: int, height: int) -> Scene:
    """Lay a picture out in so many pixels."""
    columns = _columns_of_keys(words.keys, width)
    below = _LINE * (len(words.foot) + -(-len(words.keys) // columns)) + 8
    top, foot = 34, max(height - below - 26, 34 + _LEAST_PLOT)
    sums = np.cumsum(np.array(levels.heights), axis=0) if levels.heights else np.empty((0, 0))
    most = float(np.nanmax(sums[-1])) if np.isfinite(sums).any() else 0.0
    scale = axes.watts(most, max((foot - top) // _WATTS_PX, 1))
    left = round(max(len(mark.label) for mark in scale) * TEXT * _WIDE) + _EDGE + 8
    plot = Rect(left, top, max(width - left - _EDGE - 6, 1), foot - top, look.paper)
    place = _Place(plot, levels.edges[0], levels.edges[-1], scale[-1].at)
    times = axes.moments(
        int(levels.edges[0]), int(levels.edges[-1]), int(plot.width) // _MOMENT_PX
    )
    texts = [
        *_head(words, look, width),
        *_axis_texts(scale, times, place, look),
        *([] if most else [_nothing(words, look, plot)]),
    ]
    swatches, keys = _legend(words, look, plot, width, columns)
    return Scene(
        width,
        height,
        look.paper,
        plot,
        _grid(scale, times, place, look),
        _layers(sums, levels, place),
        [*texts, *keys],
        swatches,
    )


class _Place:
    """From moments and watts to pixels."""

    def __init__(self, plot: Rect, start: float, end: float, most: float) -> None:
        self.plot, self._start = plot, start
        self._across, self._up = plot.width / (end - start), plot.height / most

    def x(self, at: "Floats | float") -> "Floats":
        return np.asarray(self.plot.x + (at - self._start) * self._across)

    def y(self, watts: "Floats | float") -> "Floats":
        return np.asarray(self.plot.y + self.plot.height - watts * self._up)


def _layers(sums: Floats, levels: Levels, place: _Place) -> list[Layer]:
    if not len(sums):
        return []
    known = np.isfinite(sums[-1])
    runs = np.flatnonzero(np.diff(np.concatenate(([False], known, [False])).astype(np.int8)))
    middles = (levels.edges[:-1] + levels.edges[1:]) / 2
    stretches = [slice(*pair) for pair in runs.reshape(-1, 2).tolist()]
    xs = [
        place.x(np.concatenate(([levels.edges[s.start]], middles[s], [levels.edges[s.stop]])))
        for s in stretches
    ]
    return [
        Layer(fill, [_curve(x, place.y(row[s])) for x, s in zip(xs, stretches, strict=True)], line)
        for row, fill, line in zip(
            sums[::-1], levels.fills[::-1], [levels.line] * len(sums), strict=True
        )
    ]


def _curve(x: Floats, y: Floats) -> Curve:
    return Curve(x, np.concatenate((y[:1], y, y[-1:])))


def _head(words: Words, look: Look, width: int) -> list[Text]:
    about = Text(width - _EDGE, 21, words.about, look.soft, align="end")
    room = width - 3 * _EDGE - len(words.about) * TEXT * _WIDE
    return [Text(_EDGE, 21, fitted(words.title, room, TITLE), look.ink, TITLE, strong=True), about]


def _axis_texts(
    scale: Sequence[axes.Mark], times: Sequence[axes.Mark], place: _Place, look: Look
) -> list[Text]:
    plot = place.plot
    foot = plot.y + plot.height + 16
    return [
        Text(plot.x - 8, float(place.y(mark.at)) + 4, mark.label, look.soft, align="end")
        for mark in scale
    ] + [
        Text(float(place.x(mark.at)), foot, mark.label, look.soft, align="middle")
        for mark in times
        if plot.x + 14 <= place.x(mark.at) <= plot.x + plot.width - 8
    ]


def _grid(
    scale: Sequence[axes.Mark], times: Sequence[axes.Mark], place: _Place, look: Look
) -> list[Rect]:
    plot = place.plot
    return [
        Rect(plot.x, round(float(place.y(mark.at))), plot.width, 1, look.grid) for mark in scale
    ] + [Rect(round(float(place.x(mark.at))), plot.y, 1, plot.height, look.grid) for mark in times]


def _nothing(words: Words, look: Look, plot: Rect) -> Text:
    x, y = plot.x + plot.width / 2, plot.y + plot.height / 2 + 4
    return Text(x, y, words.nothing, look.soft, align="middle")


def _columns_of_keys(keys: Sequence[Key], width: int) -> int:
    return 1 if not keys else max(1, min(3, width // 300))


def _legend(
    words: Words, look: Look, plot: Rect, width: int, columns: int
) -> tuple[list[Rect], list[Text]]:
    """The keys in columns, one after another downwards, and the lines below them."""
    swatches, texts = [], []
    rows, room = -(-len(words.keys) // columns), (width - 2 * _EDGE) / columns
    top = plot.y + plot.height + 26
    for number, key in enumerate(words.keys):
        x, y = _EDGE + number // rows * room, top + number % rows * _LINE + 12
        end = x + room - (16 if columns > 1 else 0)
        swatches.append(Rect(x, y - 9, 10, 10, key.colour))
        name = fitted(key.name, end - x - 24 - len(key.figures) * TEXT * _WIDE, TEXT)
        texts += [
            Text(x + 16, y, name, look.ink),
            Text(end, y, key.figures, look.soft, align="end"),
        ]
    for number, line in enumerate(words.foot):
        y = top + (rows + number) * _LINE + (12 if not words.keys else 16)
        texts.append(Text(_EDGE, y, fitted(line, width - 2 * _EDGE, TEXT), look.ink))
    return swatches, texts


def fitted(text: str, room: float, size: int) -> str:
    """A text that takes no more than so many pixels, its end cut off if it must."""
    most = max(int(room / (size * _WIDE)), 1)
    return text if len(text) <= most else f"{text[: most - 1]}…"
