"""A scene as SVG: text, no style sheet and no script, so that it is shown wherever it is put."""

from collections.abc import Iterator
from html import escape
from unicodedata import category

from meterhouse.live.pictures.scene import Curve, Layer, Rect, Scene, Text

_SANS = "Inter, 'Source Sans Pro', 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
_NO_SIGN = "C"  # Unicode's categories of what is not written: controls, surrogates, unassigned


def svg(scene: Scene, title: str) -> bytes:
    """title: what a screen reader says in its stead."""
    size = f'width="{scene.width}" height="{scene.height}"'
    box = f'viewBox="0 0 {scene.width} {scene.height}" font-family="{_SANS}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box}',
        f' role="img" aria-label="{_safe(title)}">',
        f"<title>{_safe(title)}</title>",
        _rect(Rect(0, 0, scene.width, scene.height, scene.paper)),
        *map(_rect, scene.grid),
        *(part for layer in scene.layers for part in _layer(layer, scene)),
        *map(_rect, scene.swatches),
        *map(_text, scene.texts),
        "</svg>\n",
    ]
    return "".join(parts).encode()


def _layer(layer: Layer, scene: Scene) -> Iterator[str]:
    edge = f' stroke="{scene.paper}" stroke-width="0.7"' if not layer.line else ""
    for curve in layer.curves:
        over = _points(curve)
        left, right = curve.x[0], curve.x[-1]
        yield (
            f'<path fill="{layer.fill}"{edge}'
            f' d="M{left:.1f} {scene.foot:.1f}L{over}L{right:.1f} {scene.foot:.1f}Z"/>'
        )
        if layer.line:
            yield (
                f'<path fill="none" stroke="{layer.line}" stroke-width="1.5"'
                f' stroke-linejoin="round" d="M{over}"/>'
            )


def _points(curve: Curve) -> str:
    pairs = zip(curve.x.tolist(), curve.y.tolist(), strict=True)
    return "L".join(map("%.1f %.1f".__mod__, pairs))


def _rect(rect: Rect) -> str:
    return (
        f'<rect x="{rect.x:g}" y="{rect.y:g}" width="{rect.width:g}" height="{rect.height:g}"'
        f' fill="{rect.colour}"/>'
    )


def _text(text: Text) -> str:
    weight = ' font-weight="600"' if text.strong else ""
    anchor = f' text-anchor="{text.align}"' if text.align != "start" else ""
    return (
        f'<text x="{text.x:.1f}" y="{text.y:.1f}" font-size="{text.size}"{weight}{anchor}'
        f' fill="{text.colour}">{_safe(text.text)}</text>'
    )


def _safe(text: str) -> str:
    """A text that is no markup, without the signs that XML cannot hold."""
    return escape("".join(sign for sign in text if category(sign)[0] != _NO_SIGN))
