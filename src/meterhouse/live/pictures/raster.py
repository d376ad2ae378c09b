"""A scene as pixels, drawn with numpy.

An area is told by where its upper edge crosses each column of pixels. Going down a column, the
colour changes at each edge: how many edges lie above a pixel says which colour it has. So all
areas of a stack are filled at once, however many there are; then the pixels that an edge goes
through are mixed by how much of them lies below it, which is exact smoothing.
"""

import numpy as np
from numpy.typing import NDArray

from meterhouse.live.pictures.letters import mask
from meterhouse.live.pictures.look import rgb
from meterhouse.live.pictures.scene import Curve, Layer, Rect, Scene, Text

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

_BETWEEN = 0.6  # of a pixel of paper between two areas
_LINE = 1.5


def raster(scene: Scene, scale: int = 1) -> Pixels:
    """scale: so many pixels for each of the scene's, for dense screens."""
    pixels = np.empty((scene.height * scale, scene.width * scale, 3), np.uint8)
    pixels[:] = rgb(scene.paper)
    if scene.layers:
        _areas(pixels, scene, scale)
    else:
        for rect in scene.grid:
            _fill(pixels, rect, scale)
    for rect in scene.swatches:
        _fill(pixels, rect, scale)
    for text in scene.texts:
        _write(pixels, text, scale)
    return pixels


def _fill(pixels: Pixels, rect: Rect, scale: int) -> None:
    x, y = round(rect.x * scale), round(rect.y * scale)
    right, foot = x + round(rect.width * scale), y + round(rect.height * scale)
    pixels[max(y, 0) : foot, max(x, 0) : right] = rgb(rect.colour)


def _write(pixels: Pixels, text: Text, scale: int) -> None:
    if not text.text:
        return
    covered, above = mask(text.text, text.size * scale, strong=text.strong)
    height, width = covered.shape
    back = {"start": 0.0, "middle": width / 2, "end": width}[text.align]
    x, y = round(text.x * scale - back), round(text.y * scale) - above
    left, top = max(-x, 0), max(-y, 0)
    place = pixels[y + top : y + height, x + left : x + width]
    share = covered[top : top + place.shape[0], left : left + place.shape[1], None]
    place[:] = np.rint(place * (1 - share) + np.array(rgb(text.colour), np.float32) * share)


def _areas(pixels: Pixels, scene: Scene, scale: int) -> None:
    """Draw all layers into the plot, and its grid where they leave it free."""
    plot = scene.plot
    left, top = round(plot.x * scale), round(plot.y * scale)
    width, height = round(plot.width * scale), round(plot.height * scale)
    edges, colours = _edges(scene, left, width, scale)
    covered = _painted(
        np.clip(edges - top, 0, height), colours, pixels[top : top + height, left : left + width]
    )
    for rect in scene.grid:
        y, x = round(rect.y * scale) - top, round(rect.x * scale) - left
        rows = slice(max(y, 0), y + round(rect.height * scale))
        across = slice(max(x, 0), x + round(rect.width * scale))
        free = covered[rows, across] == 0
        pixels[top : top + height, left : left + width][rows, across][free] = rgb(rect.colour)


def _painted(edges: Floats, colours: Floats, pixels: Pixels) -> NDArray[np.uint8]:
    """Paint columns of pixels in which each edge, from above, begins a colour.

    edges:   float64[edges, columns], pixels from the top, each row nowhere above the one before
    colours: float64[edges + 1, 3], of what is above all edges, then below each

    Returns for each pixel how many edges lie above or in it.
    """
    height, columns, _ = pixels.shape
    row = edges.astype(np.int64)
    cell = row * columns + np.arange(columns)
    begun = np.bincount(cell.ravel(), minlength=(height + 1) * columns).astype(np.uint8)
    reached = np.cumsum(begun.reshape(-1, columns), axis=0, dtype=np.uint8)[:height]
    passed = reached - begun.reshape(-1, columns)[:height]
    pixels[:] = np.take(np.rint(colours).astype(np.uint8), passed, axis=0)
    _smooth(pixels, row, edges - row, colours)
    return reached


def _smooth(pixels: Pixels, row: NDArray[np.int64], above: Floats, colours: Floats) -> None:
    """Mix the colours in pixels that an edge goes through, one edge over the one before it."""
    columns = np.arange(pixels.shape[1])
    for number, colour in enumerate(colours[1:]):
        there = columns[row[number] < len(pixels)]
        y, share = row[number, there], above[number, there, None]
        pixels[y, there] = np.rint(pixels[y, there] * share + colour * (1 - share))


def _edges(scene: Scene, left: int, width: int, scale: int) -> tuple[Floats, Floats]:
    """Where each colour begins in every column: layers from above, paper between them."""
    foot, paper = scene.foot * scale, rgb(scene.paper)
    edges: list[Floats] = []
    colours: list[tuple[int, int, int]] = []
    for layer in scene.layers:
        low, middle, high = _crossings(layer, left, width, foot, scale)
        if layer.line:
            half = np.where(middle < foot + scale, _LINE * scale / 2, 0)
            edges += [high - half, low + half]
            colours += [rgb(layer.line), rgb(layer.fill)]
        else:
            edges += [middle, middle + _BETWEEN * scale] if edges else [middle]
            colours += [paper, rgb(layer.fill)] if colours else [rgb(layer.fill)]
    whole = np.minimum(np.array(edges), foot)
    return np.maximum.accumulate(whole, axis=0), np.array([paper, *colours], np.float64)


def _crossings(
    layer: Layer, left: int, width: int, foot: float, scale: int
) -> tuple[Floats, Floats, Floats]:
    """The lowest, the middle and the highest of a layer's edge in each column."""
    borders = left + np.arange(width + 1.0)
    low, middle, high = (np.full(width, foot + 2.0 * scale) for _ in range(3))
    for curve in layer.curves:
        y = _interpolated(borders, curve, scale)
        inside = np.isfinite(y[:-1]) & np.isfinite(y[1:])
        one, other = y[:-1][inside], y[1:][inside]
        low[inside], high[inside] = np.maximum(one, other), np.minimum(one, other)
        middle[inside] = (one + other) / 2
    return low, middle, high


def _interpolated(borders: Floats, curve: Curve, scale: int) -> Floats:
    """Heights at the borders of columns; a curve narrower than a column is as wide as one."""
    x = curve.x * scale
    first, last = np.floor(x[0]), max(np.ceil(x[-1]), np.floor(x[0]) + 1)
    y: Floats = np.interp(borders, x, curve.y * scale)
    y[(borders < first) | (borders > last)] = np.nan
    return y
