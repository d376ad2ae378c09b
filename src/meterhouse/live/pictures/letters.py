"""Letters as arrays of how much of each pixel they cover: Source Sans Pro, set by Pillow."""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

Mask = NDArray[np.float32]

_WEIGHTS = {False: "Regular", True: "Semibold"}


@lru_cache(maxsize=32)
def _font(size: int, *, strong: bool) -> ImageFont.FreeTypeFont:
    spec = find_spec("font_source_sans_pro")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("font-source-sans-pro is missing: make run installs it")
    path = Path(spec.origin).parent / "files" / f"SourceSansPro-{_WEIGHTS[strong]}.ttf"
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=4096)
def mask(text: str, size: int, *, strong: bool) -> tuple[Mask, int]:
    """How much of each pixel a line of text covers, 0 to 1, and how far it reaches over its foot.

    Kept, for most of what is written in a picture is written in the next one as well.
    """
    font = _font(size, strong=strong)
    drawn, (_, top) = font.getmask2(text, mode="L")
    width, height = drawn.size
    covered = np.frombuffer(bytes(drawn), np.uint8).reshape(height, width)
    return (covered / 255).astype(np.float32), font.getmetrics()[0] - top
